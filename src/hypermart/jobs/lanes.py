"""Looks into the outbox without being told, for as long as a worker lives. Needs the database and nothing else."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from hypermart.db.outbox import LaneName
from hypermart.jobs import delivery
from hypermart.services import Services

log = structlog.get_logger(__name__)

POLL = 2.0
"""Seconds."""


class Lane:
    """Runs what is due and was not rung: after a lost Valkey, a delay, a failure, or a write by another process."""

    def __init__(self, services: Services, name: LaneName) -> None:
        self.services, self.name = services, name
        self.wake, self.is_stopping = asyncio.Event(), False

    async def run(self) -> None:
        while not self.is_stopping:
            self.wake.clear()
            if not await self._round():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), POLL)

    async def _round(self) -> bool:
        """Whether something was run, so that there may be more."""
        was_busy = False
        try:
            for outbox_id in await delivery.due(self.services, self.name):
                if self.is_stopping:
                    break
                was_busy |= await delivery.deliver(self.services, outbox_id, self.name)
        except Exception as error:  # noqa: BLE001  (a database that is away for a while must not end the worker)
            log.warning("outbox.poll_failed", lane=self.name, reason=delivery.reason(error))
            return False
        return was_busy

    def stop(self) -> None:
        """Takes nothing new; run() ends when what it runs has ended."""
        self.is_stopping = True
        self.wake.set()
