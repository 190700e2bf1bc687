"""A database that is away, is of another kind, refuses, is behind, ahead or full of work: one line with the fix."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hypermart.adapters.clock import SystemClock
from hypermart.db import migrate
from hypermart.db.session import Database
from hypermart.doctor.database import server_problem
from hypermart.doctor.rights import MIGRATIONS, SHOP, judged
from hypermart.settings import ROOT, Settings
from hypermart.stack.mysql import PASSWORD, USER
from tests.doctor.looking import Ahead, looked, problem_of, run
from tests.parts.databases import is_mysql
from tests.parts.server import free_port

a_server = pytest.mark.skipif(not is_mysql(), reason="SQLite has no server, no users and no clock")
a_file = pytest.mark.skipif(is_mysql(), reason="MySQL is no file")
HEALTHY = {
    "version": "9.7.4",
    "version_comment": "(Debian)",
    "character_set_database": "utf8mb4",
    "collation_database": "utf8mb4_0900_ai_ci",
    "binlog_format": "ROW",
    "log_bin": "ON",
}


async def test_a_schema_of_a_newer_release(settings: Settings, practice: dict[str, str]) -> None:
    await run(settings, "UPDATE alembic_version SET version_num = '9999'")
    try:
        line = await problem_of(practice)
    finally:
        await run(settings, "UPDATE alembic_version SET version_num = :was", was=migrate.newest(ROOT / "migrations"))
    assert re.search(r"^problem +schema +the database is at 9999, which this release does not know: inst", line)


async def test_an_older_release_leaves_it_as_it_is(settings: Settings, database: Database) -> None:
    """And the command line says so in one line."""
    await run(settings, "UPDATE alembic_version SET version_num = '9999'")
    try:
        with pytest.raises(migrate.Newer, match=r"^the database is at 9999, which this release does not know: install"):
            await migrate.upgrade(database.writer, ROOT / "migrations")
    finally:
        await run(settings, "UPDATE alembic_version SET version_num = :was", was=migrate.newest(ROOT / "migrations"))


async def test_a_migration_to_go(settings: Settings, practice: dict[str, str]) -> None:
    newest = migrate.newest(ROOT / "migrations")
    await run(settings, "UPDATE alembic_version SET version_num = '0001'")
    try:
        (line,) = [each.line for each in await looked(practice) if each.part == "schema"]
    finally:
        await run(settings, "UPDATE alembic_version SET version_num = :was", was=newest)
    level = "problem" if is_mysql() else "note"  # SQLite's one process migrates by itself
    assert re.search(rf"^{level} +schema +\d migrations to go: 0002, .*{newest}\. hypermart ", line)


async def owed(settings: Settings, job: str, minutes: int, dead: str = "NULL") -> None:
    now = SystemClock().now().replace(tzinfo=None)
    columns = "job, args, created_at, due_at, dead_at, attempts"
    values = f":job, '{{}}', :at, :at, {dead}, 0"
    await run(
        settings, f"INSERT INTO outbox ({columns}) VALUES ({values})", job=job, at=now - timedelta(minutes=minutes)
    )


async def test_a_job_that_was_given_up(settings: Settings, practice: dict[str, str]) -> None:
    await owed(settings, "purge_pages", 5, dead="CURRENT_TIMESTAMP")
    line = await problem_of(practice)
    assert re.search(r"^problem +queue +1 job was given up\. hypermart outbox list --dead .* retry --all-dead$", line)


@pytest.mark.parametrize(("worker", "start"), [("inline", "serve"), ("external", "worker")])
async def test_jobs_that_nobody_runs(settings: Settings, practice: dict[str, str], worker: str, start: str) -> None:
    await owed(settings, "purge_pages", 5)
    await owed(settings, "purge_pages", 0)
    line = await problem_of(practice | {"WORKER": worker})
    words = rf"^problem +queue +2 jobs due in the lane quick, the oldest for 5 minutes\. Start hypermart {start};"
    assert re.search(words, line)


async def test_many_jobs_that_a_worker_is_at(settings: Settings, practice: dict[str, str]) -> None:
    """After an import the pictures take a while, which is nobody's fault."""
    await owed(settings, "make_renditions", 5)
    await owed(settings, "make_renditions", 5)
    soon = SystemClock().now().replace(tzinfo=None) + timedelta(seconds=80)
    await run(settings, "UPDATE outbox SET leased_until = :soon", soon=soon)
    queue = [each.line for each in await looked(practice) if each.part == "queue"]
    assert re.search(
        r"^note +queue +2 jobs due in the lane slow, the oldest for 5 minutes; a worker is at it", queue[0]
    )
    await owed(settings, "mail_order_confirmation", 5)
    line = await problem_of(practice)
    assert re.search(r"^problem +queue +1 job due in the lane mail, the oldest", line)


