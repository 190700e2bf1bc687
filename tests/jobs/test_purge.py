"""A purge waits until the readers show the change, and comes a second and last time a few seconds later."""

from __future__ import annotations

import asyncio
import math
import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from hypermart.db.replicas import BELIEVED, Replica, Replicas
from hypermart.jobs import purge
from hypermart.jobs.delivery import deliver, due
from hypermart.jobs.task import Task
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from tests.jobs.rows import add, rows
from tests.parts import databases


class NotingCdn:
    def __init__(self) -> None:
        self.purged: list[list[str]] = []

    async def purge(self, keys: Iterable[str]) -> None:
        self.purged.append(list(keys))


async def test_twice_and_no_more(services: Services, clock: QaClock) -> None:
    cdn = NotingCdn()
    services = replace(services, cdn=cdn)
    id_ = await add(services, "purge_pages", keys=["menu", "product:1"])
    await deliver(services, id_, "quick")
    assert cdn.purged == [["menu", "product:1"]]
    assert await due(services, "quick") == []
    clock.advance(seconds=purge.AGAIN.total_seconds())
    (second,) = await due(services, "quick")
    await deliver(services, second, "quick")
    assert cdn.purged == [["menu", "product:1"]] * 2
    clock.advance(days=1)
    assert await due(services, "quick") == []
    assert all(r.done_at for r in await rows(services))


class Copy:
    """A replica in the hand of the test: it shows the rows that were handed on, and is in use as the test says."""

    def __init__(self, empty: Path, path: Path) -> None:
        self.url = databases.sqlite_url(Path(shutil.copy(empty, path)))

    def show(self, id_: int) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        with sqlite3.connect(self.url.partition("///")[2]) as connection:
            row = (id_, "purge_pages", "{}", at.isoformat(), at.isoformat(), 0)
            into = "INSERT INTO outbox (id, job, args, created_at, due_at, attempts)"
            connection.execute(f"{into} VALUES (?, ?, ?, ?, ?, ?)", row)
        connection.close()


class Scene(NamedTuple):
    services: Services
    cdn: NotingCdn
    near: Copy
    far: Copy
    replicas: Replicas

    async def purge(self, id_: int, *, is_second: bool = False) -> None:
        task = Task(id_, self.services.clock.now())
        await purge.purge_pages(self.services, task, keys=["menu"], is_second=is_second)

    async def second(self) -> Any:
        """The row of the second purge."""
        return (await rows(self.services))[-1]

    async def after(self) -> timedelta:
        """How long after the first purge the second one comes."""
        return cast("timedelta", (await self.second()).due_at - self.services.clock.now())


@pytest.fixture
def empty(worker: str) -> Path:
    """A replica is a SQLite file here, whatever the primary is."""
    return databases.once("empty.db", lambda part: databases.run(databases._migrated, databases.sqlite_url(part)))


@pytest.fixture
async def scene(services: Services, empty: Path, tmp_path: Path) -> Scene:
    """Two replicas, both in use, for as long as the test does not say otherwise; nothing is handed on yet."""
    near, far = Copy(empty, tmp_path / "near.db"), Copy(empty, tmp_path / "far.db")
    replicas = Replicas([near.url, far.url], services.db.pulse, 10)
    replicas.looked_at = math.inf
    for replica in replicas.all:
        replica.is_in_use = True
    services.db.replicas = replicas
    cdn = NotingCdn()
    return Scene(replace(services, cdn=cdn), cdn, near, far, replicas)


async def test_it_waits_for_every_replica_in_use(scene: Scene) -> None:
    id_ = await add(scene.services, "purge_pages", keys=["menu"])
    scene.near.show(id_)
    waiting = asyncio.create_task(scene.purge(id_))
    await asyncio.sleep(0.3)
    assert scene.cdn.purged == []
    scene.far.show(id_)
    await waiting
    assert scene.cdn.purged == [["menu"]]
    assert await scene.after() == purge.AGAIN


async def test_it_goes_ahead_without_a_replica_that_falls_out_and_the_second_comes_when_nobody_can_read_it(
    scene: Scene,
) -> None:
    id_ = await add(scene.services, "purge_pages", keys=["menu"])
    scene.near.show(id_)
    waiting = asyncio.create_task(scene.purge(id_))
    await asyncio.sleep(0.2)
    assert scene.cdn.purged == []
    scene.replicas.all[1].fall_out("it is late")
    await waiting
    assert scene.cdn.purged == [["menu"]]
    assert await scene.after() == purge.AGAIN + timedelta(seconds=scene.replicas.longest + BELIEVED)


