"""One moment of a database, held open to be read: whatever is committed after it is not seen. Holds up no writer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import msgspec
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.db.engine import PATIENT, read_engine

TRIES = 200
"""Snapshots that are tried until one falls between two transactions; each takes a millisecond."""
LOCKED = 30
"""Seconds for a table that somebody else has locked. MySQL's own limit is a year."""
#: MySQL's numbers of a privilege that is missing: on that table, and BACKUP_ADMIN.
DENIED = (1142, 1227)


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where in a MySQL server's binary log a moment is."""

    gtids: str
    """All transactions in it."""
    file: str = ""
    offset: int = 0
    is_exact: bool = False
    """Not one transaction more is in it. Else there may be some: replay with `mysqlbinlog --idempotent`."""


class Moment(msgspec.Struct, frozen=True):
    connection: AsyncConnection
    position: Position | None
    """None on SQLite, and where the server keeps no binary log."""


@contextlib.asynccontextmanager
async def moment(url: str) -> AsyncIterator[Moment]:
    """The database at `url` as it is now, until the end of the block."""
    engine = read_engine(url, PATIENT)
    try:
        async with engine.connect() as connection:
            is_mysql = connection.dialect.name == "mysql"
            yield Moment(connection, await (_begun(connection) if is_mysql else _begun_on_sqlite(connection)))
    finally:
        await engine.dispose()


async def _begun_on_sqlite(connection: AsyncConnection) -> None:
    await connection.exec_driver_sql("BEGIN")
    await connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")  # the moment is that of the first read


async def _begun(connection: AsyncConnection) -> Position | None:
    """The position is read before and after the snapshot. If it is the same, it is the snapshot's.

    log_status waits for a commit that is under way, in the engine and in the log, and so what the snapshot shows and
    the log does not say yet, it says in the second answer.
    """
    await connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    await connection.exec_driver_sql(f"SET SESSION lock_wait_timeout={LOCKED}")
    for left in reversed(range(TRIES)):
        before = await _position(connection)
        await connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        if before is None or not before.is_exact or before == await _position(connection):
            return before
        if not left:
            return msgspec.structs.replace(before, is_exact=False)
        await connection.exec_driver_sql("ROLLBACK")
    raise AssertionError("the last try returns")


async def _position(connection: AsyncConnection) -> Position | None:
    """Not exact without BACKUP_ADMIN and SELECT on log_status, without a log, and where engine and log commit in
    different orders."""
    try:
        found = await connection.exec_driver_sql(
            "SELECT LOCAL->>'$.gtid_executed', LOCAL->>'$.binary_log_file', LOCAL->>'$.binary_log_position', "
            "@@GLOBAL.binlog_order_commits FROM performance_schema.log_status"
        )
    except OperationalError as error:
        if error.orig is None or error.orig.args[0] not in DENIED:
            raise
        found = await connection.exec_driver_sql("SELECT @@GLOBAL.gtid_executed, NULL, NULL, 0")
    gtids, file, offset, is_ordered = tuple(found.one())
    if not gtids:
        return None
    return Position("".join(gtids.split()), file or "", int(offset or 0), bool(file and is_ordered))
