"""`python -m tests.jobs.process MARK SECONDS`: the worker, with one more job `rest` that leaves MARK and rests."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hypermart.jobs import JOBS
from hypermart.jobs.task import Task
from hypermart.services import Services, opened
from hypermart.settings import load
from hypermart.worker import run

mark, seconds = Path(sys.argv[1]), float(sys.argv[2])


async def rest(services: Services, task: Task, /) -> None:
    await asyncio.to_thread(mark.write_text, str(task.id))
    await asyncio.sleep(seconds)


async def main() -> None:
    async with opened(load()) as services:
        await run(services)


JOBS["rest"] = rest
asyncio.run(main())
