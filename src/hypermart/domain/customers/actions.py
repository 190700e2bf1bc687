"""What is done to accounts. Passwords come hashed: hashing is slow, and no transaction waits for it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from hypermart.db.outbox import later
from hypermart.db.session import WriteSession
from hypermart.domain.customers.address import Address
from hypermart.domain.customers.models import Customer, SavedAddress
from hypermart.emails import email_key
from hypermart.errors import NotFound, Refused

MOST_ADDRESSES = 20


class Registration(msgspec.Struct, frozen=True):
    email: str
    name: str
    password_hash: str
    wants_news: bool


async def register(db: WriteSession, given: Registration, now: datetime, *, is_told: bool = True) -> bool:
    """There is an account with this address, and its mailbox is told: a new one (True), or the one that there was.

    Both ways do the same work. What stands in an account that there was is not touched. `is_told`: False where its
    mailbox was told often enough.
    """
    values = {
        "email": given.email,
        "email_key": email_key(given.email),
        "name": given.name,
        "password_hash": given.password_hash,
        "wants_news_at": now if given.wants_news else None,
        "created_at": now,
    }
    try:
        async with db.begin_nested():
            await (await db.connection()).execute(insert(Customer.metadata.tables["customers"]).values(values))
        is_new = True
    except IntegrityError:
        is_new = False
    if is_told:
        later(db, "mail_registered", email_key=values["email_key"], is_new=is_new)
    return is_new


async def change_password(db: WriteSession, customer_id: int, password_hash: str, *, was: str) -> int:
    """The new one counts, and all sessions of theirs are over; gives the epoch of the next ones. They are told.

    Raises NotFound where another one than `was` counts by now.
    """
    customer = await _locked(db, customer_id)
    if customer.password_hash != was:
        raise NotFound("password")
    customer.password_hash = password_hash
    customer.epoch += 1
    later(db, "mail_password_changed", customer=customer_id)
    return customer.epoch


async def rehash(db: WriteSession, customer_id: int, password_hash: str, *, was: str) -> None:
    """The same password, hashed with more work. Not where it has been changed meanwhile."""
    customer = await _locked(db, customer_id)
    if customer.password_hash == was:
        customer.password_hash = password_hash


async def add_address(db: WriteSession, customer_id: int, address: Address, now: datetime) -> None:
    """The first one is the default. Refused where there are too many."""
    await _locked(db, customer_id)
    count = await db.scalar(
        select(func.count()).select_from(SavedAddress).where(SavedAddress.customer_id == customer_id)
    )
    if (count or 0) >= MOST_ADDRESSES:
        raise Refused(f"You have {MOST_ADDRESSES} addresses, the most that we keep. Remove one to add another.")
    db.add(
        SavedAddress(
            customer_id=customer_id, address=msgspec.to_builtins(address), is_default=not count, created_at=now
        )
    )


async def change_address(db: WriteSession, customer_id: int, id_: int, address: Address) -> None:
    """Raises NotFound, as do the next two: also for that of another customer."""
    rows = await _own(db, customer_id, id_)
    rows[id_].address = msgspec.to_builtins(address)


async def make_default(db: WriteSession, customer_id: int, id_: int) -> None:
    for row in (await _own(db, customer_id, id_)).values():
        row.is_default = row.id == id_


async def remove_address(db: WriteSession, customer_id: int, id_: int) -> None:
    """If it was the default, the oldest of the others is."""
    rows = await _own(db, customer_id, id_)
    gone = rows.pop(id_)
    await db.delete(gone)
    if gone.is_default and rows:
        rows[min(rows)].is_default = True


async def _own(db: WriteSession, customer_id: int, id_: int) -> dict[int, SavedAddress]:
    """All addresses of the customer, of which `id_` is one, for this transaction alone."""
    await _locked(db, customer_id)
    rows = {
        row.id: row for row in await db.scalars(select(SavedAddress).where(SavedAddress.customer_id == customer_id))
    }
    if id_ not in rows:
        raise NotFound("address")
    return rows


async def _locked(db: WriteSession, customer_id: int) -> Customer:
    customer = await db.get(Customer, customer_id, with_for_update=True, populate_existing=True)
    if customer is None:
        raise NotFound("customer")
    return customer
