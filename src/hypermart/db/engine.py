"""Engines from URLs. Every wait is bounded; a read engine refuses writes at run time too."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

import asyncmy
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolResetState

from hypermart.db.observed import ObservedPool

#: What MySQL's clients call a server that cannot be reached.
CONN_HOST_ERROR = 2003


class Waits(NamedTuple):
    """Seconds that anybody waits for a database, so that a slow or frozen one shows as an error and not as a hang."""

    connect: float
    """Until a new connection can be used."""
    statement: float | None
    pool: float
    """For one of our connections to be free."""


PRIMARY = Waits(connect=2, statement=5, pool=2)
REPLICA = Waits(connect=1, statement=2.5, pool=1)
"""Shorter: what a replica does not answer in time, the primary is asked, by the same request."""
CHECK = Waits(connect=1, statement=1, pool=1)
PATIENT = Waits(connect=2, statement=None, pool=2)
"""For migrations and imports, whose statements may run for minutes."""
LOCK, IDLE, PING = 3, 1, 1
"""Seconds for a row that somebody else has locked; after which a connection in the pool is doubted; for its answer."""


def write_engine(url: str, waits: Waits = PRIMARY) -> AsyncEngine:
    """The primary. A SQLite transaction takes the write lock at once, so it cannot deadlock on upgrading."""
    if url.startswith("sqlite"):
        engine = _sqlite(url, "write")
        event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine
    engine = _mysql(
        url,
        waits,
        "write",
        f"SET SESSION innodb_lock_wait_timeout={LOCK}",
        isolation_level="READ COMMITTED",
        pool_reset_on_return=None,
    )
    event.listen(engine.sync_engine, "reset", _roll_back_what_is_open)
    return engine


def read_engine(url: str, waits: Waits = PRIMARY, name: str = "read") -> AsyncEngine:
    """A replica, or the same database seen read-only. Each statement stands alone: no transaction is opened.

    `name` is what the metrics call its pool.
    """
    if url.startswith("sqlite"):
        return _sqlite(url, name, "PRAGMA query_only=ON", isolation_level="AUTOCOMMIT")
    return _mysql(
        url,
        waits,
        name,
        "SET SESSION TRANSACTION READ ONLY",
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        skip_autocommit_rollback=True,
    )


def _sqlite(url: str, name: str, *statements: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        poolclass=ObservedPool,
        pool_logging_name=name,
        pool_size=4,
        pool_timeout=PRIMARY.pool,
        connect_args={"timeout": LOCK},
        **options,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=NORMAL",
            "PRAGMA foreign_keys=ON",
            *statements,
        ):
            cursor.execute(statement)
        cursor.close()

    return engine


def _mysql(url: str, waits: Waits, name: str, statement: str, **options: Any) -> AsyncEngine:
    async def connect(*args: Any, **kwargs: Any) -> Any:
        """A frozen server's machine still accepts; the driver's own limit ends there."""
        try:
            async with asyncio.timeout(waits.connect):
                return await asyncmy.connect(*args, **kwargs)
        except TimeoutError as error:
            raise asyncmy.errors.OperationalError(CONN_HOST_ERROR, "the server does not answer in time") from error

    engine = create_async_engine(
        url,
        hide_parameters=True,  # errors go to the log, and names and addresses must not
        poolclass=ObservedPool,
        pool_logging_name=name,
        pool_size=10,
        max_overflow=10,
        pool_timeout=waits.pool,
        pool_recycle=1800,
        connect_args={"async_creator_fn": connect, "read_timeout": waits.statement},
        **options,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("SET SESSION time_zone='+00:00'")
        cursor.execute(statement)
        cursor.close()

    _ping_when_idle(engine)
    return engine


def _roll_back_what_is_open(connection: Any, _: Any, state: PoolResetState) -> None:
    """SQLAlchemy's own reset sends a ROLLBACK after each COMMIT too: a round trip for nothing.

    MySQL says in every answer whether a transaction is open. (One that ends with its task is closed, not reset.)
    """
    if not state.terminate_only and connection.driver_connection.get_transaction_status():
        connection.rollback()


def _ping_when_idle(engine: AsyncEngine) -> None:
    """A connection that lay in the pool for IDLE seconds is asked whether it still lives, and replaced if not.

    SQLAlchemy's own pre-ping asks each time, which costs a busy page a fifth of its round trips.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def note(_: Any, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def ask(connection: Any, record: Any, _: Any) -> None:
        if time.monotonic() - record.info.get("since", time.monotonic()) < IDLE:
            return
        try:
            connection.run_async(lambda driver: asyncio.wait_for(driver.ping(reconnect=False), PING))
        except (engine.dialect.loaded_dbapi.Error, OSError, TimeoutError) as error:
            raise InvalidatePoolError from error  # its neighbours, as old as it is, are not asked one by one