async def test_a_replica_that_is_out_and_shows_the_change_delays_nothing(scene: Scene) -> None:
    """Should it come back, it brings no old page with it."""
    id_ = await add(scene.services, "purge_pages", keys=["menu"])
    scene.near.show(id_)
    scene.far.show(id_)
    scene.replicas.all[1].fall_out("it failed")
    await scene.purge(id_)
    assert await scene.after() == purge.AGAIN


async def test_a_replica_that_came_back_is_waited_for_by_the_second(scene: Scene) -> None:
    id_ = await add(scene.services, "purge_pages", keys=["menu"])
    scene.near.show(id_)
    scene.replicas.all[1].fall_out("it failed")
    await scene.purge(id_)
    scene.replicas.all[1].come_back(0.5)  # near by its own measure, and does not show the change yet
    second = (await scene.second()).id
    scene.near.show(second)
    waiting = asyncio.create_task(scene.purge(second, is_second=True))
    await asyncio.sleep(0.3)
    assert len(scene.cdn.purged) == 1
    scene.far.show(second)
    await waiting
    assert len(scene.cdn.purged) == 2
    assert len(await rows(scene.services)) == 2, "there is no third"


async def test_without_a_replica_in_use_it_goes_ahead(scene: Scene) -> None:
    scene.replicas.looked_at = -math.inf
    await scene.purge(await add(scene.services, "purge_pages", keys=["menu"]))
    assert scene.cdn.purged == [["menu"]]
    assert await scene.after() > purge.AGAIN, "other processes may still read one"


async def test_a_replica_that_is_lost_on_the_way_falls_out(scene: Scene) -> None:
    """Nobody listens at its address any more."""
    id_ = await add(scene.services, "purge_pages", keys=["menu"])
    scene.near.show(id_)
    lost = Replica("mysql+asyncmy://nobody:nothing@127.0.0.1:1/none")
    lost.is_in_use = True
    scene.replicas.all = (scene.replicas.all[0], lost)
    await scene.purge(id_)
    assert not lost.is_in_use
    assert await scene.after() > purge.AGAIN


async def test_replicas_that_stay_in_use_and_behind_fail_the_attempt(scene: Scene) -> None:
    """That cannot be, and a failed attempt is made again later, as of every job."""
    scene.replicas.longest = 0.2 - BELIEVED - 1
    id_ = await add(scene.services, "purge_pages", keys=["menu"])
    with pytest.raises(purge.ReaderBehind, match=f"outbox row {id_} is not shown"):
        await scene.purge(id_)
    assert scene.cdn.purged == []


@pytest.mark.parametrize("moment", [0.0, 5.0, 14.9])
async def test_what_another_process_makes_of_a_replica_that_this_one_gave_up_is_purged(
    scene: Scene, clock: QaClock, moment: float
) -> None:
    """The other process reads the late replica for as long as it may, and its old page gets into the cache again."""
    id_ = await add(scene.services, "purge_pages", keys=["menu"])
    scene.near.show(id_)
    scene.replicas.all[1].fall_out("we cannot reach it")
    changed_at = clock.now()
    await deliver(scene.services, id_, "quick")
    clock.advance(seconds=moment)
    last_read = timedelta(seconds=scene.replicas.longest + BELIEVED)
    assert clock.now() < changed_at + last_read
    assert await due(scene.services, "quick") == [], "it must not come before the last such read"
    clock.at = changed_at + last_read + purge.AGAIN
    (second,) = await due(scene.services, "quick")
    scene.near.show(second)
    await deliver(scene.services, second, "quick")
    assert len(scene.cdn.purged) == 2


async def test_very_many_keys_are_everything(services: Services, clock: QaClock) -> None:
    """A vendor that takes so many calls a minute would never be done with them."""
    cdn = NotingCdn()
    services = replace(services, cdn=cdn)
    few, many = ([f"product:{number}" for number in range(count)] for count in (purge.MANY, purge.MANY + 1))
    await deliver(services, await add(services, "purge_pages", keys=few), "quick")
    await deliver(services, await add(services, "purge_pages", keys=many), "quick")
    assert cdn.purged == [few, purge.EVERYTHING]
