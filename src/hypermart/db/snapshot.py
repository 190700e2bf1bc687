"""All rows of a database as they were at one moment, to go back to. For shops that tests buy in; knows no noun."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hypermart.db.base import Base
from hypermart.db.dialect import without_references

Snapshot: TypeAlias = dict[str, list[dict[str, Any]]]
"""Rows by table, as they are inserted."""


async def take(engine: AsyncEngine) -> Snapshot:
    async with engine.connect() as connection:
        return {table.name: await _rows(connection, table) for table in Base.metadata.sorted_tables}


async def restore(engine: AsyncEngine, kept: Snapshot) -> list[str]:
    """The rows are those of `kept` again, in one transaction. Gives the tables that had changed: few, after most tests.

    A table that `kept` does not name is emptied.
    """
    changed = []
    async with engine.begin() as connection:
        await without_references(connection)
        for table in Base.metadata.sorted_tables:
            wanted = kept.get(table.name, [])
            if await _rows(connection, table) == wanted:
                continue
            changed.append(table.name)
            await connection.execute(delete(table))
            if wanted:
                await connection.execute(insert(table), wanted)
    return changed


async def _rows(connection: AsyncConnection, table: Table) -> list[dict[str, Any]]:
    """Without what the database computes itself."""
    columns = [column for column in table.columns if column.computed is None]
    order = list(table.primary_key.columns) or columns
    return [dict(row) for row in (await connection.execute(select(*columns).order_by(*order))).mappings()]
