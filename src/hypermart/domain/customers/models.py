"""People who have an account, and the addresses that they have saved. Who orders as a guest has no row here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, false
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, Label, UtcDateTime, exact


class Customer(Base):
    """Somebody who can sign in. No public page shows any of it."""

    __tablename__ = "customers"

    id: Mapped[Id]
    email: Mapped[Label]
    """As typed: mails go there."""
    email_key: Mapped[str] = mapped_column(exact(320), unique=True)
    """The same for all ways to write the address (email.py)."""
    name: Mapped[Label] = mapped_column(default="")
    password_hash: Mapped[str] = mapped_column(exact(255))
    epoch: Mapped[int] = mapped_column(default=1, server_default="1")
    """Sessions of an earlier epoch are over."""
    wants_news_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When they consented to marketing."""
    created_at: Mapped[At]


class SavedAddress(Base):
    """One of a customer's addresses. One of them, if there is any, is filled in at checkout."""

    __tablename__ = "saved_addresses"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    address: Mapped[dict[str, Any]] = mapped_column(JSON)
    is_default: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[At]
