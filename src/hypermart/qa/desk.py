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

from hypermart.bogus import journal
from hypermart.db import snapshot
from hypermart.demo.carts import token
from hypermart.demo.checkouts import VISITORS, put_visitor
from hypermart.domain.orders.links import order_token
from hypermart.errors import NotFound
from hypermart.ports import Mailbox
from hypermart.qa import seeding
from hypermart.qa.clock import START, QaClock
from hypermart.qa.mails import Mail, parsed
from hypermart.services import Services

NEWEST = 200
LOOK = 0.05
"""Seconds between two looks for a mail that is waited for."""
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
        self._bank: sqlite3.Connection | None = None
        self._journal: sqlite3.Connection | None = None
        self._made = 0

    @contextlib.asynccontextmanager
    async def opened(self, app: Litestar, services: Services) -> AsyncIterator[None]:
        """The shop of `app` is filled anew, and remembered as it is then. Raises BadSetting for a real shop."""
        self.services = services
        if await seeding.is_filled(services):
            await snapshot.restore(services.db.writer, {})
            for id_ in await self._mail_ids():
                await self._mailbox.forget(id_)
        here = httpx.ASGITransport(cast("Any", app))
        async with httpx.AsyncClient(transport=here, base_url=services.settings.base_url) as http:
            await seeding.fill(services, http)
        self._rows = await snapshot.take(services.db.writer)
        self._mails = set(await self._mail_ids())
        if bank := getattr(app.state, "bank", None):
            self._journal = bank.state.desk.bank.db
            self._bank = journal.copy(self._journal)
        yield

    async def reset(self) -> list[str]:
        """All is as it was when the shop opened: rows, mails, payments, time. Gives the tables that had changed."""
        self.clock.at = START
        if self._journal and self._bank:
            journal.go_back(self._journal, self._bank)
        changed = await snapshot.restore(self.services.db.writer, self._rows)
        for id_ in set(await self._mail_ids()) - self._mails:
            await self._mailbox.forget(id_)
        return changed

    async def make_order(self, status: str, email: str) -> MadeOrder:
        """A new order like the seeded one of that name in demo/checkouts.py. Raises NotFound."""
        if status not in ORDERED:
            raise NotFound("status")
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
            found = [parsed(id_, mail) for id_, mail in await self._mailbox.newest(NEWEST)]
            found = [mail for mail in found if to in ("", mail.to) and subject in mail.subject]
            if found or asyncio.get_running_loop().time() >= deadline:
                return found
            await asyncio.sleep(LOOK)

    def cookie_of(self, visitor: str) -> str:
        """The cart cookie of a seeded visitor."""
        return token(visitor)

    @property
    def _mailbox(self) -> Mailbox:
        if not isinstance(self.services.mail, Mailbox):
            raise NotFound("mailbox")  # MAIL_URL leads elsewhere
        return self.services.mail

    async def _mail_ids(self) -> list[str]:
        if not isinstance(self.services.mail, Mailbox):
            return []
        return [id_ for id_, _ in await self.services.mail.newest(1_000_000)]
