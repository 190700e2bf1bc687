"""The mark of a database that is being restored: no shop opens on it until all of it is there. Knows no noun.

A table of its own, because MySQL commits each change of the schema by itself: there is no moment to roll back to.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import AsyncEngine

TABLE = "half_restored"
SAID = "the database is half restored: drop it, make an empty one, and restore into that (docs/backup.md)"
#: True if the mark is there; by dialect.
IS_HALF = {
    "mysql": (
        f"EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '{TABLE}')"
    ),
    "sqlite": f"EXISTS (SELECT 1 FROM sqlite_master WHERE name = '{TABLE}')",
}


class HalfRestored(Exception):
    """Nothing may be done with this database."""

    def __init__(self) -> None:
        super().__init__(SAID)


def is_half(connection: Connection) -> bool:
    return inspect(connection).has_table(TABLE)


async def mark(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"CREATE TABLE {TABLE} (mark INTEGER PRIMARY KEY)")


async def unmark(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"DROP TABLE {TABLE}")
