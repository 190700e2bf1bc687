"""A demo shop of a test's own on a real port: it sells, sends its mails at once, and its bank keeps a journal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import msgspec

from hypermart.app import create_app
from hypermart.bogus import journal
from hypermart.jobs.lanes import Lane
from hypermart.ports import Clock
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from hypermart.settings import Settings
from tests.parts.server import address, free_port, serving


@dataclass(frozen=True)
class SellingSite:
    base: str
    settings: Settings

    def taken(self) -> list[int]:
        """What the bank has charged, in minor units."""
        return self._amounts("captured")

    def _amounts(self, kind: str) -> list[int]:
        path = self.settings.data / "bogus.db"
        return [entry.amount for entry in journal.entries(path) if entry.kind == kind]


@contextlib.asynccontextmanager
async def delivering(services: Services) -> AsyncIterator[None]:
    """A worker that needs no Valkey: it is in the same process, so each commit can wake it."""
    lanes = Lane(services, "quick"), Lane(services, "mail")

    async def bell(_: list[int]) -> None:
        for lane in lanes:
            lane.wake.set()

    services.db.bell = bell
    work = asyncio.gather(*(lane.run() for lane in lanes))
    try:
        yield
    finally:
        services.db.bell = None
        for lane in lanes:
            lane.stop()
        await work


@contextlib.contextmanager
def selling_site(settings: Settings, clock: Clock | None = None) -> Iterator[SellingSite]:
    """Open at the hour for which the demo shop was filled, or as `clock` goes."""
    bound = free_port()
    settings = msgspec.structs.replace(settings, base_url=address(bound))
    with serving(create_app(settings, clock=clock or QaClock(), beside=delivering), bound) as base:
        yield SellingSite(base, settings)
