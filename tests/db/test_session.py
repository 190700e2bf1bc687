"""read() and write(): one transaction, its outbox rows and purge keys, and who is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util.concurrency import greenlet_spawn

from hypermart.db.outbox import Outbox, later
from hypermart.db.session import Database, WriteSession, stale
from hypermart.domain.catalog.models import Category
from hypermart.domain.content.models import ContentPage
from hypermart.qa.clock import QaClock
from tests.parts.databases import is_mysql


def about(clock: QaClock, **changes: Any) -> ContentPage:
    return ContentPage(**{"slug": "about", "title": "About", "body": "<p>Us.</p>", "updated_at": clock.now()} | changes)


async def outbox(database: Database) -> list[tuple[str, dict[str, Any]]]:
    async with database.read() as db:
        rows = await db.execute(select(Outbox.job, Outbox.args).order_by(Outbox.id))
        return [(row.job, row.args) for row in rows]


async def titles(database: Database) -> list[str]:
    async with database.read() as db:
        return list((await db.execute(select(ContentPage.title))).scalars())


async def test_an_outbox_row_is_committed_with_the_change(database: Database, clock: QaClock) -> None:
    rung: list[int] = []

    async def bell(ids: list[int]) -> None:
        rung.extend(ids)

    database.bell = bell
    async with database.write() as db:
        db.add(about(clock))
        later(db, "send_news", page="about")
        assert rung == []
    assert await titles(database) == ["About"]
    assert ("send_news", {"page": "about"}) in await outbox(database)
    assert len(rung) == 2, "one for the news, one for the purge"


async def test_a_rolled_back_write_queues_nothing_and_rings_no_bell(database: Database, clock: QaClock) -> None:
    rung: list[int] = []

    async def bell(ids: list[int]) -> None:
        rung.extend(ids)

    database.bell = bell
    with pytest.raises(ZeroDivisionError):
        async with database.write() as db:
            db.add(about(clock))
            later(db, "send_news", page="about")
            await db.flush()
            raise ZeroDivisionError
    assert await titles(database) == []
    assert await outbox(database) == []
    assert rung == []


async def rollbacks(database: Database) -> tuple[int, int]:
    """Which connection the pool gives, and how many ROLLBACKs it was ever sent."""
    async with database.writer.connect() as connection:
        status = await connection.execute(text("SHOW SESSION STATUS LIKE 'Com_rollback'"))
        count = int(status.one()[1])
        found = (await connection.execute(text("SELECT CONNECTION_ID()"))).scalar_one(), count
        await connection.commit()
    return found


def forget_to_commit(connection: PoolProxiedConnection) -> None:
    connection.cursor().execute("UPDATE content_pages SET title = 'Lost'")
    connection.close()


@pytest.mark.skipif(not is_mysql(), reason="SQLite rolls back without a round trip")
async def test_what_was_committed_is_not_rolled_back_and_everything_else_is(database: Database, clock: QaClock) -> None:
    async with database.write() as db:
        db.add(about(clock))
    before = await rollbacks(database)
    async with database.write() as db:
        await db.execute(update(ContentPage).values(title="Kept"))  # no page is asked for here
    assert await rollbacks(database) == before, "a COMMIT is enough"

    await greenlet_spawn(forget_to_commit, await database.writer.raw_connection())
    assert await titles(database) == ["Kept"]
    assert await rollbacks(database) == (before[0], before[1] + 1)


async def test_a_write_that_is_cancelled_leaves_nothing(database: Database, clock: QaClock) -> None:
    async with database.write() as db:
        db.add(about(clock))

    async def lose() -> None:
        async with database.write() as db:
            await db.execute(update(ContentPage).values(title="Lost"))
            changed.set()
            await asyncio.sleep(60)

    changed = asyncio.Event()
    task = asyncio.create_task(lose())
    await changed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as db:
        await db.execute(update(ContentPage).values(title=ContentPage.title + "!"))
    assert await titles(database) == ["About!"]


async def test_a_read_session_refuses_writes(database: Database, clock: QaClock) -> None:
    page = {"slug": "a", "title": "A", "body": "", "description": "", "position": 0, "updated_at": clock.now()}
    with pytest.raises(DBAPIError, match=r"readonly database|READ ONLY transaction"):
        async with database.read() as db:
            await db.execute(insert(ContentPage).values(page))
    assert await titles(database) == []


async def test_keys_of_a_new_row_name_its_id(database: Database) -> None:
    async with database.write() as db:
        category = Category(slug="prints", title="Prints", updated_at=database.clock.now())
        db.add(category)
    assert await outbox(database) == [("purge_pages", {"keys": [f"category:{category.id}", "menu"]})]


async def test_changed_and_deleted_rows_give_their_keys_and_an_equal_value_none(
    database: Database, clock: QaClock
) -> None:
    async with database.write() as db:
        db.add(about(clock))
    purge = ("purge_pages", {"keys": ["content:about", "menu"]})
    assert await outbox(database) == [purge]

    async def page(db: WriteSession) -> ContentPage:
        return (await db.scalars(select(ContentPage))).one()

    async with database.write() as db:
        (await page(db)).title = "About"
    assert await outbox(database) == [purge], "nothing changed, so nothing is purged"
    async with database.write() as db:
        (await page(db)).title = "About us"
    assert await outbox(database) == [purge] * 2
    async with database.write() as db:
        await db.delete(await page(db))
    assert await outbox(database) == [purge] * 3


async def test_bulk_sql_purges_what_it_calls_stale(database: Database, clock: QaClock) -> None:
    async with database.write() as db:
        db.add(about(clock))
    before = await outbox(database)
    async with database.write() as db:
        await db.execute(update(ContentPage).values(title="All"))
    assert await outbox(database) == before, "bulk SQL flushes no rows: whoever forgets stale() purges nothing"
    async with database.write() as db:
        await db.execute(update(ContentPage).values(title="All of us"))
        stale(db, "menu", "content:about", "menu")
    assert (await outbox(database))[len(before) :] == [("purge_pages", {"keys": ["content:about", "menu"]})]


async def test_times_come_back_in_utc_to_the_microsecond(database: Database, clock: QaClock) -> None:
    clock.advance(microseconds=123456)
    async with database.write() as db:
        db.add(about(clock))
    async with database.read() as db:
        assert (await db.execute(select(ContentPage.updated_at))).scalar_one() == clock.now()
