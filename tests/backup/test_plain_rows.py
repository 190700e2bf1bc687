"""Values of every kind are exact in both dialects, also of kinds that the shop has no column for today."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from hypermart.backup.files import read_rows, write_rows
from hypermart.db import plain_rows
from hypermart.db.engine import PATIENT, write_engine
from hypermart.db.moment import moment
from hypermart.settings import Settings
from tests.backup.conftest import Empty, dialects

WORDS = "Zürich ≠ Цюрих \\ ' \" % :x \U0001fad6\n\0 %s"
RAW = {"base64": "AP8nXA=="}
ROWS: list[list[Any]] = [
    [0, WORDS, '{"a": [1, "\U0001fad6", null, 0.1]}', "2026-02-28 23:59:59.000001", RAW, 1, "1234567890.25", 0.1],
    [7, "", "null", "1999-12-31 00:00:00.000000", {"base64": ""}, 0, "-0.10", -1e300],
    [9, None, None, None, None, None, None, None],
]
COLUMNS = ("id", "words", "doc", "at", "key", "flag", "price", "ratio")
TABLE = (
    "CREATE TABLE odd (id INTEGER PRIMARY KEY {auto}, words VARCHAR(255), doc JSON, at DATETIME{micro}, `key` BLOB, "
    "flag BOOLEAN, price NUMERIC(20, 2), ratio DOUBLE, twice INTEGER GENERATED ALWAYS AS (flag * 2) VIRTUAL, "
    "parent_id INTEGER, FOREIGN KEY (parent_id) REFERENCES odd (id))"
)
LAYOUT = plain_rows.Layout("odd", (*COLUMNS, "parent_id"), ("id",))


async def lay_out(engine: AsyncEngine) -> None:
    auto, micro = ("AUTO_INCREMENT", "(6)") if engine.dialect.name == "mysql" else ("", "")
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE IF EXISTS odd"))
        await connection.execute(text(TABLE.format(auto=auto, micro=micro)))


async def kept(settings: Settings, path: Path) -> list[list[Any]]:
    async with moment(settings.database_url) as now:
        (layout,) = [each for each in await now.connection.run_sync(plain_rows.layouts) if each.name == "odd"]
        assert layout == LAYOUT, "what the database computes is left out"
        await write_rows(path, plain_rows.read(now.connection, layout))
    return list(read_rows(path))


def comparable(rows: list[list[Any]]) -> list[list[Any]]:
    """SQLite has no decimals: it keeps the nearest number."""
    return [[*row[:6], row[6] and Decimal(str(row[6])).quantize(Decimal("0.01")), *row[7:]] for row in rows]


@pytest.mark.parametrize("target", dialects())
async def test_values_are_exact(target: str, settings: Settings, empty: Empty, tmp_path: Path) -> None:
    new = await asyncio.to_thread(empty, target)  # which has a loop of its own
    new.data.mkdir(exist_ok=True)
    source, other = write_engine(settings.database_url, PATIENT), write_engine(new.database_url, PATIENT)
    rows = [[*ROWS[0], 7], [*ROWS[1], None], [*ROWS[2], 0]]
    try:
        for engine in (source, other):
            await lay_out(engine)
        async with plain_rows.loading(source) as connection:
            assert await plain_rows.write(connection, LAYOUT, rows) == len(rows)
        assert comparable(await kept(settings, tmp_path / "one")) == comparable(rows)
        async with plain_rows.loading(other) as connection:
            await plain_rows.write(connection, LAYOUT, read_rows(tmp_path / "one"))
        assert comparable(await kept(new, tmp_path / "two")) == comparable(rows)
        async with other.begin() as connection:
            await connection.execute(text("INSERT INTO odd (words) VALUES ('next')"))
            assert (await connection.execute(text("SELECT MAX(id) FROM odd"))).scalar_one() == 10
    finally:
        async with source.begin() as connection:
            await connection.execute(text("DROP TABLE odd"))
        await source.dispose()
        await other.dispose()


async def test_a_row_that_refers_to_none_is_refused(settings: Settings) -> None:
    engine = write_engine(settings.database_url, PATIENT)
    layout = plain_rows.Layout("odd", ("id", "parent_id"))
    await lay_out(engine)
    try:
        with pytest.raises(Exception, match=r"odd\.parent_id|FOREIGN KEY"):
            async with plain_rows.loading(engine) as connection:
                await plain_rows.write(connection, layout, [[1, None], [2, 3]])
        async with engine.begin() as connection:
            assert (await connection.execute(text("SELECT COUNT(*) FROM odd"))).scalar_one() == 0
    finally:
        async with engine.begin() as connection:
            await connection.execute(text("DROP TABLE odd"))
        await engine.dispose()
