"""One part of the running shop is killed or frozen: what its visitors see, what holds, and that nothing waits long.

The docstring of each is a row of docs/reliability.md (tests/topology/table.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from hypermart.qa.forms import Page
from tests.faults.audit import findings
from tests.faults.buying import Shopper
from tests.topology.crowd import Patient, shopper
from tests.topology.load import Load
from tests.topology.running import Running

pytestmark = pytest.mark.timeout(240)
LONGEST = 10.0
"""Seconds that nobody may wait for an answer."""
PUBLIC = ["/", "/c/space", "/p/earth", "/search?q=moon"]


@pytest.fixture(scope="module")
async def variants(started: Running) -> list[int]:
    return await started.stocked(4, units=10_000)


@pytest.fixture
async def ada(stack: Running) -> AsyncIterator[Shopper]:
    """Takes what she is told: nothing is tried again for her."""
    buyer = shopper(stack.url, f"ada{time.monotonic_ns()}", httpx.AsyncHTTPTransport())
    async with buyer.client:
        yield buyer


async def edge_is_asked(stack: Running, seconds: float) -> tuple[list[int], float]:
    """Statuses of pages that no cache has, one after the other for that long; and the longest wait."""
    statuses, longest, end = [], 0.0, time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as client:
        while time.monotonic() < end:
            began = time.monotonic()
            # Facets are part of the address, so each of these is rendered anew.
            answer = await client.get(f"/search?q=moon&page-{time.monotonic_ns()}=1")
            statuses.append(answer.status_code)
            longest = max(longest, time.monotonic() - began)
    return statuses, longest


@pytest.mark.parametrize("how", ["KILL", "STOP"])
async def test_app_replica_mid_checkout(stack: Running, variants: list[int], how: str) -> None:
    """Ten shoppers are on their way through checkout; all arrive, each with one order, after trying again at most.

    Holds: one order for each cart, one capture for each order, one mail; no answer takes 10 s.
    """
    crowd = [shopper(stack.url, f"{how}{number}", Patient()) for number in range(10)]

    async def buy(number: int) -> Page:
        async with crowd[number].client:
            return await crowd[number].buy(variants[number % 4], payment="card")

    buying = [asyncio.create_task(buy(number)) for number in range(10)]
    await asyncio.sleep(1)
    await asyncio.to_thread(stack.kill, "app1", how)
    pages = await asyncio.gather(*buying)
    assert [page.url for page in pages if "/orders/" not in page.url] == []
    waits = [wait for buyer in crowd for wait in patience(buyer).waits]
    assert max(waits) < LONGEST
    assert await settled(stack, crowd) == []


def patience(buyer: Shopper) -> Patient:
    transport = buyer.client._transport
    assert isinstance(transport, Patient)
    return transport


async def settled(stack: Running, crowd: list[Shopper], seconds: float = 60) -> list[str]:
    """What the checker finds of these orders once mails and payments have come to rest."""
    deadline = time.monotonic() + seconds
    while (found := findings(await stack.records(crowd))) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(1)
    return found


async def test_app_replica_killed_while_browsing(stack: Running) -> None:
    """Nothing: a page that was being made is asked of another replica.

    Holds: what is read may be asked twice.
    """
    asked = asyncio.create_task(edge_is_asked(stack, 6))
    await asyncio.sleep(1)
    await asyncio.to_thread(stack.kill, "app2")
    statuses, longest = await asked
    assert set(statuses) == {200}
    assert longest < LONGEST


async def test_app_replica_frozen_while_browsing(stack: Running) -> None:
    """Pages that it was making take some seconds; then it gets no more.

    Holds: no answer takes 10 s.
    """
    asked = asyncio.create_task(edge_is_asked(stack, 12))
    await asyncio.sleep(1)
    await asyncio.to_thread(stack.kill, "app2", "STOP")
    statuses, longest = await asked
    assert set(statuses) == {200}
    assert longest < LONGEST


@pytest.mark.parametrize("how", ["killed", "frozen", "not following"])
async def test_database_replica(stack: Running, how: str) -> None:
    """Nothing: the primary is read instead.

    Holds: no page fails, none takes 10 s.
    """
    asked = asyncio.create_task(edge_is_asked(stack, 12))
    await asyncio.sleep(1)
    if how == "not following":
        await asyncio.to_thread(stack.sql, "mysql-replica", "STOP REPLICA")
    else:
        await asyncio.to_thread(stack.kill, "mysql-replica", "KILL" if how == "killed" else "STOP")
    try:
        statuses, longest = await asked
    finally:
        if how == "not following":
            await asyncio.to_thread(stack.sql, "mysql-replica", "START REPLICA")
    assert set(statuses) == {200}
    assert longest < LONGEST


@pytest.mark.parametrize("how", ["KILL", "STOP"])
async def test_primary(stack: Running, ada: Shopper, variants: list[int], how: str) -> None:
    """Browsing goes on. A form is answered 503, says that nothing was charged, and keeps what was typed.

    Holds: no answer takes 10 s; back within 10 s of the database, without a restart.
    """
    await ada.add(variants[0])
    page = await ada.visit("/checkout/address")
    await asyncio.to_thread(stack.kill, "mysql-primary", how)
    began = time.monotonic()
    said = await ada.send(page, "/checkout/address", name="Ada King", line1="Torstr. 1", city="Berlin")
    assert time.monotonic() - began < LONGEST
    assert (said.status, said.answer.headers["retry-after"]) == (503, "10")
    assert "not been charged" in said.text
    assert ("name", "Ada King") in said.form("/checkout/address").fields
    statuses, longest = await edge_is_asked(stack, 3)
    assert set(statuses) == {200}
    assert longest < LONGEST

    await back(stack, how)
    again = time.monotonic()
    while (page := await ada.visit("/checkout/address")).status == 503:
        assert time.monotonic() - again < LONGEST, "not back within 10 s of the database"
        await asyncio.sleep(0.2)
    kept = await ada.send(said, "/checkout/address", email="ada@example.com", postcode="10119")
    assert kept.url.endswith("/checkout/delivery"), kept.text


async def back(stack: Running, how: str) -> None:
    verb = ("restart", "mysql-primary") if how == "KILL" else ("kill", "mysql-primary", "CONT")
    await asyncio.to_thread(stack.say, *verb)


@pytest.mark.parametrize("how", ["KILL", "STOP"])
async def test_valkey(stack: Running, variants: list[int], how: str) -> None:
    """Nothing: carts, orders and mails do not need it. (Who was signed in is asked to sign in again later.)

    Holds: Valkey holds nothing that a shop must not lose; no answer takes 10 s.
    """
    ada = shopper(stack.url, f"valkey{how}")
    await asyncio.to_thread(stack.kill, "valkey", how)
    async with ada.client:
        page = await ada.buy(variants[1], payment="invoice")
    assert "/orders/" in page.url
    assert patience(ada).troubles == []
    assert max(patience(ada).waits) < LONGEST
    assert await settled(stack, [ada], 30) == []


async def test_workers_killed_before_the_mail(stack: Running, ada: Shopper, variants: list[int]) -> None:
    """The mail comes when a worker is back, once.

    Holds: a mail is owed by a row of the same commit as its order.
    """
    for name in stack.shape.workers:
        await asyncio.to_thread(stack.kill, name)
    assert "/orders/" in (await ada.buy(variants[1], payment="invoice")).url
    assert any("confirmation" in found for found in findings(await stack.records([ada])))
    await asyncio.to_thread(stack.say, "restart", *stack.shape.workers)
    assert await settled(stack, [ada], 30) == []


async def test_mail_server_frozen(stack: Running, ada: Shopper, variants: list[int]) -> None:
    """Nothing: the mail comes later.

    Holds: each order is confirmed once.
    """
    await asyncio.to_thread(stack.kill, "smtp", "STOP")
    assert "/orders/" in (await ada.buy(variants[2], payment="invoice")).url
    await asyncio.sleep(3)
    await asyncio.to_thread(stack.kill, "smtp", "CONT")
    assert await settled(stack, [ada], 90) == []


@pytest.mark.parametrize("how", ["KILL", "STOP"])
async def test_the_bank(stack: Running, ada: Shopper, variants: list[int], how: str) -> None:
    """Paying by card is put off in words; other ways of paying go on.

    Holds: no answer takes 10 s; in the end one order, paid once.
    """
    await ada.add(variants[2])
    review = await ada.to_review(payment="card")
    await asyncio.to_thread(stack.kill, "gateway", how)
    page = await ada.place(review)
    answers = (page.answer, *page.answer.history)
    assert max(answer.elapsed.total_seconds() for answer in answers) < LONGEST
    assert page.status in (200, 409, 503), page.text
    assert "/pay/" not in page.url
    await asyncio.to_thread(stack.heal)
    while "/orders/" not in page.url:
        page = await shopper_goes_on(ada, page)
    assert await settled(stack, [ada]) == []


async def shopper_goes_on(buyer: Shopper, page: Page) -> Page:
    if "/pay/" in page.url:
        return await buyer.pay(page)
    await asyncio.sleep(1)
    return await buyer.place(await buyer.visit("/checkout/review"))


@pytest.mark.parametrize("how", ["KILL", "STOP"])
async def test_caddy(stack: Running, how: str) -> None:
    """Kept pages are still served, others say so, and all is well when it is back.

    Holds: the edge serves old pages only while there are no new ones; no answer takes 10 s.
    """
    await asyncio.to_thread(stack.quieten)  # what is purged while Caddy is away cannot be had
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as client:
        for page in PUBLIC:
            assert (await client.get(page)).status_code == 200
        await asyncio.to_thread(stack.kill, "caddy", how)
        await asyncio.sleep(2)
        for page in PUBLIC:
            answer = await client.get(page)
            assert (answer.status_code, answer.headers["x-cache"]) == (200, "hit")
        cart = await client.get("/cart")
        assert (cart.status_code, cart.headers["retry-after"]) == (503, "10")
        assert cart.elapsed.total_seconds() < LONGEST
        await asyncio.to_thread(stack.heal)
        assert (await client.get("/cart")).status_code == 200


async def test_load_is_as_good_as_before(stack: Running, variants: list[int]) -> None:
    """After all of it: nobody fails."""
    load = Load(stack.url, PUBLIC, variants)
    async with load.under_way():
        await asyncio.sleep(3)
    assert not load.failures
    assert load.orders
