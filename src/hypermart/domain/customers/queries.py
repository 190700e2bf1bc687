"""Reads of accounts: who somebody is, what their password is compared with, and their addresses."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select

from hypermart.db.session import AnySession
from hypermart.domain.customers.address import Address
from hypermart.domain.customers.models import Customer, SavedAddress
from hypermart.emails import email_key
from hypermart.errors import NotFound
from hypermart.passwords import Proof


class CustomerView(msgspec.Struct, frozen=True):
    id: int
    email: str
    name: str
    epoch: int
    wants_news_at: datetime | None
    created_at: datetime


class AddressRow(msgspec.Struct, frozen=True):
    id: int
    address: Address
    is_default: bool


_PROOF = select(Customer.id, Customer.epoch, Customer.password_hash, Customer.email)


async def customer(db: AnySession, id_: int) -> CustomerView | None:
    columns = [getattr(Customer, name) for name in CustomerView.__struct_fields__]
    row = (await db.execute(select(*columns).where(Customer.id == id_))).first()
    return CustomerView(*row) if row else None


async def proof(db: AnySession, email: str) -> Proof | None:
    """Of the account with this address; None if there is none."""
    row = (await db.execute(_PROOF.where(Customer.email_key == email_key(email)))).first()
    return Proof(*row) if row else None


async def proof_by_id(db: AnySession, id_: int) -> Proof | None:
    row = (await db.execute(_PROOF.where(Customer.id == id_))).first()
    return Proof(*row) if row else None


async def addresses(db: AnySession, customer_id: int) -> tuple[AddressRow, ...]:
    """The default one first, then as they were added."""
    found = (
        select(SavedAddress.id, SavedAddress.address, SavedAddress.is_default)
        .where(SavedAddress.customer_id == customer_id)
        .order_by(SavedAddress.is_default.desc(), SavedAddress.id)
    )
    rows = await db.execute(found)
    return tuple(AddressRow(row.id, msgspec.convert(row.address, Address), row.is_default) for row in rows)


async def address(db: AnySession, customer_id: int, id_: int) -> AddressRow:
    """Raises NotFound, also for that of another customer."""
    found = next((row for row in await addresses(db, customer_id) if row.id == id_), None)
    if found is None:
        raise NotFound("address")
    return found
