"""Metrics: every instrument by its name (docs/monitoring.md). What is counted where, the callers know.

Each process counts for itself; Prometheus asks each and adds up. Labels hold no word that a visitor chose: a route is
one of the map, a status one of HTTP's.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each of ours, and nobody asks for it
NETWORK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Seconds, as buckets of what others answer."""
DATABASE = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5)

# --- requests ---
REQUESTS = Histogram(
    "hypermart_request_seconds",
    "Requests by the template of their route, from the first byte heard to the last one said.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
SIGN_INS = Counter(
    "hypermart_sign_ins_total", "Passwords that were asked for, and what came of it.", ["room", "outcome"]
)

# --- databases ---
STATEMENTS = Histogram(
    "hypermart_statement_seconds", "Statements that a database answered.", ["role"], buckets=DATABASE
)
STATEMENTS_FAILED = Counter("hypermart_statements_failed_total", "Statements that ended in an error.", ["role"])
POOL_USED = Gauge("hypermart_pool_used", "Connections that somebody works with.", ["pool"])
POOL_LIMIT = Gauge("hypermart_pool_limit", "Connections that there may be.", ["pool"])
POOL_WAIT = Histogram(
    "hypermart_pool_wait_seconds", "Waiting for a connection, new ones included.", ["pool"], buckets=DATABASE
)
POOL_TIMEOUTS = Counter("hypermart_pool_timeouts_total", "Waits that ended without a connection.", ["pool"])
PRIMARY_ANSWERS = Gauge("hypermart_primary_answers", "1 if the primary answered when it was last asked.")
REPLICA_IN_USE = Gauge("hypermart_replica_in_use", "1 if public pages are read from it.", ["replica"])
REPLICA_LAG = Gauge("hypermart_replica_lag_seconds", "How far it is behind; NaN if it does not answer.", ["replica"])

# --- queue and mail; those of the queue are the same in every worker ---
QUEUE_DUE = Gauge("hypermart_queue_due", "Rows that are due.", ["lane"])
QUEUE_AGE = Gauge("hypermart_queue_oldest_seconds", "How long the oldest of them has been due.", ["lane"])
QUEUE_DEAD = Gauge("hypermart_queue_dead", "Rows that were given up and wait for people.", ["lane"])
JOB_SECONDS = Histogram("hypermart_job_seconds", "Jobs that were run.", ["job", "outcome"], buckets=NETWORK)
PURGE_LAG = Histogram(
    "hypermart_purge_lag_seconds",
    "From a change's commit until the CDN has purged its pages for the first time.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 300),
)
MAIL_SECONDS = Histogram(
    "hypermart_mail_seconds", "Mails that were handed to the mail server.", ["outcome"], buckets=NETWORK
)

# --- selling: counted once it is committed ---
LINES_ADDED = Counter("hypermart_cart_lines_added_total", "Times that somebody put something in a cart.")
CHECKOUTS = Counter("hypermart_checkouts_begun_total", "Times that a cart got its address before its delivery.")
ORDERS = Counter("hypermart_orders_total", "Orders that were placed.", ["method"])
PAYMENTS = Counter("hypermart_payments_total", "Payments that were settled.", ["method", "outcome"])
PAYMENTS_OPEN = Gauge("hypermart_payments_open", "Payments under way; the same in every worker.", ["state"])
PAYMENTS_AGE = Gauge("hypermart_payments_oldest_seconds", "How long ago the oldest of them began.", ["state"])
GATEWAY_SECONDS = Histogram(
    "hypermart_gateway_seconds", "Calls to the payment gateway.", ["call", "outcome"], buckets=NETWORK
)

# --- the machine ---
DATA_FREE = Gauge("hypermart_data_free_ratio", "Free part of the disk that DATA_DIR is on, as workers see it.")

#: Not 0 in processes that never ask.
PRIMARY_ANSWERS.set(math.nan)
DATA_FREE.set(math.nan)


@contextlib.contextmanager
def timed(histogram: Histogram, *labels: str, **outcomes: type[Exception]) -> Iterator[None]:
    """Observes how long the block took, and as the last label how it ended: `ok`, the name among `outcomes` of what it
    raised, or else `failed`."""
    began, outcome = time.perf_counter(), "ok"
    try:
        yield
    except BaseException as error:
        outcome = next((name for name, kind in outcomes.items() if isinstance(error, kind)), "failed")
        raise
    finally:
        histogram.labels(*labels, outcome).observe(time.perf_counter() - began)
