"""What a QA shop does for testers behind its pages: goes back to its seeds, makes orders, moves time, reads mails."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import msgspec
from litestar import Litestar
from sqlalchemy import or_, select

from hypermart.bogus import journal
from hypermart.bogus.desk import Desk as BankDesk
from hypermart.db import snapshot
from hypermart.db.outbox import Outbox
from hypermart.demo.accounts import seed_sessions
from hypermart.demo.carts import token
from hypermart.demo.checkouts import VISITORS, put_visitor
from hypermart.domain.orders.links import order_token
from hypermart.qa import seeding
from hypermart.qa.clock import START, QaClock
from hypermart.qa.mails import Mail, parsed
from hypermart.services import Services

NEWEST = 200
LOOK, JOBS_END = 0.05, 3.0
"""Seconds between two looks for what is waited for; until running jobs must have ended."""
ORDERED = {visitor.name: visitor for visitor in VISITORS if visitor.is_ordered}
"""Orders that can be made, by what is the matter with them."""


class MadeOrder(msgspec.Struct, frozen=True):
    number: int
    url: str
    """With its secret."""


class Desk:
    """One per QA shop; open while the shop is."""

    def __init__(self, clock: QaClock) -> None:
        self.clock = clock
        self.services: Services
        self._rows: snapshot.Snapshot
        self._mails: set[str]
        self._bank: BankDesk | None = None
        self._journal: sqlite3.Connection
        """The bank's, as it was."""
        self._made = 0

    @contextlib.asynccontextmanager
    async def opened(self, app: Litestar, services: Services) -> AsyncIterator[None]:
        """The shop of `app` is filled anew, and remembered as it is then. Raises BadSetting for a real shop."""
        self.services = services
        if bank := getattr(app.state, "bank", None):
            self._bank = bank.state.desk
        if await seeding.is_filled(services):
            await self._back_to({}, journal.empty(), set())
        here = httpx.ASGITransport(cast("Any", app))
        async with httpx.AsyncClient(transport=here, base_url=services.settings.base_url) as http:
            await seeding.fill(services, http)
        self._rows = await snapshot.take(services.db.writer)
        self._mails = set(await self._mail_ids())
        self._journal = journal.copy(self._bank.bank.db) if self._bank else journal.empty()
        yield

    async def reset(self) -> list[str]:
        """All is as it was when the shop opened: rows, mails, payments, time. Gives the tables that had changed."""
        self.clock.at = START
        changed = await self._back_to(self._rows, self._journal, self._mails)
        await seed_sessions(self.services)
        return changed

    async def _back_to(self, rows: snapshot.Snapshot, payments: sqlite3.Connection, mails: set[str]) -> list[str]:
        async with self._bank.courier.at_rest() if self._bank else contextlib.nullcontext():
            await self._jobs_at_rest()
            if self._bank:
                journal.go_back(self._bank.bank.db, payments)
            changed = await snapshot.restore(self.services.db.writer, rows)
        for id_ in set(await self._mail_ids()) - mails:
            await self.services.mailbox.forget(id_)
        return changed

    async def _jobs_at_rest(self) -> None:
        """What a worker is at, or about to take, ends first, or a mail would come after the reset; but not for ever."""
        is_owed = or_(Outbox.leased_until.is_not(None), Outbox.due_at <= self.clock.now())
        under_way = select(Outbox.id).where(Outbox.done_at.is_(None), Outbox.dead_at.is_(None), is_owed).limit(1)
        for _ in range(int(JOBS_END / LOOK)):
            async with self.services.db.fresh() as db:
                if (await db.execute(under_way)).first() is None:
                    return
            await asyncio.sleep(LOOK)

    async def make_order(self, status: str, email: str) -> MadeOrder:
        """A new order like the seeded one of that name in demo/checkouts.py: one of ORDERED."""
        self._made += 1
        visitor = msgspec.structs.replace(ORDERED[status], name=f"made-{self._made}", email=email)
        async with self.services.db.write() as db:
            number = await put_visitor(db, visitor, self.services)
        if number is None:
            raise LookupError(f"a visitor like {status!r} has no order")
        secret = order_token(self.services.secret, number)
        return MadeOrder(number, f"{self.services.settings.base_url}/orders/{number}?t={secret}")

    async def mails(self, to: str, subject: str, wait: float) -> list[Mail]:
        """Those to `to` (everybody if empty) with `subject` in theirs, newest first; waits until there is one."""
        deadline = asyncio.get_running_loop().time() + wait
        while True:
            found = [parsed(id_, mail) for id_, mail in await self.services.mailbox.newest(NEWEST)]
            found = [mail for mail in found if to in ("", mail.to) and subject in mail.subject]
            if found or asyncio.get_running_loop().time() >= deadline:
                return found
            await asyncio.sleep(LOOK)

    def cookie_of(self, visitor: str) -> str:
        """The cart cookie of a seeded visitor."""
        return token(visitor)

    async def _mail_ids(self) -> list[str]:
        return [id_ for id_, _ in await self.services.mailbox.newest(1_000_000)]
