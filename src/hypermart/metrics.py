"""Metrics: every instrument by its name, and where Prometheus reads them. What is counted where, the callers know.

Each process counts for itself; Prometheus asks each and adds up. Labels hold no word that a visitor chose: a route is
one of the map, a status one of HTTP's.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUESTS = Histogram(
    "hypermart_request_seconds",
    "Requests by the template of their route, from the first byte heard to the last one said.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STATEMENTS = Histogram(
    "hypermart_statement_seconds",
    "Statements that a database answered.",
    ["role"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5),
)
STATEMENTS_FAILED = Counter("hypermart_statements_failed_total", "Statements that ended in an error.", ["role"])
