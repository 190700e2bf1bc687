"""What goes wrong while a backup is made or brought back: one line, and nothing that looks whole and is not."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from hypermart.app import create_app
from hypermart.db import moment as moments
from hypermart.db.engine import PATIENT, write_engine
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.backup.conftest import Empty, Run, own
from tests.backup.drill import process
from tests.parts.server import free_port
from tests.parts.visitor import visiting


async def say(settings: Settings, statement: str) -> None:
    engine = write_engine(settings.database_url, PATIENT)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


def test_a_folder_that_is_there_is_left_alone(run: Run, settings: Settings, tmp_path: Path) -> None:
    taken = tmp_path / "backup"
    taken.mkdir()
    assert run(settings, "backup", str(taken))[::2] == (
        2,
        f"hypermart: {taken} is there already: name a folder that is not",
    )
    taken.rename(tmp_path / "other.part")
    code, _, complaint = run(settings, "backup", f"{tmp_path}/other")
    assert (code, "a backup is being made, or was killed" in complaint) == (2, True)
    assert not (tmp_path / "other").exists()


def test_a_database_that_is_away(run: Run, settings: Settings, tmp_path: Path) -> None:
    with free_port() as closed:
        url = f"mysql+asyncmy://nobody:nothing@127.0.0.1:{closed.getsockname()[1]}/none"
        away = msgspec.structs.replace(settings, database_url=url, database_read_url=url)
        code, _, complaint = run(away, "backup", f"{tmp_path}/backup")
    assert (code, "the database does not answer" in complaint) == (2, True)
    assert not list(tmp_path.glob("backup*"))


def test_a_database_without_a_shop(run: Run, empty: Empty, tmp_path: Path) -> None:
    code, _, complaint = run(empty(own()), "backup", f"{tmp_path}/backup")
    assert (code, "the database is empty" in complaint) == (2, True)
    assert not list(tmp_path.glob("backup*"))


def test_a_disk_that_is_full(demo_settings: Settings, tmp_path: Path) -> None:
    """As near as one comes without a disk of one's own: no file may be longer than 100 kB."""
    backup = process(demo_settings, "backup", f"{tmp_path}/backup", PYTHONDONTWRITEBYTECODE="1")
    resource.prlimit(backup.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
    _, err = backup.communicate(timeout=60)
    complaint = err.splitlines()[-1]
    assert (backup.returncode, complaint.startswith(f"hypermart: cannot write {tmp_path}/backup: ")) == (2, True), err
    assert not list(tmp_path.glob("backup*"))


def test_a_picture_that_is_lost_is_told(run: Run, demo_copy_settings: Settings, tmp_path: Path) -> None:
    lost = next((demo_copy_settings.data / "blobs").rglob("*.jpg"))
    lost.unlink()
    key = lost.relative_to(demo_copy_settings.data / "blobs")
    code, said, complaint = run(demo_copy_settings, "backup", f"{tmp_path}/backup")
    assert (code, complaint.splitlines()[-1]) == (1, f"lost: {key}")
    assert "185 pictures, 1 pictures are lost" in said
    assert run(demo_copy_settings, "restore", f"{tmp_path}/backup", "--verify-only")[0] == 0


@pytest.mark.skipif(own() == "sqlite", reason="SQLite's readers wait for nobody")
def test_a_table_that_is_locked(run: Run, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "LOCKED", 1)

    async def locked() -> tuple[int, str, str]:
        engine = write_engine(settings.database_url, PATIENT)
        async with engine.connect() as connection:
            await connection.execute(text("LOCK TABLES orders WRITE"))
            answer = await asyncio.to_thread(run, settings, "backup", f"{tmp_path}/backup")
            await connection.execute(text("UNLOCK TABLES"))
        await engine.dispose()
        return answer

    code, _, complaint = asyncio.run(locked())
    assert (code, "Lock wait timeout exceeded" in complaint) == (2, True)
    assert not list(tmp_path.glob("backup*"))


def test_a_database_with_rows_is_left_alone(run: Run, settings: Settings, demo_backup: Path) -> None:
    code, _, complaint = run(settings, "restore", str(demo_backup))
    assert (code, "nothing is restored over them" in complaint) == (2, True)


@pytest.mark.parametrize("place", ["restore.migrated", "restore.loaded"])
def test_a_restore_that_was_killed(place: str, run: Run, empty: Empty, demo_backup: Path) -> None:
    new = empty(own())
    killed = process(new, "restore", str(demo_backup), CRASH_AT=place)
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    for words in (["restore", str(demo_backup)], ["backup", f"{new.data}/b"], ["serve"], ["worker"], ["migrate"]):
        code, _, complaint = run(new, *words)
        assert (code, "the database is half restored: drop it" in complaint) == (2, True), words

    async def ready() -> list[tuple[int, str]]:
        async with visiting(create_app(new, clock=QaClock())) as client:
            answers = [await client.get(path) for path in ("/readyz", "/readyz/write")]
            return [(answer.status_code, answer.text[:29]) for answer in answers]

    assert asyncio.run(ready()) == [(503, "the database is half restored")] * 2
    assert run(empty_again(new, empty), "restore", str(demo_backup))[0] == 0


def empty_again(settings: Settings, empty: Empty) -> Settings:
    for path in settings.data.glob("hypermart.db*"):
        path.unlink()
    return empty(own())
