"""Purges public pages after a change: once the readers show it, and again for fetches that were in flight then."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import select

from hypermart.db.outbox import Outbox
from hypermart.jobs.task import Task
from hypermart.services import Services

AGAIN = timedelta(seconds=5)
"""A page that was being rendered from old rows when the first purge came is older than this by then."""
PATIENCE, STEP = 10.0, 0.05
"""Seconds."""
MANY = 1000
"""Vendors count calls: after a large import, all pages are cheaper than each by its key."""
EVERYTHING = ["feeds", "menu"]
"""Every public page carries one of the two (docs/caching.md)."""


class ReaderBehind(Exception):
    """The readers do not show the change yet; a purge now would bring back the old pages."""


async def purge_pages(services: Services, task: Task, /, *, keys: list[str], is_second: bool = False) -> None:
    await _shown_by_readers(services, task.id)
    keys = keys if len(keys) <= MANY else EVERYTHING
    await services.cdn.purge(keys)
    if not is_second:
        now = services.clock.now()
        args = {"keys": keys, "is_second": True}
        async with services.db.write() as db:
            db.add(Outbox(job="purge_pages", args=args, created_at=now, due_at=now + AGAIN))


async def _shown_by_readers(services: Services, outbox_id: int) -> None:
    """The change and the row that asks for the purge came in one commit, so where one is shown, so is the other."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await _is_shown(services, outbox_id):  # noqa: ASYNC110  (the other side is a database)
                await asyncio.sleep(STEP)
    except TimeoutError:
        raise ReaderBehind(f"outbox row {outbox_id} is not shown after {PATIENCE:.0f} s") from None


async def _is_shown(services: Services, outbox_id: int) -> bool:
    async with services.db.read() as db:
        return (await db.execute(select(Outbox.id).where(Outbox.id == outbox_id))).first() is not None
