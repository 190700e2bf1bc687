"""What the logs look like: one JSON object a line, or readable lines on a terminal."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict


def configure(level: str, instance: str = "") -> None:
    """`instance` names the process in each line, where several write."""

    def named(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {"process": instance, **event} if instance else event

    readable = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            named,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer() if not readable else structlog.processors.StackInfoRenderer(),
            structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
