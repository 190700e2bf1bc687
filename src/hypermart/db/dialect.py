"""The few places where SQLite and MySQL differ, named once."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import functions
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import String


class json_rows(functions.GenericFunction[str]):  # noqa: N801  (reads as SQL)
    """Aggregate: the rows of a subquery as one JSON array of arrays, in no promised order."""

    type = String()
    inherit_cache = True
    name = "json_rows"


@compiles(json_rows, "sqlite")
def _sqlite_rows(element: json_rows, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **kw)}))"


@compiles(json_rows, "mysql")
def _mysql_rows(element: json_rows, compiler: SQLCompiler, **kw: Any) -> str:
    return f"JSON_ARRAYAGG(JSON_ARRAY({compiler.process(element.clauses, **kw)}))"


async def without_references(connection: AsyncConnection) -> None:
    """Until the end of this transaction rows may refer to rows that are not there."""
    is_mysql = connection.dialect.name == "mysql"
    await connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS=0" if is_mysql else "PRAGMA defer_foreign_keys=ON")


@contextlib.asynccontextmanager
async def copied_tables_keep_their_rows(connection: AsyncConnection) -> AsyncIterator[None]:
    """Before a transaction that alters tables. SQLite alters one by copying it, and dropping the old one would delete
    whatever refers to it."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = (await connection.get_raw_connection()).driver_connection
    await driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        broken = await (await driver.execute("PRAGMA foreign_key_check")).fetchall()
        if broken:
            raise LookupError(f"rows refer to rows that are not there: {broken[:5]}")
    finally:
        await driver.execute("PRAGMA foreign_keys=ON")


#: MySQL's number of a deadlock. Not that of a lock that was waited for in vain (1205): that took seconds already.
MYSQL_DEADLOCK = 1213


def is_deadlock(error: OperationalError) -> bool:
    """Whether the same transaction may well succeed if it is run again."""
    arguments = getattr(error.orig, "args", ())
    return any(argument == MYSQL_DEADLOCK for argument in arguments[:1])
