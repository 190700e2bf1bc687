"""`python -m tests.traces.process`: a worker with a span to send at its beginning and its end, and all patience."""

from __future__ import annotations

import asyncio

from hypermart import logs
from hypermart.adapters import otlp
from hypermart.services import opened
from hypermart.settings import load
from hypermart.worker import run


async def main() -> None:
    async with opened(load()) as services:
        assert services.tracer
        services.tracer.start_span("x").end()
        await run(services)
        services.tracer.start_span("y").end()


otlp.SEND = 600.0
logs.configure("info")
asyncio.run(main())
