"""No wait is long: whatever freezes or dies, each request is answered soon, and all is well again without a restart."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Literal

import httpx
import msgspec
import pytest
from sqlalchemy import select, text

from hypermart.app import create_app
from hypermart.db.engine import write_engine
from hypermart.domain.catalog.models import Variant
from hypermart.qa.clock import QaClock
from hypermart.services import opened
from hypermart.settings import Settings
from hypermart.web.away import NOT_CHARGED, PLACING
from tests.faults.buying import Shopper
from tests.parts.pair import Pair
from tests.parts.selling import FLOWERS
from tests.parts.server import address, free_port, serving

pytestmark = pytest.mark.stack
LONGEST, CHECKOUT, BACK, LOCKED = 10.0, 8.0, 10.0, 4.5
"""Seconds: any answer; one of checkout; until all is well again; somebody else's lock."""
PUBLIC = ("/", "/p/earth", "/c/space", "/search?q=sea")
Loop = Literal["asyncio", "uvloop"]


@contextlib.contextmanager
def shop(settings: Settings, loop: Loop = "uvloop") -> Iterator[str]:
    bound = free_port()
    app = create_app(msgspec.structs.replace(settings, base_url=address(bound)), clock=QaClock())
    with serving(app, bound, loop) as base:
        yield base


@contextlib.asynccontextmanager
async def browsing(base: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=base, timeout=30) as client:
        yield client


async def variant(settings: Settings) -> int:
    async with opened(settings) as services, services.db.fresh() as db:
        return int((await db.execute(select(Variant.id).where(Variant.sku == FLOWERS))).scalar_one())


async def timed(client: httpx.AsyncClient, method: str, path: str, **given: object) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    answer = await client.request(method, path, **given)  # type: ignore[arg-type]
    return answer, time.monotonic() - began


async def well_again(client: httpx.AsyncClient, form: dict[str, str]) -> float:
    began = time.monotonic()
    while True:
        answer = await client.post("/cart/lines", data=form)
        if answer.status_code == 303:
            return time.monotonic() - began
        assert answer.status_code == 503
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("way", ["frozen", "killed"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_a_lost_primary(servers: Pair, split: Settings, loop: Loop, way: str) -> None:
    form = {"variant": str(await variant(split)), "quantity": "1"}
    with shop(split, loop) as base:
        async with browsing(base) as client:
            await client.post("/cart/lines", data=form)
            review = await Shopper(client).to_review()
            order = dict(review.form("/checkout/orders").filled({"terms": "yes"}))
            with getattr(servers.primary, way)():
                for _ in range(2):  # with old connections, and with none
                    private = [
                        timed(client, "POST", "/cart/lines", data=form),
                        timed(client, "POST", "/checkout/orders", data=order),
                        timed(client, "GET", "/cart"),
                    ]
                    public = [timed(client, "GET", path) for path in PUBLIC]
                    answers = await asyncio.gather(*private, *public)
                    assert [answer.status_code for answer, _ in answers] == [503] * 3 + [200] * 4
                    assert all('id="departments"' in answer.text for answer, _ in answers)
                    assert NOT_CHARGED.message in answers[0][0].text
                    assert PLACING.message in answers[1][0].text
                    assert max(took for _, took in answers[:3]) < CHECKOUT, [took for _, took in answers]
                    assert max(took for _, took in answers[3:]) < 1.5, [took for _, took in answers]
                many = await asyncio.gather(*(timed(client, "POST", "/cart/lines", data=form) for _ in range(60)))
                assert {answer.status_code for answer, _ in many} == {503}
                assert max(took for _, took in many) < LONGEST
                assert (await client.get("/readyz")).status_code == 200
                assert (await client.get("/readyz/write")).status_code == 503
            assert await well_again(client, form) < BACK
            assert (await client.post("/checkout/orders", data=order)).status_code in (303, 409)
            await asyncio.sleep(2)
            assert (await client.get("/readyz/write")).status_code == 200


@pytest.mark.parametrize("way", ["frozen", "killed"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_a_lost_replica(servers: Pair, split: Settings, loop: Loop, way: str) -> None:
    with shop(split, loop) as base:
        async with browsing(base) as client:
            await client.get("/")
            with getattr(servers.replica, way)():
                for _ in range(2):
                    answers = await asyncio.gather(*(timed(client, "GET", path) for path in PUBLIC * 5))
                    assert {answer.status_code for answer, _ in answers} == {200}
                    assert max(took for _, took in answers) < 6
                await asyncio.sleep(2)
                answers = [await timed(client, "GET", path) for path in PUBLIC]
                assert max(took for _, took in answers) < 1, "it is not asked any more"
                assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_both_lost(servers: Pair, split: Settings, loop: Loop) -> None:
    with shop(split, loop) as base:
        async with browsing(base) as client:
            await client.get("/")
            with servers.primary.frozen(), servers.replica.frozen():
                for _ in range(2):
                    paths = [*PUBLIC * 5, "/cart"]
                    answers = await asyncio.gather(*(timed(client, "GET", path) for path in paths))
                    assert {answer.status_code for answer, _ in answers} == {503}
                    assert max(took for _, took in answers) < LONGEST
                assert (await client.get("/readyz")).status_code == 503
            began = time.monotonic()
            while (await client.get("/")).status_code != 200:
                assert time.monotonic() - began < BACK


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_the_only_database_frozen(servers: Pair, split: Settings, loop: Loop) -> None:
    alone = msgspec.structs.replace(split, database_read_url=split.database_url)
    form = {"variant": str(await variant(split)), "quantity": "1"}
    with shop(alone, loop) as base:
        async with browsing(base) as client:
            await client.post("/cart/lines", data=form)
            with servers.primary.frozen():
                for _ in range(2):
                    many = [timed(client, "POST", "/cart/lines", data=form) for _ in range(30)]
                    many += [timed(client, "GET", path) for path in ("/cart", *PUBLIC)]
                    answers = await asyncio.gather(*many)
                    assert {answer.status_code for answer, _ in answers} == {503}
                    assert max(took for _, took in answers) < LONGEST
            assert await well_again(client, form) < BACK


async def test_a_primary_whose_packets_are_dropped(split: Settings) -> None:
    """It takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql+asyncmy://nobody:nothing@127.0.0.1:{silent.getsockname()[1]}/none"
        with shop(msgspec.structs.replace(split, database_url=url)) as base:
            async with browsing(base) as client:
                answer, took = await timed(client, "POST", "/cart/lines", data={"variant": "1", "quantity": "1"})
                assert answer.status_code == 503
                assert took < CHECKOUT
                answer, took = await timed(client, "GET", "/p/earth")
                assert (answer.status_code, took < 1) == (200, True)


async def test_rows_that_a_frozen_process_holds(split: Settings) -> None:
    form = {"variant": str(await variant(split)), "quantity": "1"}
    frozen = write_engine(split.database_url)
    with shop(split) as base:
        async with browsing(base) as client:
            await client.post("/cart/lines", data=form)
            async with frozen.connect() as connection:
                await connection.execute(text("SELECT * FROM carts FOR UPDATE"))
                answer, took = await timed(client, "POST", "/cart/lines", data=form)
                assert answer.status_code == 503
                assert took < LOCKED
                assert "You have not been charged" in answer.text
                assert (await client.get("/cart")).status_code == 200
            assert await well_again(client, form) < BACK
    await frozen.dispose()
