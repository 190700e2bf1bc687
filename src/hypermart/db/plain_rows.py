"""Rows of any table as plain values that SQLite and MySQL both take: read, written, and their references checked.

Asks the database for its tables, and no model: a database may be older than the code. Times and JSON are text in both
dialects, in the same form; what a dialect has beyond that is told apart by the type of the value.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterable
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hypermart.db.dialect import without_references

CHUNK = 500
"""Rows that are in memory at one time."""
#: Alembic's own table: what it says is said apart from the rows.
REVISION = "alembic_version"
Row = list[Any]
_PLAIN: dict[type, Callable[[Any], Any]] = {
    dt.datetime: lambda value: value.isoformat(" ", "microseconds"),
    dt.date: lambda value: value.isoformat(),
    Decimal: str,
    bytes: lambda value: {"base64": base64.b64encode(value).decode()},
}
_AS_THEY_ARE = (type(None), int, float, str)


class Layout(msgspec.Struct, frozen=True):
    """What of a table is read and written: all columns that the database does not compute itself."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()


def layouts(connection: Connection) -> list[Layout]:
    """Of all tables with rows of their own, by name. What a search engine keeps beside them is not among them."""
    seen = inspect(connection)
    names = set(seen.get_table_names()) - {REVISION}
    if connection.dialect.name == "sqlite":
        kept = connection.exec_driver_sql("SELECT name FROM pragma_table_list WHERE type = 'table'")
        names &= set(kept.scalars())
    return [_layout(seen, name) for name in sorted(names)]


def _layout(seen: Any, name: str) -> Layout:
    columns = tuple(column["name"] for column in seen.get_columns(name) if "computed" not in column)
    return Layout(name, columns, tuple(seen.get_pk_constraint(name)["constrained_columns"]))


async def read(connection: AsyncConnection, layout: Layout) -> AsyncIterator[list[Row]]:
    """All rows in the order of their key, a chunk at a time."""
    names, order = _quoted(connection, layout.columns), _quoted(connection, layout.key or layout.columns)
    (table,) = _quoted(connection, (layout.name,))
    statement = text(f"SELECT {', '.join(names)} FROM {table} ORDER BY {', '.join(order)}")
    async with connection.stream(statement) as result:
        async for chunk in result.partitions(CHUNK):
            yield [[_plain(value) for value in row] for row in chunk]


def _plain(value: Any) -> Any:
    if isinstance(value, _AS_THEY_ARE):
        return value
    if type(value) not in _PLAIN:
        raise TypeError(f"no form is known for a value of type {type(value).__name__}")
    return _PLAIN[type(value)](value)


def _given(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


async def write(connection: AsyncConnection, layout: Layout, rows: Iterable[Row]) -> int:
    """Adds the rows, in the caller's transaction; gives how many. Ids go on above the highest."""
    mark = "%s" if connection.dialect.name == "mysql" else "?"
    (table,) = _quoted(connection, (layout.name,))
    names = ", ".join(_quoted(connection, layout.columns))
    statement = f"INSERT INTO {table} ({names}) VALUES ({', '.join(mark for _ in layout.columns)})"
    count, rest = 0, iter(rows)
    while chunk := [tuple(map(_given, row)) for row in islice(rest, CHUNK)]:
        await connection.exec_driver_sql(statement, chunk)
        count += len(chunk)
    return count


def _quoted(connection: AsyncConnection, names: Iterable[str]) -> list[str]:
    return [connection.dialect.identifier_preparer.quote(name) for name in names]


@contextlib.asynccontextmanager
async def loading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction that takes rows as they are: an id of 0, too, and before what they refer to.

    Raises LookupError, and nothing is written, if in the end a row refers to one that is not there.
    """
    try:
        async with engine.begin() as connection:
            await without_references(connection)
            if connection.dialect.name == "mysql":
                await connection.exec_driver_sql("SET SESSION sql_mode=CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')")
            yield connection
            if broken := await connection.run_sync(broken_references):
                raise LookupError(f"rows refer to rows that are not there: {', '.join(broken)}")
    finally:
        await engine.dispose()  # that connection checks no references any more


def broken_references(connection: Connection) -> list[str]:
    """Each foreign key of which some row refers to a row that is not there."""
    seen, quote = inspect(connection), connection.dialect.identifier_preparer.quote
    broken = []
    for layout in layouts(connection):
        for key in seen.get_foreign_keys(layout.name):
            pairs = list(zip(key["constrained_columns"], key["referred_columns"], strict=True))
            on = " AND ".join(f"c.{quote(own)} = p.{quote(other)}" for own, other in pairs)
            given = " AND ".join(f"c.{quote(own)} IS NOT NULL" for own, _ in pairs)
            found = connection.exec_driver_sql(
                f"SELECT 1 FROM {quote(layout.name)} c LEFT JOIN {quote(key['referred_table'])} p ON {on} "
                f"WHERE {given} AND p.{quote(pairs[0][1])} IS NULL LIMIT 1"
            ).first()
            if found:
                broken.append(f"{layout.name}.{pairs[0][0]}")
    return broken
