"""Many rows in few statements. Bulk SQL flushes no rows, so whoever writes here says stale() by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, insert, update

from hypermart.db.base import Base
from hypermart.db.session import WriteSession

CHUNK = 500
"""Values per IN list: well under SQLite's limit of bound values."""
T = TypeVar("T")
Rows = Sequence[dict[str, Any]]


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterable[list[T]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


async def insert_many(db: WriteSession, model: type[Base], rows: Rows) -> None:
    """All rows have the same keys."""
    if rows:
        await (await db.connection()).execute(insert(_table(model)), rows)


async def update_many(db: WriteSession, model: type[Base], rows: Rows, key: str = "id") -> None:
    """Each row names the values to set and, under `key`, the row to set them in; all rows have the same keys."""
    if rows:
        table = _table(model)
        statement = update(table).where(table.c[key] == bindparam("key_"))
        values = [{"key_" if name == key else name: value for name, value in row.items()} for row in rows]
        await (await db.connection()).execute(statement, values)


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101  (no model maps a join)
    return table
