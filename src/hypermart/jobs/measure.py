"""What the workers measure for the metrics: the queue, payments under way, the disk. All workers see the same."""

from __future__ import annotations

import asyncio
import shutil
from datetime import datetime

import structlog

from hypermart.db.queue import lane_numbers
from hypermart.domain.payments.queries import under_way
from hypermart.jobs.delivery import reason
from hypermart.metrics import DATA_FREE, PAYMENTS_AGE, PAYMENTS_OPEN, QUEUE_AGE, QUEUE_DEAD, QUEUE_DUE
from hypermart.services import Services

log = structlog.get_logger(__name__)
PERIOD = 5.0
"""Seconds."""


async def measure(services: Services) -> None:
    now = services.clock.now()
    async with services.db.fresh() as db:
        lanes, payments = await lane_numbers(db, now), await under_way(db)
    for lane, numbers in lanes.items():
        QUEUE_DUE.labels(lane).set(numbers.due)
        QUEUE_AGE.labels(lane).set(_age(now, numbers.oldest_due_at))
        QUEUE_DEAD.labels(lane).set(numbers.dead)
    for state, (count, oldest_at) in payments.items():
        PAYMENTS_OPEN.labels(state).set(count)
        PAYMENTS_AGE.labels(state).set(_age(now, oldest_at))
    disk = shutil.disk_usage(services.settings.data)
    DATA_FREE.set(disk.free / disk.total)


async def measuring(services: Services) -> None:
    """For as long as a worker lives. What cannot be measured is not said: old numbers would look like good ones."""
    while True:
        try:
            await measure(services)
        except Exception as error:  # noqa: BLE001  (a database that is away for a while must not end the worker)
            log.warning("measure.failed", reason=reason(error))
            for gauge in (QUEUE_DUE, QUEUE_AGE, QUEUE_DEAD, PAYMENTS_OPEN, PAYMENTS_AGE):
                gauge.clear()
        await asyncio.sleep(PERIOD)


def _age(now: datetime, since: datetime | None) -> float:
    return (now - since).total_seconds() if since else 0.0
