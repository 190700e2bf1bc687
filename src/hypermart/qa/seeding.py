"""Fills a shop with every state that a page can show: products, carts, checkouts, payments, orders, mails."""

from __future__ import annotations

import re

import httpx
from sqlalchemy import delete, select

from hypermart.db.outbox import Outbox, later
from hypermart.demo import seed
from hypermart.demo.accounts import CUSTOMERS, RETURNING, email, seed_accounts
from hypermart.demo.carts import seed_carts, token_hash
from hypermart.demo.checkouts import attempt_key, seed_checkouts
from hypermart.demo.queue import seed_queue
from hypermart.demo.states import seed_states
from hypermart.domain.cart.models import Cart
from hypermart.domain.catalog.models import Product
from hypermart.jobs import SLOW
from hypermart.jobs.delivery import deliver, due
from hypermart.services import Services
from hypermart.settings import BadSetting


async def fill(services: Services, http: httpx.AsyncClient) -> None:
    """The shop, which is empty, holds every state. `http` leads to it: one visitor goes to its bank."""
    await seed(services)
    await seed_states(services)
    await seed_carts(services)
    await seed_checkouts(services)
    await seed_accounts(services)
    await _send_untimely_mails(services)
    await _come_to_rest(services)
    await _let_bank_wait(http)
    await _come_to_rest(services)
    await seed_queue(services)


async def is_filled(services: Services) -> bool:
    """Whether fill() has run here. Raises BadSetting for a shop that is somebody's: QA mode would empty it."""
    async with services.db.fresh() as db:
        ours = (await db.execute(select(Cart.id).where(Cart.token_hash == token_hash("only-saved")))).first()
        products = (await db.execute(select(Product.id).limit(1))).first()
    if products and not ours:
        raise BadSetting("MODE=qa would empty this shop: give it a DATA_DIR or DATABASE_URL of its own")
    return bool(ours)


async def _come_to_rest(services: Services) -> None:
    """Mails are sent, and whatever else is due is done. Pictures stay as they are: renditions would take a minute."""
    async with services.db.write() as db:
        await db.execute(delete(Outbox).where(Outbox.job.in_(SLOW)))
    while owed := await due(services, "quick", "mail"):
        for outbox_id in owed:
            await deliver(services, outbox_id, "quick", "mail")


async def _send_untimely_mails(services: Services) -> None:
    async with services.db.write() as db:
        later(db, "mail_payment_failed", attempt=attempt_key("declined"))
        later(db, "mail_payment_reminder", order=1002)
        later(db, "mail_registered", email_key=email(RETURNING), is_new=True)
        later(db, "mail_registered", email_key=email(RETURNING), is_new=False)
        later(db, "mail_reset", email_key=email(RETURNING))
        later(db, "mail_password_changed", customer=CUSTOMERS[RETURNING])


async def _let_bank_wait(http: httpx.AsyncClient) -> None:
    """One visitor has been to the bank, which takes its time: it stands still, as the clock does."""
    attempt = f"/checkout/attempts/{attempt_key('waiting')}"
    at_bank = re.search(r"/bogus/pay/[\w-]+", (await http.get(attempt)).text)
    if not at_bank:
        raise LookupError("the visitor who waits does not find the bank")
    await http.post(at_bank[0], data={"outcome": "pending_paid"})
    await http.get(attempt)
