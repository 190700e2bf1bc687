"""Reads of staff: who somebody is, and what their password is compared with."""

from __future__ import annotations

import msgspec
from sqlalchemy import select

from hypermart.db.session import AnySession
from hypermart.domain.staff.models import Person
from hypermart.emails import email_key
from hypermart.passwords import Proof


class PersonView(msgspec.Struct, frozen=True):
    id: int
    name: str
    email: str
    epoch: int


async def person(db: AnySession, id_: int) -> PersonView | None:
    columns = [getattr(Person, name) for name in PersonView.__struct_fields__]
    row = (await db.execute(select(*columns).where(Person.id == id_))).first()
    return PersonView(*row) if row else None


async def proof(db: AnySession, email: str) -> Proof | None:
    """None if nobody has the address."""
    found = select(Person.id, Person.epoch, Person.password_hash).where(Person.email_key == email_key(email))
    row = (await db.execute(found)).first()
    return Proof(*row) if row else None
