"""What the logs look like: one JSON object a line, or readable lines on a terminal; ours and those of our libraries."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.types import Processor
from structlog.typing import EventDict

from hypermart.redaction import redact


def configure(level: str, instance: str = "") -> None:
    """`instance` names the process in each line, where several write."""

    def named(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {"process": instance, **event} if instance else event

    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        named,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks as text, so that nothing comes behind redact. (The console's own show local variables.)
    last: list[Processor] = [structlog.processors.ExceptionRenderer(), redact, _renderer()]
    structlog.configure(
        processors=[*first, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*first, structlog.stdlib.add_logger_name],
            processors=[ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[libraries])
    logging.captureWarnings(True)
    sys.excepthook = lambda kind, error, trace: structlog.get_logger("hypermart").critical(
        "process.failed", exc_info=(kind, error, trace)
    )


def _renderer() -> Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer()
