"""Metrics of the running topology: what three replicas and two workers count adds up, and Prometheus sees it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hypermart.stack.plan import HOST
from tests.monitoring.test_names import used
from tests.topology.crowd import shopper
from tests.topology.running import Running

PAGES, CARTS, ORDERS = 12, 5, 3
Key = tuple[str, ...]


def read(stack: Running, name: str) -> dict[Key, float]:
    """Of one process: values by the sample's name and its labels' values."""
    text = httpx.get(f"http://{stack.shape.metrics(name)}/metrics").raise_for_status().text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def totals(stack: Running) -> Counter[Key]:
    """Counters of all apps and workers, added up."""
    found: Counter[Key] = Counter()
    for name in (*stack.shape.apps, *stack.shape.workers):
        for key, value in read(stack, name).items():
            if key[0].startswith("hypermart_") and key[0].endswith(("_total", "_count")):
                found[key] += int(value)
    return found


def query(stack: Running, text: str) -> list[dict[str, Any]]:
    address = f"http://{HOST}:{stack.shape.port('prometheus')}/api/v1/query"
    found: list[dict[str, Any]] = httpx.get(address, params={"query": text}).raise_for_status().json()["data"]["result"]
    return found


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """It is true in the end: Prometheus looks every 5 seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


async def shop(stack: Running, variants: list[int]) -> None:
    """PAGES past the cache, CARTS that are filled, ORDERS of them by invoice, one by card, and one that is declined."""
    gateway = f"http://{HOST}:{stack.shape.port('caddy')}"
    async with httpx.AsyncClient(base_url=gateway) as client:
        for _ in range(PAGES):
            (await client.get("/p/summer-flowers")).raise_for_status()
    async with contextlib.AsyncExitStack() as clients:
        people = [shopper(stack.url, f"metrics{number}", httpx.AsyncHTTPTransport()) for number in range(CARTS)]
        for each, variant in zip(people, variants, strict=True):
            await clients.enter_async_context(each.client)
            await each.add(variant)
        for each in people[:ORDERS]:
            assert "/orders/" in (await each.place(await each.to_review(payment="invoice"))).url
        paying, declined = people[ORDERS:]
        assert "/orders/" in (await paying.pay(await paying.place(await paying.to_review()))).url
        await declined.pay(await declined.place(await declined.to_review()), "expired_card")


async def test_the_sums_are_what_was_done(stack: Running) -> None:
    variants = await stack.stocked(CARTS, units=50)
    before = totals(stack)
    await shop(stack, variants)
    mail = ("hypermart_mail_seconds_count", "ok")
    async with asyncio.timeout(60):
        while totals(stack)[mail] - before[mail] < ORDERS + 1:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    gained = totals(stack) - before
    expected = {
        ("hypermart_cart_lines_added_total",): CARTS,
        ("hypermart_checkouts_begun_total",): CARTS,
        ("hypermart_orders_total", "invoice"): ORDERS,
        ("hypermart_orders_total", "card"): 1,
        ("hypermart_payments_total", "invoice", "accepted"): ORDERS,
        ("hypermart_payments_total", "card", "paid"): 1,
        ("hypermart_payments_total", "card", "declined"): 1,
        ("hypermart_gateway_seconds_count", "open", "ok"): 2,
        ("hypermart_job_seconds_count", "mail_order_confirmation", "done"): ORDERS + 1,
        mail: ORDERS + 1,
        ("hypermart_request_seconds_count", "GET", "/p/{slug}", "200"): PAGES,
        ("hypermart_request_seconds_count", "POST", "/cart/lines", "303"): CARTS,
        ("hypermart_request_seconds_count", "POST", "/checkout/orders", "303"): CARTS,
    }
    assert {key: gained[key] for key in expected} == expected
    assert not [key for key in gained if key[0] == "hypermart_request_seconds_count" and key[3] >= "500"]


