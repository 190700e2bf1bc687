"""The table of docs/migrations.md: what MySQL changes how, each tried on a table with a row."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.db.session import Database
from hypermart.settings import ROOT
from tests.parts.databases import is_mysql

pytestmark = [
    pytest.mark.database,
    pytest.mark.skipif(not is_mysql(), reason="SQLite copies the table for most changes, in one process"),
]
HOW = {"INSTANT": "ALGORITHM=INSTANT", "INPLACE": "ALGORITHM=INPLACE, LOCK=NONE", "COPY": "ALGORITHM=COPY"}
ROWS = re.findall(
    r"^\| ([^|]+) \| `([A-Z][^|]+)` \| (INSTANT|INPLACE|COPY) \|",
    (ROOT / "docs" / "migrations.md").read_text(),
    re.MULTILINE,
)
TABLE = "(id BIGINT PRIMARY KEY, n INT NOT NULL, maybe INT, other BIGINT, old INT, title VARCHAR(40) NOT NULL)"


def test_the_table_is_found() -> None:
    assert len(ROWS) >= 14
    assert {how for _, _, how in ROWS} == HOW.keys()


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.writer.connect() as connection:
        await connection.exec_driver_sql("DROP TABLE IF EXISTS t, t2")
        await connection.exec_driver_sql("CREATE TABLE t2 (id BIGINT PRIMARY KEY)")
        await connection.exec_driver_sql(f"CREATE TABLE t {TABLE}")
        await connection.exec_driver_sql("INSERT INTO t VALUES (1, 1, 1, NULL, 1, 'one')")
        await connection.commit()
        yield connection
        await connection.exec_driver_sql("DROP TABLE t, t2")


@pytest.mark.parametrize(("change", "statement", "how"), ROWS)
async def test_a_change(connection: AsyncConnection, change: str, statement: str, how: str) -> None:
    if how == "COPY":
        with pytest.raises(OperationalError, match="not supported"):
            await connection.exec_driver_sql(f"ALTER TABLE t {statement}, {HOW['INPLACE']}")
    await connection.exec_driver_sql(f"ALTER TABLE t {statement}, {HOW[how]}")
