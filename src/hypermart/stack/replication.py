"""Temporary: to be replaced by mysql.py's own."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

from hypermart.stack import mysql
from hypermart.stack.mysql import PASSWORD, USER, _base, _empty, _start, find  # noqa: F401

REPLICATED = (
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--log-bin=binlog",
    "--innodb-flush-log-at-trx-commit=1",
    "--sync-binlog=1",
)


def prepare(folder: Path) -> None:
    data = folder / "data"
    if not data.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(_empty(find()), data)
        (data / "auto.cnf").unlink(missing_ok=True)
    (folder / "grant.sql").write_text(
        "SET sql_log_bin=0;\n"
        f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
    )


def argv(folder: Path, port: int, options: Any) -> list[str]:
    program = find()
    return [
        *_base(program, folder / "data", folder / mysql.LOG),
        "--bind-address=127.0.0.1",
        f"--port={port}",
        "--mysqlx=OFF",
        f"--socket={folder}/mysqld.sock",
        f"--pid-file={folder}/mysqld.pid",
        f"--init-file={folder}/grant.sql",
        *options,
    ]


def url(port: int, database: str) -> str:
    return f"mysql+asyncmy://{USER}:{PASSWORD}@127.0.0.1:{port}/{database}?charset=utf8mb4"


def ask(port: int, statement: str) -> list[Any]:
    import asyncmy

    async def work():
        c = await asyncmy.connect(
            host="127.0.0.1", port=port, user=USER, password=PASSWORD, connect_timeout=2, read_timeout=5
        )
        try:
            async with c.cursor() as cur:
                await cur.execute(statement)
                rows = await cur.fetchall()
                names = [d[0] for d in cur.description or ()]
                return [dict(zip(names, r)) for r in rows]
        finally:
            c.close()

    try:
        return asyncio.run(work())
    except Exception as e:
        raise OSError(str(e)) from e


def follow(replica: int, primary: int) -> None:
    if replication_problem(replica):
        ask(replica, "STOP REPLICA")
        ask(
            replica,
            f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={primary}, SOURCE_USER='{USER}', SOURCE_PASSWORD='{PASSWORD}', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1",
        )
        ask(replica, "START REPLICA")
        ask(replica, "SET GLOBAL super_read_only=ON")


def replication_problem(port: int) -> str:
    rows = ask(port, "SHOW REPLICA STATUS")
    if not rows:
        return "follows nobody"
    (row,) = rows
    if row["Replica_IO_Running"] != "Yes" or row["Replica_SQL_Running"] != "Yes":
        return f"does not follow: {row['Last_IO_Error'] or row['Last_SQL_Error'] or row['Replica_IO_State']}"
    return ""
