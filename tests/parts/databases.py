"""Databases for tests: built once per run and shared by all pytest workers, then copied (SQLite) or emptied (MySQL)."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

from sqlalchemy import Connection, Table, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hypermart.db import migrate
from hypermart.db.engine import PATIENT, write_engine
from hypermart.settings import ROOT, Settings, load
from hypermart.stack import mysql
from hypermart.stack.mysql_program import NoMySQL
from hypermart.tables import metadata

#: Set by the first pytest process for the workers that it starts.
FOLDER, SERVER = "HYPERMART_TEST_FOLDER", "HYPERMART_TEST_SERVER"
IN_MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of our own is made in it)
ROOM = 2 << 30


def is_mysql() -> bool:
    return os.environ.get("TEST_DATABASE", "sqlite") == "mysql"


@contextlib.contextmanager
def session() -> Iterator[None]:
    """The folder of this run, and on MySQL its server, until the end of the block."""
    with _folder() as folder, contextlib.ExitStack() as stack:
        os.environ[FOLDER] = str(folder)
        if is_mysql():
            with contextlib.suppress(NoMySQL):  # the tests that need it say so
                server = stack.enter_context(mysql.running(folder, mysql.THROWAWAY))
                os.environ[SERVER] = server.url("DATABASE")
        yield


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    base = IN_MEMORY if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ROOM else None
    for left in (base or Path(tempfile.gettempdir())).glob("hypermart-tests-*-*"):
        if not Path("/proc", left.name.split("-")[2]).exists():  # a run that was killed
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"hypermart-tests-{os.getpid()}-", dir=base) as folder:
        yield Path(folder)


def once(name: str, build: Callable[[Path], None]) -> Path:
    """The file or folder `name` of this run: `build` makes it in the first worker that asks, the others wait."""
    path = Path(os.environ[FOLDER], name)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}")
            build(part)
            part.rename(path)
    return path


def settings(data: Path, database_url: str) -> Settings:
    """Of a shop whose files live in `data`: QA mode, every other setting at its default, whatever the machine says."""
    environ: Mapping[str, str] = {
        "MODE": "qa",
        "DATA_DIR": str(data),
        "DATABASE_URL": database_url,
    }
    return load(environ)


def run(work: Callable[[AsyncEngine], Awaitable[None]], url: str) -> None:
    """`work` on a short-lived engine, from a fixture outside the test's event loop."""

    async def engine_open() -> None:
        engine = write_engine(url, PATIENT)
        try:
            await work(engine)
        finally:
            await engine.dispose()

    asyncio.run(engine_open())


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def mysql_url(name: str) -> str:
    return os.environ[SERVER].replace("DATABASE", name)


async def _migrated(engine: AsyncEngine) -> None:
    await migrate.upgrade(engine, ROOT / "migrations")


def fresh(data: Path, worker: str) -> str:
    """The URL of a migrated database without rows, for one test."""
    if is_mysql():
        url = mysql_url(f"hypermart_{worker}")
        once(f"{worker}.created", lambda mark: _create_migrated(url, mark))
        run(_emptied, url)
        return url
    template = once("empty.db", lambda part: run(_migrated, sqlite_url(part)))
    return sqlite_url(Path(shutil.copy(template, data / "hypermart.db")))


def _create_migrated(url: str, mark: Path) -> None:
    create(url)
    run(_migrated, url)
    mark.touch()


def create(url: str) -> None:
    """An empty MySQL database at `url`; what was there is gone."""
    server, _, rest = url.rpartition("/")
    name = rest.partition("?")[0]

    async def work() -> None:
        engine = create_async_engine(f"{server}/", isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            await connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci"))
        await engine.dispose()

    asyncio.run(work())


async def _emptied(engine: AsyncEngine) -> None:
    """Deletes the rows of the tables that have some: 4 ms, where TRUNCATE takes 49 (docs/testing.md). Ids go on."""
    some = " UNION ALL ".join(f"(SELECT '{table.name}' FROM {table.name} LIMIT 1)" for table in metadata.sorted_tables)
    async with engine.begin() as connection:
        await connection.execute(text("SET FOREIGN_KEY_CHECKS=0"))
        for name in (await connection.scalars(text(some))).all():
            await connection.execute(text(f"DELETE FROM {name}"))


def of_a_shop(worker: str) -> dict[str, str]:
    """Settings that lead a shop of its own process to a migrated database; on SQLite it makes its own."""
    if not is_mysql():
        return {}
    url = mysql_url(f"hypermart_shop_{worker}")
    create(url)
    run(_migrated, url)
    return {"DATABASE_URL": url}


def demo(fill: Callable[[Settings], Awaitable[None]], name: str = "demo") -> Settings:
    """The shop that `fill` filled, once per run. Every test looks at the same one."""

    def url(folder: Path) -> str:
        return mysql_url(f"hypermart_{name}") if is_mysql() else sqlite_url(folder / "hypermart.db")

    def build(part: Path) -> None:
        part.mkdir()
        if is_mysql():
            create(url(part))
        run(_migrated, url(part))
        asyncio.run(_filled(settings(part, url(part))))

    async def _filled(shop: Settings) -> None:
        await fill(shop)

    folder = once(name, build)
    return settings(folder, url(folder))


def copy_of(shop: Settings, data: Path, worker: str) -> Settings:
    """A shop of the test's own that begins as `shop`. Blobs are links, which a put or delete replaces."""
    source = shop.data / "blobs"
    if source.exists():
        shutil.copytree(source, data / "blobs", copy_function=os.symlink)
    if is_mysql():
        url = fresh(data, worker)
        run(lambda engine: _copied(engine, make_url(shop.database_url).database), url)
        return settings(data, url)
    return settings(data, sqlite_url(Path(shutil.copy(shop.data / "hypermart.db", data / "hypermart.db"))))


async def _copied(engine: AsyncEngine, source: str | None) -> None:
    def columns(table: Table) -> str:
        return ", ".join(f"`{column.name}`" for column in table.columns if column.computed is None)

    def copy(connection: Connection) -> None:
        connection.execute(text("SET FOREIGN_KEY_CHECKS=0"))
        for table in metadata.sorted_tables:
            names = columns(table)
            connection.execute(text(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {source}.{table.name}"))

    async with engine.begin() as connection:
        await connection.run_sync(copy)
