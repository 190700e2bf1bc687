"""Engines from URLs. Every wait is bounded; a read engine refuses writes at run time too."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

#: Seconds. One constant per kind of wait, so that a slow database shows as an error and not as a hang.
CONNECT, POOL, READ, LOCK = 2, 2, 10, 3


def write_engine(url: str) -> AsyncEngine:
    """The primary. A SQLite transaction takes the write lock at once, so it cannot deadlock on upgrading."""
    if url.startswith("sqlite"):
        engine = _sqlite(url)
        event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine
    return _mysql(url, f"SET SESSION innodb_lock_wait_timeout={LOCK}", isolation_level="READ COMMITTED")


def read_engine(url: str) -> AsyncEngine:
    """A replica, or the same database seen read-only. Each statement stands alone: no transaction is opened."""
    if url.startswith("sqlite"):
        return _sqlite(url, "PRAGMA query_only=ON", isolation_level="AUTOCOMMIT")
    return _mysql(url, "SET SESSION TRANSACTION READ ONLY", isolation_level="AUTOCOMMIT", pool_reset_on_return=None)


def _sqlite(url: str, *statements: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=4, pool_timeout=POOL, connect_args={"timeout": LOCK}, **options)

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
        pool_size=10,
        max_overflow=10,
        pool_timeout=POOL,
        pool_pre_ping=True,
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

    return engine
