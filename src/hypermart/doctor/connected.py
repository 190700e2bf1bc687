"""Connections of the doctor: one for each look, read-only, with waits of its own; and what an error of one means."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.db.engine import Waits, read_engine

WAITS = Waits(connect=2, statement=2.5, pool=1)
FAILURES = (SQLAlchemyError, OSError)
#: MySQL's numbers, each with the fix.
FIXES: dict[object, str] = {
    1044: "GRANT this user the rights of docs/databases.md on that database",
    1045: "Check user and password in {name}",
    1049: "CREATE DATABASE with CHARACTER SET utf8mb4, or correct the name in {name}",
    1142: "GRANT this user the rights of docs/databases.md on that database",
    2003: "Start the server, and check host and port in {name}",
}


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    engine = read_engine(url, WAITS)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def variables(connection: AsyncConnection, *names: str) -> dict[str, str]:
    """Those of a MySQL server that it has; anybody may ask."""
    asked = "SHOW VARIABLES WHERE variable_name IN ({})".format(", ".join(f"'{name}'" for name in names))
    return {str(row[0]): str(row[1]) for row in await connection.execute(text(asked))}


def number(error: BaseException) -> object:
    """MySQL's own, of an error."""
    return next(iter(getattr(getattr(error, "orig", error), "args", ())), None)


def fix(error: BaseException, name: str) -> str:
    """`name` is the setting that leads there."""
    return FIXES.get(number(error), "Check {name}").format(name=name)


def place(url: str) -> str:
    """Where a database is, without who asks and by which password."""
    parts = make_url(url)
    return f"{parts.host}:{parts.port or 3306}/{parts.database}" if parts.host else str(parts.database)
