"""Sends traces by OTLP over HTTP, from a thread of its own: whoever makes a span never waits for who takes it.

What cannot be sent soon is dropped. Imported only where TRACES is set.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Tracer

log = structlog.get_logger(__name__)

WAITING, BATCH = 2048, 512
"""Spans that wait to be sent at most, about 1.5 kB each; and how many go in one call."""
PERIOD = 1.0
SEND, LAST = 2.0, 3.0
"""Seconds: for one call; for all that is left when the process ends."""
SILENCE = 600.0
"""Seconds of quiet after a line about what is wrong: a collector that is away must not fill the log."""


@contextlib.asynccontextmanager
async def opened(url: str, share: float, instance: str) -> AsyncIterator[Tracer]:
    """A tracer that keeps `share` of the traces that begin here. Needs nobody to be at `url`."""
    who = {"service.name": "hypermart"} | ({"service.instance.id": instance} if instance else {})
    sampler = ParentBased(TraceIdRatioBased(share))
    provider = TracerProvider(sampler, Resource.create(who), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{url}/v1/traces", timeout=SEND)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, WAITING, schedule_delay_millis=PERIOD * 1000, max_export_batch_size=BATCH)
    )
    complaints = logging.getLogger("opentelemetry")
    complaints.handlers, complaints.propagate = [Complaints(logging.WARNING)], False
    try:
        yield provider.get_tracer("hypermart")
    finally:
        # Its own end may take 30 s; a daemon does not keep the process.
        last = threading.Thread(target=provider.shutdown, daemon=True)
        last.start()
        await asyncio.to_thread(last.join, LAST)
        if last.is_alive():
            exporter.shutdown()  # type: ignore[no-untyped-call]  # it tries no more


class Complaints(logging.Handler):
    """What the SDK says is wrong, in our log, and seldom."""

    silent_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if time.monotonic() >= self.silent_until:
            self.silent_until = time.monotonic() + SILENCE
            log.warning("traces.trouble", reason=" ".join(record.getMessage().split())[:200])
