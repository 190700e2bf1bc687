"""Brings a database to the newest schema. Forward only: a shop's data has no way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from hypermart.db.dialect import copied_tables_keep_their_rows


def _config(folder: Path, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def newest(folder: Path) -> str | None:
    """The revision that `folder` leads to."""
    return ScriptDirectory.from_config(_config(folder)).get_current_head()


async def current(engine: AsyncEngine) -> str | None:
    """The revision the database is at; None for an empty one."""
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def upgrade(engine: AsyncEngine, folder: Path) -> None:
    """Every step that is missing, in order. On MySQL each step commits by itself, as its DDL does."""

    def run(connection: Connection, /, **_: Any) -> None:
        command.upgrade(_config(folder, connection), "head")

    async with engine.connect() as connection, copied_tables_keep_their_rows(connection), connection.begin():
        await connection.run_sync(run)
