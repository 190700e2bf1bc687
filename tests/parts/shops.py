"""Shops that tests walk through over a real port: one in good health with every state in it, and one that is sick."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from litestar import Litestar, get
from sqlalchemy import select

from hypermart.app import create_app
from hypermart.db.outbox import Outbox, later
from hypermart.demo import seed
from hypermart.demo.carts import seed_carts
from hypermart.demo.checkouts import attempt_key, seed_checkouts
from hypermart.demo.states import seed_states
from hypermart.jobs.delivery import deliver
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.parts import databases
from tests.parts.clock import SetClock
from tests.parts.server import address, free_port, serving
from tests.parts.visitor import visiting

#: Nobody listens there.
AWAY = "mysql+asyncmy://nobody:nothing@127.0.0.1:1/none"


def states_settings() -> Settings:
    """The demo shop with its states, carts and checkouts (hypermart.demo), made once per run. Tests only look at it."""

    async def fill(settings: Settings) -> None:
        async with opened(settings, SetClock()) as services:
            await seed(services)
            await seed_states(services)
            await seed_carts(services)
            await seed_checkouts(services)
            await _send_mails(services)
        await _let_bank_wait(settings)

    return databases.demo(fill, "states")


async def _send_mails(services: Services) -> None:
    async with services.db.write() as write:
        later(write, "mail_payment_failed", attempt=attempt_key("declined"))
        later(write, "mail_payment_reminder", order=1002)  # before its time
    mails = select(Outbox.id).where(Outbox.job.startswith("mail_"), Outbox.due_at <= services.clock.now())
    async with services.db.fresh() as db:
        owed = (await db.execute(mails.order_by(Outbox.id))).scalars().all()
    for outbox_id in owed:
        await deliver(services, outbox_id, "quick")


async def _let_bank_wait(settings: Settings) -> None:
    """One visitor has been to the bank, which takes its time: it stands still, as the clock does."""
    async with visiting(create_app(settings, clock=SetClock())) as client:
        attempt = f"/checkout/attempts/{attempt_key('waiting')}"
        at_bank = re.search(r"/bogus/pay/[\w-]+", (await client.get(attempt)).text)
        assert at_bank
        await client.post(at_bank[0], data={"outcome": "pending_paid"})
        await client.get(attempt)


@contextlib.contextmanager
def open_shop(settings: Settings, planted: Sequence[Any] = ()) -> Iterator[str]:
    """Serves the shop at the hour for which it was filled; `planted` handlers are what a test wants to be found."""
    bound = free_port()
    app: Litestar = create_app(msgspec.structs.replace(settings, base_url=address(bound)), clock=SetClock())
    for handler in planted:
        app.register(handler)
    with serving(app, bound) as base:
        yield base


@get("/broken")
async def broken() -> None:
    raise RuntimeError("planted: this handler always fails")


@contextlib.contextmanager
def sick_shop(settings: Settings) -> Iterator[str]:
    """Its database is away, so every page is 503, and /broken fails of itself: 500."""
    with open_shop(msgspec.structs.replace(settings, database_read_url=AWAY), [broken]) as base:
        yield base


@contextlib.contextmanager
def unpaid_shop(settings: Settings) -> Iterator[str]:
    """Its payment provider is away: nobody listens there."""
    with open_shop(msgspec.structs.replace(settings, gateway_url="bogus:http://127.0.0.1:1")) as base:
        yield base
