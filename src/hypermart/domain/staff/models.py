"""The people who run the shop. What each may do is not known yet: whoever is here may do all there is."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, Label, exact


class Person(Base):
    """Somebody of the staff. They sign in apart from customers, even with the same address."""

    __tablename__ = "people"

    id: Mapped[Id]
    name: Mapped[Label]
    email: Mapped[Label]
    email_key: Mapped[str] = mapped_column(exact(320), unique=True)
    """In small letters."""
    password_hash: Mapped[str] = mapped_column(exact(255))
    epoch: Mapped[int] = mapped_column(default=1, server_default="1")
    """Sessions of an earlier epoch are over."""
    created_at: Mapped[At]
