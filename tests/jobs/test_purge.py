"""A purge waits until the readers show the change, and comes a second and last time a few seconds later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest
from sqlalchemy import delete

from hypermart.db.outbox import Outbox
from hypermart.jobs import purge
from hypermart.jobs.delivery import deliver, due
from hypermart.jobs.task import Task
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from tests.jobs.rows import add, row, rows


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


async def test_it_waits_for_the_readers(services: Services, clock: QaClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that shows nothing at first: the row is there for the primary, and hidden from whom reads."""
    cdn = NotingCdn()
    id_ = await add(services, "purge_pages", keys=["menu"])
    hidden = await _hide(services, id_)
    waiting = asyncio.create_task(purge.purge_pages(replace(services, cdn=cdn), Task(id_, clock.now()), keys=["menu"]))
    await asyncio.sleep(0.3)
    assert cdn.purged == []
    async with services.db.write() as db:
        db.add(Outbox(**hidden))
    await waiting
    assert cdn.purged == [["menu"]]


async def _hide(services: Services, outbox_id: int) -> dict[str, object]:
    values = dict((await row(services, outbox_id))._mapping)
    async with services.db.write() as db:
        await db.execute(delete(Outbox))
    return values


async def test_readers_that_stay_behind_fail_the_attempt(
    services: Services, clock: QaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a failed attempt is made again later, as of every job."""
    monkeypatch.setattr(purge, "PATIENCE", 0.2)
    cdn = NotingCdn()
    id_ = await add(services, "purge_pages", keys=["menu"])
    await _hide(services, id_)
    with pytest.raises(purge.ReaderBehind, match=f"outbox row {id_} is not shown"):
        await purge.purge_pages(replace(services, cdn=cdn), Task(id_, clock.now()), keys=["menu"])
    assert cdn.purged == []


async def test_very_many_keys_are_everything(services: Services, clock: QaClock) -> None:
    """A vendor that takes so many calls a minute would never be done with them."""
    cdn = NotingCdn()
    services = replace(services, cdn=cdn)
    few, many = ([f"product:{number}" for number in range(count)] for count in (purge.MANY, purge.MANY + 1))
    await deliver(services, await add(services, "purge_pages", keys=few), "quick")
    await deliver(services, await add(services, "purge_pages", keys=many), "quick")
    assert cdn.purged == [few, purge.EVERYTHING]
