"""Outbox rows for tests: written, read, waited for; and jobs that note that they ran."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from hypermart.db.outbox import Outbox, later
from hypermart.services import Services


async def add(services: Services, job: str, **args: Any) -> int:
    """One row, written as the shop does; gives its id."""
    async with services.db.write() as db:
        later(db, job, **args)
    async with services.db.fresh() as db:
        return int((await db.execute(select(Outbox.id).order_by(Outbox.id.desc()).limit(1))).scalar_one())


async def row(services: Services, outbox_id: int) -> Any:
    async with services.db.fresh() as db:
        return (await db.execute(select(*Outbox.__table__.c).where(Outbox.id == outbox_id))).one()


async def rows(services: Services) -> list[Any]:
    async with services.db.fresh() as db:
        return list(await db.execute(select(*Outbox.__table__.c).order_by(Outbox.id)))


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def until_done(services: Services, outbox_id: int, seconds: float = 10) -> None:
    assert (await until_ended(services, outbox_id, seconds)).done_at


async def until_ended(services: Services, outbox_id: int, seconds: float = 40) -> Any:
    """The row, when it is done or dead."""
    async with asyncio.timeout(seconds):
        while not ((found := await row(services, outbox_id)).done_at or found.dead_at):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found
