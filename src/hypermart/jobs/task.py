"""One run of one outbox row, as the job sees it: which row, and whether it is still this run's to work on."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select

from hypermart.db.outbox import Outbox
from hypermart.services import Services


class LeaseLost(Exception):
    """This run took so long that another worker may have the row by now."""


class Task(msgspec.Struct, frozen=True):
    id: int
    """Of the row: the same at every attempt."""
    lease: datetime
    """When this run's lease ends. No two leases of a row end at the same moment, so this also tells them apart."""
    request: str | None = None
    """The id of the request that the row comes from."""
    created_at: datetime | None = None
    """Of the row, and so of the change that it was written with."""

    async def hold(self, services: Services) -> None:
        """Raises LeaseLost unless is_held()."""
        if not await self.is_held(services):
            raise LeaseLost("another worker may be at it")

    async def is_held(self, services: Services) -> bool:
        """Asked of the primary right before what cannot be taken back, like sending a mail."""
        mine = (Outbox.id == self.id, Outbox.leased_until == self.lease, Outbox.leased_until > services.clock.now())
        async with services.db.fresh() as db:
            found = await db.execute(select(Outbox.id).where(*mine, Outbox.done_at.is_(None)))
            return found.first() is not None