def test_every_app_has_its_share(stack: Running) -> None:
    """Nobody adds up for the others: each replica has counted what it has answered."""
    key = ("hypermart_request_seconds_count", "GET", "/cart", "200")
    before = [read(stack, name).get(key, 0) for name in stack.shape.apps]
    with httpx.Client(base_url=stack.url) as client:
        for _ in range(9):
            client.get("/cart").raise_for_status()
    gained = [read(stack, name).get(key, 0) - was for name, was in zip(stack.shape.apps, before, strict=True)]
    assert sum(gained) == 9
    assert all(gained)


def test_workers_measure_alike(stack: Running) -> None:
    """What stands still: new pictures keep the other lanes busy for a while."""
    measured = "hypermart_queue_dead", "hypermart_payments_open"
    gauges = [key for key in read(stack, "worker1") if key[0] in measured]
    assert len(gauges) == 3 + 5
    until(lambda: len({tuple(read(stack, name)[key] for key in gauges) for name in stack.shape.workers}) == 1)


def test_prometheus_reaches_everybody_and_answers(stack: Running) -> None:
    def up() -> set[str]:
        return {row["metric"]["instance"] for row in query(stack, "up == 1")}

    everybody = {*stack.shape.apps, *stack.shape.workers, "caddy", "varnish-metrics", "prometheus"}
    until(lambda: up() == everybody)
    until(lambda: query(stack, "sum(hypermart_request_seconds_count) > 0"))
    (row,) = query(stack, "count(hypermart_primary_answers == 1)")
    assert int(row["value"][1]) == len(stack.shape.apps) + len(stack.shape.workers)


def test_every_metric_of_the_dashboards_is_there(stack: Running) -> None:
    """Those of Varnish and Caddy as they are now; ours that wait for a first time are in the registry."""
    httpx.get(stack.url).raise_for_status()
    wanted = {name for name in used() if name.startswith(("varnish", "caddy"))}
    assert len(wanted) > 10
    until(lambda: not [name for name in wanted if not query(stack, name)])


def test_no_visitor_reaches_any_of_it(stack: Running) -> None:
    doors = [stack.shape.port(name) for name in ("edge", "caddy", "app1")]
    for port in doors:
        for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics"):
            assert httpx.get(f"http://{HOST}:{port}{path}", follow_redirects=True).status_code == 404, (port, path)


def test_all_listen_on_this_machine_alone(stack: Running) -> None:
    ports = {int(stack.shape.metrics(name).rpartition(":")[2]) for name in _counting(stack)}
    rows = [row.split() for name in ("tcp6", "tcp") for row in Path("/proc/net", name).read_text().splitlines()[1:]]
    listening = {int(row[1].rpartition(":")[2], 16): row[1].rpartition(":")[0] for row in rows if row[3] == "0A"}
    assert {port: listening.get(port) for port in ports} == dict.fromkeys(ports, "0100007F")


def _counting(stack: Running) -> Iterable[str]:
    return (*stack.shape.apps, *stack.shape.workers, "caddy", "prometheus", "varnish-metrics")


@pytest.mark.timeout(240)
def test_a_replica_that_is_killed_is_seen_and_told_of(stack: Running) -> None:
    key = ("hypermart_replica_in_use", f"{HOST}:{stack.shape.port('mysql-replica')}")
    until(lambda: all(read(stack, name)[key] == 1 for name in stack.shape.apps))
    stack.kill("mysql-replica")
    until(lambda: all(read(stack, name)[key] == 0 for name in stack.shape.apps))
    until(lambda: query(stack, 'ALERTS{alertname="ReplicaOut"}'), 90)


@pytest.mark.timeout(240)
def test_an_app_that_is_frozen_is_down_for_prometheus(stack: Running) -> None:
    until(lambda: len(query(stack, 'up{job="app"} == 1')) == len(stack.shape.apps))
    stack.kill("app2", "STOP")
    until(lambda: [row["metric"]["instance"] for row in query(stack, 'up{job="app"} == 0')] == ["app2"])
