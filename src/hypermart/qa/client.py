"""A shop as a test holds it: its address, and, where it is in QA mode and the secret is known, its strings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from hypermart.bogus.journal import Entry
from hypermart.qa.desk import MadeOrder
from hypermart.qa.endpoints import Cookie
from hypermart.qa.mails import Mail

PATIENCE = 10.0
"""Seconds for a mail to come."""


class QaShop:
    """`secret` is its QA_SECRET; empty for a shop that is only looked at. `bank_secret` its GATEWAY_SECRET.

    `bank` is where the practice bank is, if it is not part of the shop.
    """

    def __init__(self, base: str, secret: str, bank_secret: str, bank: str = "") -> None:
        self.base, self.has_strings = base, bool(secret)
        self._http = httpx.AsyncClient(base_url=base, timeout=60, headers={"authorization": f"Bearer {secret}"})
        self.clock, self.mailbox = ShopClock(self), Mailbox(self)
        self.bank = Bank(bank or f"{base}/bogus", bank_secret)

    async def reset(self) -> None:
        """All is as the shop was seeded: products, carts, orders, mails, payments, time."""
        await self.ask("POST", "/qa/reset")

    async def order(self, status: str, email: str = "zoe@example.com") -> MadeOrder:
        """A new order: paid, transfer, invoice, collecting, export or cancelled."""
        made = await self.ask("POST", "/qa/orders", {"status": status, "email": email})
        return msgspec.json.decode(made, type=MadeOrder)

    async def log_in(self, visitor: str) -> Cookie:
        """The cookie that makes a browser that of a seeded visitor."""
        return msgspec.json.decode(await self.ask("POST", "/qa/login-as", {"visitor": visitor}), type=Cookie)

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        """The answer. Skips the test where the shop has no strings that we may pull."""
        self.need_strings(path)
        answer = await self._http.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.content

    def need_strings(self, what: str) -> None:
        """Skips the test at a shop that is only looked at: what only QA mode seeds and answers is not there."""
        if not self.has_strings:
            pytest.skip(f"{what} needs a shop in QA mode and its secret (--qa-secret)")

    async def close(self) -> None:
        await self._http.aclose()
        await self.bank.close()


class ShopClock:
    """The shop's time, which stands until it is moved."""

    def __init__(self, shop: QaShop) -> None:
        self._shop = shop

    async def now(self) -> datetime:
        return _time(await self._shop.ask("GET", "/qa/clock"))

    async def set(self, at: datetime) -> datetime:
        return _time(await self._shop.ask("POST", "/qa/clock", {"at": at.isoformat()}))

    async def advance(self, **delta: float) -> datetime:
        """advance(minutes=5)"""
        return _time(await self._shop.ask("POST", "/qa/clock", {"seconds": timedelta(**delta).total_seconds()}))


class Mailbox:
    """What the shop has sent, to whomever."""

    def __init__(self, shop: QaShop) -> None:
        self._shop = shop

    async def newest(self, *, to: str = "", subject: str = "", wait: float = 0) -> list[Mail]:
        query = httpx.QueryParams({"to": to, "subject": subject, "wait": str(wait)})
        return msgspec.json.decode(await self._shop.ask("GET", f"/qa/mails?{query}"), type=list[Mail])

    async def wait(self, *, to: str = "", subject: str = "") -> Mail:
        """The newest such mail, once it has come."""
        found = await self.newest(to=to, subject=subject, wait=PATIENCE)
        assert found, f"no mail to {to or 'anybody'} about {subject!r} in {PATIENCE} s"
        return found[0]


class Bank:
    """The bogus gateway behind the shop."""

    def __init__(self, base: str, secret: str) -> None:
        self.base = base
        self._earlier: set[str] = set()
        self._http = httpx.AsyncClient(base_url=base, timeout=60, headers={"authorization": f"Bearer {secret}"})

    async def settle(self) -> None:
        """What is pending is decided now. The shop is told in its time: deliver()."""
        await self._control(settle=True)

    async def deliver(self) -> None:
        """Callbacks that wait reach the shop now."""
        await self._control(deliver=True)

    async def fail(self, call: str, kind: str, times: int = 1) -> None:
        """The next calls of the shop go wrong: fail("capture", "lost"). See docs/gateway.md."""
        await self._control(faults=[{"call": call, "kind": kind, "times": times}])

    async def forget(self) -> None:
        """Payments that were opened before count no more in what was asked and taken."""
        self._earlier = {entry.ref for entry in await self.journal()}

    async def asked(self) -> list[int]:
        """What the shop has asked for so far, in minor units, whatever came of it."""
        return await self._amounts("opened")

    async def taken(self) -> list[int]:
        """What has been charged so far, in minor units."""
        return await self._amounts("captured")

    async def _amounts(self, kind: str) -> list[int]:
        entries = await self.journal()
        return [entry.amount for entry in entries if entry.kind == kind and entry.ref not in self._earlier]

    async def journal(self) -> list[Entry]:
        answer = await self._http.get("/journal")
        if answer.status_code in (401, 404):
            pytest.skip("this shop's bank is not ours to look into (GATEWAY_SECRET)")
        assert answer.is_success, answer.text[:300]
        return msgspec.json.decode(answer.content, type=list[Entry])

    async def close(self) -> None:
        await self._http.aclose()

    async def _control(self, **orders: Any) -> None:
        answer = await self._http.post("/control", json=orders)
        if answer.status_code in (401, 404):
            pytest.skip("this shop's bank is not ours to tell (GATEWAY_SECRET)")
        assert answer.is_success, answer.text[:300]


def _time(body: bytes) -> datetime:
    return datetime.fromisoformat(msgspec.json.decode(body)["now"])
