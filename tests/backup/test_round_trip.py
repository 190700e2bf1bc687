"""What comes back is what was there: every row, every picture, the key that signs links, and what is derived."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from hypermart.app import create_app
from hypermart.backup.restoring import GAP
from hypermart.db import snapshot
from hypermart.db.engine import write_engine
from hypermart.db.outbox import Outbox
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.backup.conftest import Empty, Run, dialects
from tests.parts.shops import states_settings
from tests.parts.visitor import visiting


async def everything(settings: Settings) -> snapshot.Snapshot:
    engine = write_engine(settings.database_url)
    try:
        return await snapshot.take(engine)
    finally:
        await engine.dispose()


def pictures(settings: Settings) -> dict[str, bytes]:
    folder = settings.data / "blobs"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


@pytest.fixture
def states(worker: str) -> Settings:
    """A shop in which everything has happened that can happen."""
    return states_settings()


@pytest.mark.parametrize("target", dialects())
def test_every_row_and_picture_comes_back(
    target: str, states: Settings, run: Run, empty: Empty, tmp_path: Path
) -> None:
    new = empty(target)
    code, said, complaint = run(states, "backup", f"{tmp_path}/backup")
    assert code == 0, complaint
    assert said.startswith(f"{tmp_path}/backup holds the shop as of ")
    assert {oct(path.stat().st_mode & 0o77) for path in (tmp_path / "backup").rglob("*")} == {"0o0"}, "for its owner"
    code, said, complaint = run(new, "restore", f"{tmp_path}/backup")
    assert code == 0, complaint
    assert said.startswith("Restored in ")
    before, after = asyncio.run(everything(states)), asyncio.run(everything(new))
    owed = after["outbox"].pop()
    assert sum(map(len, before.values())) > 4000
    for name, rows in before.items():
        assert after[name] == rows, name
    highest = max(row["id"] for row in before["outbox"])
    assert (owed["job"], owed["id"]) == ("purge_pages", highest + GAP)
    assert pictures(new) == pictures(states)


def test_links_in_old_mails_stay_good(run: Run, demo_settings: Settings, empty: Empty, tmp_path: Path) -> None:
    if not demo_settings.is_embedded:
        demo_settings = empty("sqlite")
        assert run(demo_settings, "migrate")[0] == 0
    assert run(demo_settings, "backup", f"{tmp_path}/backup")[0] == 0
    key = (demo_settings.data / "secret").read_bytes()
    assert (tmp_path / "backup" / "secret").read_bytes() == key
    new = empty("sqlite")
    (new.data / "hypermart.db").unlink(missing_ok=True)
    (new.data / "secret").unlink(missing_ok=True)
    assert "Links" not in run(new, "restore", f"{tmp_path}/backup")[1]
    assert (new.data / "secret").read_bytes() == key
    (new.data / "hypermart.db").unlink()
    (new.data / "secret").write_text("of another shop")
    code, said, _ = run(new, "restore", f"{tmp_path}/backup")
    assert (code, said.splitlines()[1].split(":")[0]) == (0, "Links in old mails do not open")
    assert (new.data / "secret").read_text() == "of another shop"


@pytest.mark.parametrize("target", dialects())
def test_a_restored_shop_finds_and_goes_on(target: str, run: Run, demo_backup: Path, empty: Empty) -> None:
    new = empty(target)
    assert run(new, "restore", str(demo_backup))[0] == 0

    async def visit() -> None:
        app = create_app(new, clock=QaClock())
        async with visiting(app) as client:
            assert "/p/the-great-wave-sete" in (await client.get("/search?q=great+wave")).text
            assert (await client.get("/readyz")).text == "ready\n"
            db, now = app.state.shop.db, app.state.shop.now()
            row: dict[str, Any] = {"job": "nothing", "args": {}, "created_at": now, "due_at": now}
            async with db.writer.begin() as connection:
                highest = (await connection.execute(text("SELECT MAX(id) FROM outbox"))).scalar_one()
                made = await connection.execute(insert(Outbox).values(row))
                assert made.inserted_primary_key == (highest + 1,)

    asyncio.run(visit())
