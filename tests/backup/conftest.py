"""Fixtures: the command line of a shop, a backup of the demo shop, and empty databases to restore into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hypermart import cli
from hypermart.settings import Settings
from tests.parts import databases

Run = Callable[..., tuple[int, str, str]]
"""Words of a command, of the shop of these settings -> exit code, what was said, and what was complained about."""
KEY = "signs links, wherever the shop is kept"


def environment(settings: Settings) -> dict[str, str]:
    url = {"DATABASE_URL": settings.database_url, "DATABASE_READ_URL": settings.database_read_url}
    key = {} if settings.is_embedded else {"SECRET_KEY": KEY}
    return {"MODE": "demo", "DATA_DIR": str(settings.data), "TRIES": settings.tries, **url, **key}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(settings: Settings, *words: str) -> tuple[int, str, str]:
        for name, value in environment(settings).items():
            monkeypatch.setenv(name, value)
        if settings.is_embedded:
            monkeypatch.delenv("SECRET_KEY", raising=False)
        capsys.readouterr()
        code = cli.main(words)
        out, err = capsys.readouterr()
        return code, out, err.splitlines()[-1] if code == 2 else err

    return run


@pytest.fixture
def demo_backup(demo_settings: Settings, run: Run) -> Path:
    """A backup of the demo shop, made once per run. Tests that change it take a copy."""

    def build(part: Path) -> None:
        code, _, err = run(demo_settings, "backup", str(part))
        assert code == 0, err

    return databases.once("demo-backup", build)


Empty = Callable[[str], Settings]


@pytest.fixture
def empty(tmp_path: Path, worker: str) -> Empty:
    """A shop of a new folder, whose database (of the named dialect) has no tables."""

    def empty(dialect: str) -> Settings:
        data = tmp_path / f"new-{dialect}"
        url = databases.sqlite_url(data / "hypermart.db")
        if dialect == "mysql":
            url = databases.mysql_url(f"hypermart_restored_{worker}")
            databases.create(url)
        return msgspec.structs.replace(databases.settings(data, url), blobs_url=f"file:{data}/blobs")

    return empty


def own() -> str:
    """The dialect of this run."""
    return "mysql" if databases.is_mysql() else "sqlite"


def dialects() -> list[str]:
    """Those that a shop can be moved between here."""
    return ["sqlite", "mysql"] if databases.is_mysql() else ["sqlite"]
