"""What statements and connections cost: for metrics, for the log line of each request, and for traces."""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from sqlalchemy import event
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from hypermart import traces
from hypermart.db.base import Base
from hypermart.metrics import POOL_LIMIT, POOL_TIMEOUTS, POOL_USED, POOL_WAIT, STATEMENTS, STATEMENTS_FAILED

Role: TypeAlias = Literal["primary", "replica"]
VERB = re.compile(r"[\s(]*([A-Za-z]{3,10})\b")
TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+[`\"]?(\w+)", re.IGNORECASE)


class Spent:
    """What one request has asked of databases so far."""

    def __init__(self) -> None:
        self.statements: dict[str, int] = {}
        self.seconds = 0.0


#: Of the request that is being answered; None outside of one.
SPENT: ContextVar[Spent | None] = ContextVar("spent", default=None)


def observe(engine: AsyncEngine, role: Role) -> None:
    """From now on. An engine is observed once."""
    seconds, failures = STATEMENTS.labels(role), STATEMENTS_FAILED.labels(role)
    system = engine.dialect.name

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def begin(connection: Connection, _: Any, statement: str, *__: Any) -> None:
        connection.info["began"] = time.perf_counter()
        if span := traces.child("statement"):
            words = summary(statement)
            name = " ".join(words.values())
            span.update_name(name)
            span.set_attributes({"db.system.name": system, "db.query.summary": name, "hypermart.role": role, **words})
        connection.info["span"] = span

    @event.listens_for(engine.sync_engine, "after_cursor_execute")
    def end(connection: Connection, *_: Any) -> None:
        took = time.perf_counter() - connection.info["began"]
        seconds.observe(took)
        if spent := SPENT.get():
            spent.statements[role] = spent.statements.get(role, 0) + 1
            spent.seconds += took
        if span := connection.info.pop("span"):
            span.end()

    @event.listens_for(engine.sync_engine, "handle_error")
    def fail(context: ExceptionContext) -> None:
        failures.inc()
        if context.connection and (span := context.connection.info.pop("span", None)):
            traces.failed(type(context.original_exception).__name__, span)
            span.end()


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


@lru_cache(maxsize=500)
def summary(statement: str) -> dict[str, str]:
    """What may be told of a statement: its first word, and its first table if that is one of ours."""
    verb, tables = VERB.match(statement), TABLE.findall(statement)
    words = {"db.operation.name": verb[1].upper() if verb else "?"}
    table = next((name for name in tables if name in Base.metadata.tables), None)
    return words | ({"db.collection.name": table} if table else {})
