"""What is done to staff. Passwords come hashed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.staff.models import Person
from hypermart.emails import email_key
from hypermart.errors import Refused


async def add_person(db: WriteSession, name: str, email: str, password_hash: str, now: datetime) -> None:
    """They can sign in. Refused where the address has an account of staff already."""
    if await db.scalar(select(Person.id).where(Person.email_key == email_key(email))):
        raise Refused(f"{email} is of the staff already")
    db.add(Person(name=name, email=email, email_key=email_key(email), password_hash=password_hash, created_at=now))


async def rehash(db: WriteSession, person_id: int, password_hash: str, *, was: str) -> None:
    """The same password, hashed with more work."""
    person = await db.get(Person, person_id, with_for_update=True)
    if person and person.password_hash == was:
        person.password_hash = password_hash
