"""Brings a database to the newest schema. Forward only: a shop's data has no way back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hypermart.db import half
from hypermart.db.dialect import copied_tables_keep_their_rows

PATIENCE = 120.0
"""Seconds that a start waits for another one that migrates the same database."""
LISTEN = 2
"""Seconds of one wait in MySQL: less than an engine waits for a statement (engine.PRIMARY)."""


class Busy(Exception):
    """Somebody else migrates this database, and does not come to an end."""


class Newer(Exception):
    """A later release has migrated this database; we do not know what it is like."""


def _config(folder: Path, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def newest(folder: Path) -> str | None:
    """The revision that `folder` leads to."""
    return ScriptDirectory.from_config(_config(folder)).get_current_head()


def missing(folder: Path, revision: str | None) -> list[str]:
    """What a database at `revision` lacks, in order. Raises Newer."""
    try:
        steps = [*ScriptDirectory.from_config(_config(folder)).iterate_revisions("head", revision or "base")]
    except (CommandError, RevisionError):
        raise Newer(
            f"the database is at {revision}, which this release does not know: install the release that made it, "
            "or a newer one, or go back to a backup"
        ) from None
    return [step.revision for step in reversed(steps)]


async def current(engine: AsyncEngine) -> str | None:
    """The revision the database is at; None for an empty one."""
    async with engine.connect() as connection:
        return await revision(connection)


async def revision(connection: AsyncConnection) -> str | None:
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def knows(folder: Path, revision: str) -> bool:
    """Whether `folder` has this revision on its way; of a newer shop it does not."""
    try:
        missing(folder, revision)
    except Newer:
        return False
    return True


async def upgrade(engine: AsyncEngine, folder: Path) -> None:
    """Every step that is missing, in order, by one process at a time. On MySQL each step commits by itself, as its DDL
    does. Raises Busy, Newer and half.HalfRestored."""
    async with engine.connect() as connection:
        if await connection.run_sync(half.is_half):
            raise half.HalfRestored
    await upgrade_to(engine, folder, "head")


async def upgrade_to(engine: AsyncEngine, folder: Path, revision: str) -> None:
    """As upgrade(), but no further than `revision`, and also on a database that is being restored."""

    def run(connection: Connection, /, **_: Any) -> None:
        missing(folder, MigrationContext.configure(connection).get_current_revision())
        command.upgrade(_config(folder, connection), revision)

    async with (
        engine.connect() as connection,
        _alone(connection),
        copied_tables_keep_their_rows(connection),
        connection.begin(),
    ):
        await connection.run_sync(run)


@contextlib.asynccontextmanager
async def _alone(connection: AsyncConnection) -> AsyncIterator[None]:
    """Nobody else migrates this database meanwhile. SQLite needs no more than the transaction, which has the file."""
    if connection.dialect.name != "mysql":
        yield
        return
    name = "LEFT(CONCAT('hypermart.migrate.', DATABASE()), 64)"  # MySQL's locks are of the whole server
    deadline = time.monotonic() + PATIENCE
    while not await connection.scalar(text(f"SELECT GET_LOCK({name}, {LISTEN})")):
        if time.monotonic() > deadline:
            raise Busy(f"somebody else has been migrating this database for {PATIENCE:.0f} s")
    await connection.rollback()  # ends the transaction, which began by itself; the lock is the connection's
    try:
        yield
    finally:
        await connection.execute(text(f"DO RELEASE_LOCK({name})"))
