"""Engines from URLs. Every wait is bounded; a read engine refuses writes at run time too."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolResetState

#: Seconds. One constant per kind of wait, so that a slow database shows as an error and not as a hang.
CONNECT, POOL, READ, LOCK, IDLE = 2, 2, 10, 3, 1


def write_engine(url: str) -> AsyncEngine:
    """The primary. A SQLite transaction takes the write lock at once, so it cannot deadlock on upgrading."""
    if url.startswith("sqlite"):
        engine = _sqlite(url)
        event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine
    engine = _mysql(
        url,
        f"SET SESSION innodb_lock_wait_timeout={LOCK}",
        isolation_level="READ COMMITTED",
        pool_reset_on_return=None,
    )
    event.listen(engine.sync_engine, "reset", _roll_back_what_is_open)
    return engine


def read_engine(url: str) -> AsyncEngine:
    """A replica, or the same database seen read-only. Each statement stands alone: no transaction is opened."""
    if url.startswith("sqlite"):
        return _sqlite(url, "PRAGMA query_only=ON", isolation_level="AUTOCOMMIT")
    return _mysql(
        url,
        "SET SESSION TRANSACTION READ ONLY",
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        skip_autocommit_rollback=True,
    )


def _sqlite(url: str, *statements: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        url, hide_parameters=True, pool_size=4, pool_timeout=POOL, connect_args={"timeout": LOCK}, **options
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


def _mysql(url: str, statement: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,  # errors go to the log, and names and addresses must not
        pool_size=10,
        max_overflow=10,
        pool_timeout=POOL,
        pool_recycle=1800,
        connect_args={"connect_timeout": CONNECT, "read_timeout": READ},
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
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool opens another one
