"""The position of a backup is exactly its snapshot's, whoever writes meanwhile; the binary log goes on from there."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hypermart.backup.manifest import read
from hypermart.db import snapshot
from hypermart.db.engine import write_engine
from hypermart.db.moment import moment
from hypermart.qa.tools import need
from hypermart.settings import Settings
from hypermart.stack.mysql_program import find
from tests.backup.conftest import Run
from tests.parts import databases, pair
from tests.parts.pair import Pair

pytestmark = pytest.mark.stack
WRITERS, MOMENTS = 4, 40
END = "/*!*/;"
"""Of a statement of mysqlbinlog."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    need("mysql")
    with pair.running() as servers:
        yield servers


@pytest.fixture
async def counted(servers: Pair) -> AsyncIterator[AsyncEngine]:
    """A database of one table, into which each transaction puts one row."""
    await servers.primary.ask("DROP DATABASE IF EXISTS counted", "CREATE DATABASE counted")
    engine = write_engine(servers.primary.url("counted"))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE marks (id INTEGER PRIMARY KEY AUTO_INCREMENT)"))
    yield engine
    await engine.dispose()


def transactions(gtids: str) -> int:
    """How many there are in a set like UUID:1-5:7,UUID:1."""
    spans = [span.split("-") for each in gtids.split(",") for span in each.split(":")[1:]]
    return sum(int(span[-1]) - int(span[0]) + 1 for span in spans)


@pytest.mark.parametrize("on_replica", [False, True])
async def test_the_position_is_exact(on_replica: bool, servers: Pair, counted: AsyncEngine) -> None:
    await servers.mend()
    node = servers.replica if on_replica else servers.primary
    ((gtids,),) = await node.ask("SELECT @@GLOBAL.gtid_executed")
    before, stop, exact = transactions("".join(gtids.split())), asyncio.Event(), 0

    async def write() -> None:
        while not stop.is_set():
            async with counted.begin() as connection:
                await connection.execute(text("INSERT INTO marks VALUES ()"))

    writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
    try:
        for _ in range(MOMENTS):
            async with moment(node.url("counted")) as now:
                rows = await now.connection.scalar(text("SELECT COUNT(*) FROM marks"))
                assert now.position
                known = transactions(now.position.gtids) - before
                exact += now.position.is_exact
                assert known == rows if now.position.is_exact else known <= rows
    finally:
        stop.set()
        await asyncio.gather(*writers)
    assert rows > MOMENTS, "somebody wrote"
    assert exact > MOMENTS // 2, "the servers stand still between two transactions often enough"


async def test_without_the_privilege_it_is_a_lower_bound(servers: Pair, counted: AsyncEngine) -> None:
    await servers.primary.ask(
        "CREATE USER IF NOT EXISTS 'keeper'@'%' IDENTIFIED BY 'keeper'", "GRANT SELECT ON counted.* TO 'keeper'@'%'"
    )
    async with moment(servers.primary.url("counted").replace("hypermart:hypermart", "keeper:keeper")) as now:
        assert now.position
        assert not now.position.is_exact
        ((gtids,),) = await servers.primary.ask("SELECT @@GLOBAL.gtid_executed")
        assert now.position.gtids == "".join(gtids.split())


@pytest.fixture
def shop(servers: Pair, tmp_path: Path) -> Settings:
    databases.create(servers.primary.url("shop"))
    databases.run(databases._migrated, servers.primary.url("shop"))
    asyncio.run(servers.caught_up())
    settings = databases.settings(tmp_path / "shop", servers.primary.url("shop"))
    return msgspec.structs.replace(settings, database_read_url=servers.replica.url("shop"))


def mark(servers: Pair, *ids: int) -> None:
    rows = ", ".join(f"({id_}, 'mark', '{{}}', NOW(6), NOW(6), 0)" for id_ in ids)
    statement = f"INSERT INTO shop.outbox (id, job, args, created_at, due_at, attempts) VALUES {rows}"
    asyncio.run(servers.primary.ask(statement))


def test_a_replica_is_read_once_it_has_what_the_primary_has(
    servers: Pair, shop: Settings, run: Run, tmp_path: Path
) -> None:
    asyncio.run(servers.mend())
    asyncio.run(servers.delay(2))
    try:
        mark(servers, 1, 2, 3)
        assert run(shop, "backup", f"{tmp_path}/backup", "--replica")[0] == 0
    finally:
        asyncio.run(servers.delay(0))
    assert read(tmp_path / "backup").tables["outbox"].rows == 3


def test_the_binary_log_goes_on_from_the_backup(servers: Pair, shop: Settings, run: Run, tmp_path: Path) -> None:
    """Point in time: the backup, and then what was committed after it, as docs/backup.md says."""
    mark(servers, 1, 2)
    assert run(shop, "backup", f"{tmp_path}/backup")[0] == 0
    mark(servers, 3)
    asyncio.run(servers.primary.ask("UPDATE shop.outbox SET attempts = 7 WHERE id = 1", "FLUSH BINARY LOGS"))
    position = read(tmp_path / "backup").position
    assert position
    assert position.is_exact
    logs = sorted(servers.primary.folder.joinpath("data").glob("binlog.0*"))[:-1]
    databases.create(servers.primary.url("shop_again"))
    again = databases.settings(tmp_path / "again", servers.primary.url("shop_again"))
    assert run(again, "restore", f"{tmp_path}/backup")[0] == 0
    apply(servers.primary.url("shop_again"), replay(position.gtids, position.file, logs))

    async def rows() -> list[list[tuple[int, int]]]:
        taken = [await snapshot.take(engine) for engine in engines]
        for engine in engines:
            await engine.dispose()
        return [[(row["id"], row["attempts"]) for row in each["outbox"] if row["job"] == "mark"] for each in taken]

    engines = [create_async_engine(servers.primary.url(name)) for name in ("shop", "shop_again")]
    assert asyncio.run(rows()) == [[(1, 7), (2, 0), (3, 0)]] * 2


def replay(gtids: str, first: str, logs: list[Path]) -> str:
    program = find().argv
    own = Path(program[-1]).parent.parent / "bin" / "mysqlbinlog"
    command = [*program[:-1], str(own)] if own.exists() else [shutil.which("mysqlbinlog") or "mysqlbinlog"]
    options = [f"--exclude-gtids={gtids}", "--skip-gtids", "--database=shop_again", "--rewrite-db=shop->shop_again"]
    files = [str(path) for path in logs if path.name >= first]
    return subprocess.run(
        [*command, "--no-defaults", *options, *files], check=True, capture_output=True, text=True
    ).stdout


def apply(url: str, script: str) -> None:
    """As the client `mysql` does, which is not in the server's package."""

    async def work() -> None:
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            for statement in script.split(END):
                lines = [
                    line
                    for line in statement.splitlines()
                    if not line.startswith(("#", "DELIMITER", "/*!*/", "/*!\\C"))
                ]
                if said := "\n".join(lines).strip().removesuffix(";"):
                    await connection.exec_driver_sql(said.replace("%", "%%"))
        await engine.dispose()

    asyncio.run(work())
