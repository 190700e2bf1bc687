"""A moment stands still while others write, and holds none of them up."""

from __future__ import annotations

from sqlalchemy import insert

from hypermart.db import plain_rows
from hypermart.db.moment import moment
from hypermart.db.outbox import Outbox
from hypermart.services import Services


async def test_what_is_committed_later_is_not_seen(services: Services) -> None:
    at = services.clock.now()

    async def write(count: int) -> None:
        async with services.db.writer.begin() as connection:
            row = {"job": "mark", "args": {}, "created_at": at, "due_at": at}
            await connection.execute(insert(Outbox), [row] * count)

    await write(2)
    async with moment(services.settings.database_url) as now:
        await write(3)
        layouts = {each.name: each for each in await now.connection.run_sync(plain_rows.layouts)}
        assert not {"alembic_version", "search_fts", "search_fts_data"} & set(layouts)
        rows = [row async for chunk in plain_rows.read(now.connection, layouts["outbox"]) for row in chunk]
        assert len(rows) == 2
    async with moment(services.settings.database_url) as now:
        rows = [row async for chunk in plain_rows.read(now.connection, layouts["outbox"]) for row in chunk]
        assert len(rows) == 5
        assert now.position is None, "the servers of the suite keep no log"
