"""Customers and staff in every state that their pages can show, each with a session that tests know."""

from __future__ import annotations

import contextlib
import hashlib

import msgspec
from sqlalchemy import select, update

from hypermart.db.session import Database
from hypermart.demo.carts import FLOWERS, MOON, Piece, put_cart, token_hash
from hypermart.demo.checkouts import ABROAD, HOME, LONG
from hypermart.domain.cart.models import Cart
from hypermart.domain.cart.owned import both_carts, join
from hypermart.domain.customers.actions import add_address
from hypermart.domain.customers.models import Customer
from hypermart.domain.orders.models import Order
from hypermart.domain.staff.models import Person
from hypermart.ports import SessionsAway
from hypermart.services import Services

PASSWORD = "a password that everybody knows"  # noqa: S105  (of shops for tests)
HASH = "$argon2id$v=19$m=19456,t=2,p=1$YE+YIhmltbhovXD3uWKPBA$dHLOXa+EM77e3maD8Pnsm1IBXq6xTVPX6S8O/vye/iA"
"""Of PASSWORD, so that links made of it are the same in every shop."""
RETURNING, NEW, MERGED, STAFF = "returning-customer", "new-customer", "merged-customer", "staff"
CUSTOMERS = {RETURNING: 901, NEW: 902, MERGED: 903}
"""And their ids."""
ORDERS = (1001, 1003, 1006)
"""Of the returning customer."""


class Known(msgspec.Struct, frozen=True):
    """Somebody whose session tests know."""

    room: str
    """Of web/sessions.py."""
    session: str
    """The id."""

    @property
    def key(self) -> str:
        """As Session makes it (web/sessions.py), which a demo shop may not know."""
        return hashlib.sha256(f"{self.room}:{self.session}".encode()).hexdigest()


def email(name: str) -> str:
    return f"{name}@example.com"


def known(name: str) -> Known:
    return Known("staff" if name == STAFF else "account", f"session-of-{name}")


async def seed_accounts(services: Services) -> None:
    """The shop also has CUSTOMERS and one person of staff; needs seed_checkouts(). Runs once per shop."""
    now = services.clock.now()
    async with services.db.write() as db:
        for name, id_ in CUSTOMERS.items():
            customer = Customer(id=id_, email=email(name), email_key=email(name), name="Zoë Ångström", created_at=now)
            customer.password_hash = HASH
            db.add(customer)
        person = Person(name="Stella Staff", email=email(STAFF), email_key=email(STAFF), created_at=now)
        person.password_hash = HASH
        db.add(person)
    async with services.db.write() as db:
        for address in (HOME, LONG, ABROAD):
            await add_address(db, CUSTOMERS[RETURNING], address, now)
        theirs = select(Order.cart_id).where(Order.number.in_(ORDERS))
        await db.execute(update(Cart).where(Cart.id.in_(theirs)).values(customer_id=CUSTOMERS[RETURNING]))
    await _seed_merge(services, CUSTOMERS[MERGED])


async def _seed_merge(services: Services, customer_id: int) -> None:
    """A cart that was made of two at sign-in."""
    now, own_hash = services.clock.now(), token_hash("merged-own")
    async with services.db.write() as db:
        await put_cart(db, "merged-own", (Piece(MOON, 2), Piece("ST-STATE-LOW-STOCK", 2)), services)
        await put_cart(db, MERGED, (Piece(FLOWERS), Piece("ST-STATE-LOW-STOCK", 2)), services)
        await db.execute(update(Cart).where(Cart.token_hash == own_hash).values(customer_id=customer_id))
        carts = await both_carts(db, customer_id, (token_hash(MERGED), own_hash), now)
        await join(db, customer_id, own_hash, carts)
        await db.execute(update(Cart).where(Cart.token_hash == own_hash).values(token_hash=token_hash(MERGED)))


async def seed_sessions(services: Services) -> None:
    """Everybody here is signed in somewhere. Where Valkey is away nobody is; may run again."""
    now = services.clock.now().isoformat()
    ids = await _ids(services.db)
    with contextlib.suppress(SessionsAway):
        for name, id_ in ids.items():
            who = known(name)
            key = who.key
            fields = {"self": key, "person": str(id_), "epoch": "1", "made_at": now, "seen_at": now}
            await services.sign_ins.sessions.make(key, fields, 14 * 24 * 3600)


async def _ids(db: Database) -> dict[str, int]:
    """Of those that are there, by name."""
    found = {}
    async with db.fresh() as read:
        for name in (*CUSTOMERS, STAFF):
            table = Person if name == STAFF else Customer
            row = (await read.execute(select(table.id).where(table.email_key == email(name)))).first()
            if row:
                found[name] = int(row.id)
    return found