async def test_a_worker_that_stands_still(settings: Settings, practice: dict[str, str]) -> None:
    alive = settings.data / "alive"
    alive.mkdir()
    (alive / "worker1").touch()
    found = [each.line for each in await looked(practice | {"WORKER": "external"})]
    assert "ok       worker     alive: worker1" in found
    os.utime(alive / "worker1", (1, 1))
    line = await problem_of(practice | {"WORKER": "external"})
    assert re.search(r"^problem +worker +worker1 gave its last sign of life \d+ days ago\. Start it again; if", line)


@a_file
def test_a_file_that_is_no_database(settings: Settings, practice: dict[str, str]) -> None:
    Path(settings.database_url.partition("///")[2]).write_bytes(b"no database" * 1000)
    line = asyncio.run(problem_of(practice))
    assert re.search(r"^problem +database +\S+hypermart.db does not answer: file is not a database\. Check DATA", line)


@a_file
async def test_a_shop_that_was_never_started_has_no_database_yet(practice: dict[str, str], tmp_path: Path) -> None:
    new = practice | {"DATABASE_URL": "", "DATA_DIR": str(tmp_path / "new")}
    found = await looked(new)
    assert not [each for each in found if each.level == "problem"]
    assert not (tmp_path / "new").exists()


@a_server
async def test_a_wrong_password(settings: Settings, practice: dict[str, str]) -> None:
    wrong = settings.database_url.replace(f":{PASSWORD}@", ":not-this-one@")
    line = await problem_of(practice | {"DATABASE_URL": wrong})
    assert re.search(r"^problem +database +\S+ does not answer: .*Access denied.*Check user and password in DATA", line)
    assert "not-this-one" not in line


@a_server
async def test_a_database_that_is_not_there(settings: Settings, practice: dict[str, str]) -> None:
    server, _, rest = settings.database_url.rpartition("/")
    wrong = f"{server}/no_such_database?{rest.partition('?')[2]}"
    line = await problem_of(practice | {"DATABASE_URL": wrong})
    assert re.search(r"^problem +database +.*Unknown database.*CREATE DATABASE .* or correct the name in DATA", line)


@a_server
async def test_a_server_that_is_down(practice: dict[str, str]) -> None:
    with free_port() as nobody:
        url = f"mysql+asyncmy://shop:pw@127.0.0.1:{nobody.getsockname()[1]}/shop"
        line = await problem_of(practice | {"DATABASE_URL": url})
    assert re.search(r"^problem +database +127\S+ does not answer: .*Start the server, and check host and port", line)


@a_server
async def test_a_clock_that_is_off(practice: dict[str, str]) -> None:
    line = await problem_of(practice, Ahead(30))
    assert re.search(r"^problem +clock +this machine's clock is (29|30)\.\d s ahead of the database's\. Set both", line)


@pytest.fixture
def reader(settings: Settings) -> Iterator[str]:
    """The URL of a user who may only read this database."""
    name = settings.database_url.rpartition("/")[2].partition("?")[0]
    asyncio.run(run(settings, "CREATE USER IF NOT EXISTS reader IDENTIFIED BY 'a-password'"))
    asyncio.run(run(settings, f"GRANT SELECT ON {name}.* TO reader"))
    yield settings.database_url.replace(f"{USER}:{PASSWORD}@", "reader:a-password@")
    asyncio.run(run(settings, "DROP USER reader"))


@a_server
async def test_a_user_who_may_not_write(practice: dict[str, str], reader: str) -> None:
    line = await problem_of(practice | {"DATABASE_URL": reader})
    assert re.search(r"^problem +rights +'reader'@'%' may not DELETE, INSERT, UPDATE in .*GRANT DELETE, INSERT", line)


def test_what_a_user_may() -> None:
    said = {
        "the shop and its migrations need": SHOP | MIGRATIONS | {"PROCESS"},
        "lacks PROCESS": SHOP | MIGRATIONS,
        "only another user can run hypermart migrate": SHOP | {"PROCESS"},
        "may not DELETE in": SHOP - {"DELETE"},
    }
    for words, rights in said.items():
        assert words in judged(rights, "shop.*", "'shop'@'%'").line


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"version": "8.0.36"}, "this is 8.0.36, and the shop needs MySQL 8.4"),
        ({"version": "10.11.6-MariaDB"}, "needs MySQL 8.4"),
        ({"character_set_database": "latin1"}, "its characters are latin1.*ALTER DATABASE"),
        ({"collation_database": "utf8mb4_bin"}, "by utf8mb4_bin.*ALTER DATABASE"),
        ({"binlog_format": "STATEMENT"}, "Set binlog_format=ROW"),
    ],
)
def test_servers_that_do_not_do(wrong: dict[str, str], line: str) -> None:
    found = server_problem(HEALTHY | wrong)
    assert found
    assert re.search(line, found.line)
    assert server_problem(HEALTHY) is None
