"""The bogus gateway in the process of a test: the adapter before it, a shop's hook behind it, its journal.

As a program (python -m tests.parts.bank FOLDER PORT SHOP) it is a process of its own, to be killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import uvicorn
from litestar import Litestar

from hypermart import bogus
from hypermart.adapters.clock import SystemClock
from hypermart.adapters.gateway import BogusGateway
from hypermart.bogus import journal
from hypermart.money import Money
from hypermart.ports import Intent
from hypermart.qa.clock import QaClock
from hypermart.settings import ROOT

SECRET = b"shared"
BANK, SHOP = "http://bank.test", "http://shop.test"
RETURN = f"{SHOP}/checkout/attempts/a1"
EUROS = Money(4900, "EUR")
TEMPLATES = ROOT / "templates" / "bogus"


class Hook:
    """A shop's POST /hooks/payments: keeps what comes, answers what it is told (then 204)."""

    def __init__(self) -> None:
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self._more = asyncio.Condition()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert (scope["method"], scope["path"]) == ("POST", "/hooks/payments")
        body = (await receive())["body"]
        async with self._more:
            self.came.append(({name.decode(): value.decode() for name, value in scope["headers"]}, body))
            self._more.notify_all()
        status = self.answers.pop(0) if self.answers else 204
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def has(self, count: int) -> None:
        """Waits until `count` callbacks came; it is checked that no more follow at once."""
        async with asyncio.timeout(5), self._more:
            await self._more.wait_for(lambda: len(self.came) >= count)
        await asyncio.sleep(0.02)
        assert len(self.came) == count


class Stand:
    """All that a test needs of an open bank."""

    def __init__(self, app: Litestar, setup: bogus.Setup, hook: Hook, gateway: BogusGateway) -> None:
        self.app, self.setup, self.hook, self.gateway = app, setup, hook, gateway
        self.http = httpx.AsyncClient(transport=transport(app), base_url=BANK)

    async def open(self, key: str = "attempt-1", amount: Money = EUROS) -> Intent:
        return await self.gateway.open(key, amount, return_url=RETURN)

    async def choose(self, intent: Intent, outcome: str) -> httpx.Response:
        return await self.http.post(intent.pay_url, data={"outcome": outcome})

    async def control(self, **orders: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {SECRET.decode()}"}
        answer = await self.http.post("/control", json=orders, headers=headers)
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()
        return done

    def kinds(self, *, calls: bool = True) -> list[str]:
        """The journal in short; without `calls`, only what became of callbacks."""
        kinds = [entry.kind for entry in journal.entries(self.setup.journal)]
        return [kind for kind in kinds if kind.startswith("callback") != calls]


def transport(app: object) -> httpx.ASGITransport:
    return httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)


@contextlib.asynccontextmanager
async def open_bank(folder: Path, clock: QaClock, *, patience: float = 5.0) -> AsyncIterator[Stand]:
    hook = Hook()
    setup = bogus.Setup(folder / "bogus.db", TEMPLATES, BANK, f"{SHOP}/hooks/payments", SECRET, clock.now)
    app = bogus.create_app(setup, transport(hook))
    async with (
        app.lifespan(),
        BogusGateway(BANK, SECRET, clock, transport=transport(app), patience=patience) as gateway,
        (stand := Stand(app, setup, hook, gateway)).http,
    ):
        yield stand


def main(folder: str, port: str, shop: str) -> None:
    url, journal_ = f"http://127.0.0.1:{port}", Path(folder, "bogus.db")
    setup = bogus.Setup(journal_, TEMPLATES, url, f"{shop}/hooks/payments", SECRET, SystemClock().now)
    uvicorn.run(bogus.create_app(setup), port=int(port), access_log=False, log_config=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
