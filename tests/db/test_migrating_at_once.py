"""Several starts at once migrate a new database: one of them does it, the others wait, and all find it done."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from hypermart.db import migrate
from hypermart.db.engine import write_engine
from hypermart.settings import ROOT
from tests.parts import databases

STARTS = 3
FOLDER = ROOT / "migrations"
#: All are at the door before the first goes in: Python itself takes longer to start than to migrate.
START = """
import asyncio, sys
from pathlib import Path
from hypermart.db import migrate
from hypermart.db.engine import write_engine
from hypermart.tables import metadata

async def main():
    engine = write_engine(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await migrate.upgrade(engine, Path(sys.argv[2]))
    print(await migrate.current(engine))
    await engine.dispose()

asyncio.run(main())
"""


@pytest.fixture
def empty(tmp_path: Path, worker: str) -> str:
    """The URL of a database without a table."""
    if not databases.is_mysql():
        return databases.sqlite_url(tmp_path / "new.db")
    url = databases.mysql_url(f"hypermart_new_{worker}")
    databases.create(url)
    return url


@pytest.mark.slow
def test_starts_at_once_migrate_once(empty: str) -> None:
    command = [sys.executable, "-c", START, empty, str(FOLDER)]
    pipe = subprocess.PIPE
    starts = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=os.environ)
        for _ in range(STARTS)
    ]
    for start in starts:
        assert start.stdout
        assert start.stdout.readline() == "ready\n"
    for start in starts:
        assert start.stdin
        start.stdin.write("go\n")
        start.stdin.flush()
    said = [start.communicate(timeout=60) for start in starts]
    assert [start.returncode for start in starts] == [0] * STARTS, "\n".join(errors for _, errors in said)
    assert {out.strip() for out, _ in said} == {migrate.newest(FOLDER)}


async def test_who_waits_in_vain_is_told(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not databases.is_mysql():
        pytest.skip("SQLite says by itself that its file is locked")
    monkeypatch.setattr(migrate, "PATIENCE", 0.3)
    monkeypatch.setattr(migrate, "LISTEN", 1)  # MySQL counts in whole seconds
    engine = write_engine(empty)
    async with engine.connect() as other:
        await other.scalar(text("SELECT GET_LOCK(CONCAT('hypermart.migrate.', DATABASE()), 0)"))
        with pytest.raises(migrate.Busy, match=r"somebody else has been migrating this database for 0 s"):
            await migrate.upgrade(engine, FOLDER)
        assert await migrate.current(engine) is None
        await other.scalar(text("SELECT RELEASE_LOCK(CONCAT('hypermart.migrate.', DATABASE()))"))
    await asyncio.wait_for(migrate.upgrade(engine, FOLDER), 60)
    assert await migrate.current(engine) == migrate.newest(FOLDER)
    await engine.dispose()
