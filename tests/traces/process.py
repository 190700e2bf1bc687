"""`python -m tests.traces.process`: a worker, with a span at each turn so that there is always something to send."""

from __future__ import annotations

import asyncio

from hypermart import logs
from hypermart.services import opened
from hypermart.settings import load
from hypermart.worker import run


async def main() -> None:
    async with opened(load()) as services:
        assert services.tracer
        for _ in range(2000):
            services.tracer.start_span("x").end()
        await run(services)
        for _ in range(2000):
            services.tracer.start_span("y").end()


logs.configure("info")
asyncio.run(main())
