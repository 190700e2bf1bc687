"""What statements and connections cost: for the metrics, and for the log line of each request."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any, Literal, TypeAlias

from sqlalchemy import event
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from hypermart.metrics import POOL_LIMIT, POOL_TIMEOUTS, POOL_USED, POOL_WAIT, STATEMENTS, STATEMENTS_FAILED

Role: TypeAlias = Literal["primary", "replica"]


class Spent:
    """What one request has asked of databases so far."""

    def __init__(self) -> None:
        self.statements: dict[str, int] = {}
        self.seconds = 0.0


#: Of the request that is being answered; None outside of one.
SPENT: ContextVar[Spent | None] = ContextVar("spent", default=None)


def observe(engine: AsyncEngine, role: Role) -> None:
    """From now on. An engine is observed once."""
    seconds, failed = STATEMENTS.labels(role), STATEMENTS_FAILED.labels(role)

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def begin(connection: Connection, *_: Any) -> None:
        connection.info["began"] = time.perf_counter()

    @event.listens_for(engine.sync_engine, "after_cursor_execute")
    def end(connection: Connection, *_: Any) -> None:
        took = time.perf_counter() - connection.info["began"]
        seconds.observe(took)
        if spent := SPENT.get():
            spent.statements[role] = spent.statements.get(role, 0) + 1
            spent.seconds += took

    @event.listens_for(engine.sync_engine, "handle_error")
    def fail(_: ExceptionContext) -> None:
        failed.inc()


class ObservedPool(AsyncAdaptedQueuePool):
    """Called `logging_name` in the metrics. (SQLAlchemy makes another one of the same kind when it disposes of one.)"""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        name = self.logging_name
        self._wait, self._timeouts = POOL_WAIT.labels(name), POOL_TIMEOUTS.labels(name)
        POOL_USED.labels(name).set_function(self.checkedout)
        POOL_LIMIT.labels(name).set(self.size() + self._max_overflow)

    def _do_get(self) -> ConnectionPoolEntry:
        with self._wait.time(), self._timeouts.count_exceptions(PoolTimeout):
            return super()._do_get()
