"""Which replica is read: one that is seen to be near the primary. What becomes of one that is late, frozen or dead."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import text

from hypermart.db import replicas
from hypermart.db.session import Database
from hypermart.qa.clock import QaClock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.parts.pair import Pair

pytestmark = pytest.mark.stack
SERVER = text("SELECT @@server_id")
PRIMARY, REPLICA = 1, 2


async def server(database: Database) -> int:
    """Which one answers public pages."""
    async with database.read() as db:
        return int((await db.execute(SERVER)).scalar_one())


async def until(true: Callable[[], bool], seconds: float) -> float:
    """Waits; gives how long."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not after {seconds} s"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_public_pages_read_the_replica_and_private_ones_the_primary(watched: Services) -> None:
    assert await server(watched.db) == REPLICA
    async with watched.db.fresh() as db:
        assert (await db.execute(SERVER)).scalar_one() == PRIMARY


async def test_without_anybody_to_watch_them_replicas_are_not_used(split: Settings) -> None:
    async with opened(split) as services:
        assert await server(services.db) == PRIMARY


async def test_a_late_replica_falls_out_and_comes_back_when_it_is_near(servers: Pair, split: Settings) -> None:
    split = msgspec.structs.replace(split, replica_lag=3)
    async with opened(split) as services, services.db.watched():
        (replica,) = services.db.replicas.all  # type: ignore[union-attr]
        await servers.delay(60)
        writes = asyncio.create_task(_write_on(servers))
        took = await until(lambda: not replica.is_in_use, 8)
        assert took > 2, "3 seconds are in bounds"
        assert await server(services.db) == PRIMARY
        await servers.delay(2)  # in bounds, but not near
        await asyncio.sleep(5)
        assert not replica.is_in_use
        await servers.delay(0)
        await until(lambda: replica.is_in_use, 5)
        assert await server(services.db) == REPLICA
        writes.cancel()


async def _write_on(servers: Pair) -> None:
    while True:
        await servers.primary.ask("CREATE DATABASE IF NOT EXISTS noise", "DROP DATABASE noise")
        await asyncio.sleep(0.2)


async def test_a_replica_that_stops_repeating_is_late_only_once_there_is_something_to_repeat(
    servers: Pair, split: Settings
) -> None:
    split = msgspec.structs.replace(split, replica_lag=2)
    async with opened(split) as services, services.db.watched():
        (replica,) = services.db.replicas.all  # type: ignore[union-attr]
        await servers.replica.ask("STOP REPLICA")
        await asyncio.sleep(4)
        assert replica.is_in_use
        await servers.primary.ask("CREATE DATABASE noise", "DROP DATABASE noise")
        await until(lambda: not replica.is_in_use, 5)


async def test_a_lost_primary_changes_no_verdict(servers: Pair, split: Settings) -> None:
    async with opened(msgspec.structs.replace(split, replica_lag=2)) as services, services.db.watched():
        with servers.primary.killed():
            await asyncio.sleep(5)
            assert await server(services.db) == REPLICA
            assert services.db.pulse.last is None
        await until(lambda: services.db.pulse.last is not None, 5)
        assert await server(services.db) == REPLICA


async def test_a_replica_that_was_lost_beside_the_primary_comes_back_alone(servers: Pair, watched: Services) -> None:
    with servers.primary.killed():
        with servers.replica.killed():
            await until(lambda: not watched.db.replicas.in_use, 5)  # type: ignore[union-attr]
        await until(lambda: bool(watched.db.replicas.in_use), 5)  # type: ignore[union-attr]
        assert await server(watched.db) == REPLICA


async def test_a_shop_that_opens_while_the_primary_is_lost_shows_its_pages(servers: Pair, split: Settings) -> None:
    with servers.primary.killed():
        async with opened(split) as services, services.db.watched():
            assert await server(services.db) == REPLICA


@pytest.mark.parametrize("way", ["killed", "frozen"])
async def test_a_request_does_not_notice_that_its_replica_is_lost(servers: Pair, watched: Services, way: str) -> None:
    (replica,) = watched.db.replicas.all  # type: ignore[union-attr]
    async with watched.db.read() as db:
        assert (await db.execute(SERVER)).scalar_one() == REPLICA
        began = time.monotonic()
        with getattr(servers.replica, way)():
            answers = await asyncio.gather(*(server(watched.db) for _ in range(30)))
            assert {*answers, (await db.execute(SERVER)).scalar_one()} == {PRIMARY}
            assert time.monotonic() - began < 6
            assert not replica.is_in_use
    await until(lambda: replica.is_in_use, 10)
    assert await server(watched.db) == REPLICA


async def test_a_replica_that_never_answers_keeps_nobody_waiting(split: Settings, clock: QaClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql+asyncmy://nobody:nothing@127.0.0.1:{silent.getsockname()[1]}/none"
        split = msgspec.structs.replace(split, database_read_url=f"{split.database_read_url} {url}")
        async with opened(split, clock) as services, services.db.watched():
            good, bad = services.db.replicas.all  # type: ignore[union-attr]
            assert (good.is_in_use, bad.is_in_use) == (True, False)
            good.is_in_use, bad.is_in_use = False, True
            began = time.monotonic()
            assert await server(services.db) == PRIMARY
            assert time.monotonic() - began < 2
            assert not bad.is_in_use


async def test_of_several_replicas_all_are_read(servers: Pair, split: Settings) -> None:
    twice = f"{split.database_read_url} {split.database_read_url}"
    async with opened(msgspec.structs.replace(split, database_read_url=twice)) as services, services.db.watched():
        both = services.db.replicas
        assert both
        assert {id(both.pick()) for _ in range(50)} == {id(replica) for replica in both.all}


async def test_a_process_that_was_frozen_does_not_go_by_what_it_knew(
    watched: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "BELIEVED", 0.0)
    assert await server(watched.db) == PRIMARY


async def test_public_pages_leave_the_primary_room_for_others(split: Settings) -> None:
    """No replica is in use, and many ask: few are let in at a time, and private pages do not wait."""
    async with opened(split) as services:
        slow = [asyncio.create_task(_sleep(services.db)) for _ in range(40)]
        await asyncio.sleep(0.5)
        began = time.monotonic()
        async with services.db.fresh() as db:
            await db.execute(SERVER)
        assert time.monotonic() - began < 0.5
        done = await asyncio.gather(*slow, return_exceptions=True)
        assert sum(isinstance(each, Exception) for each in done) == 32
        assert {str(each) for each in done if isinstance(each, Exception)} == {
            "no replica is in use, and the primary is read by enough others"
        }


async def _sleep(database: Database) -> None:
    async with database.read() as db:
        await db.execute(text("SELECT SLEEP(3)"))
