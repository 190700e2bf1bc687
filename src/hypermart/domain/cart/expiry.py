"""Carts that nobody wants any more are forgotten, but for those that money may hang on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, delete, exists, select

from hypermart.db.base import Base
from hypermart.db.session import WriteSession
from hypermart.domain.cart.models import Cart, CartLine

BATCH = 500
"""Carts that one transaction forgets."""


async def expire_carts(db: WriteSession, now: datetime) -> int:
    """Forgets carts that nobody has changed for long, up to BATCH of them; gives how many.

    A cart that an attempt to pay points at is not forgotten: money may hang on it.
    """
    is_over = Cart.expires_at <= now, Cart.completed_at.is_(None)
    unwanted = select(Cart.id).where(*is_over, *(~exists().where(key == Cart.id) for key in _keepers()))
    ids = (await db.scalars(unwanted.order_by(Cart.expires_at).limit(BATCH))).all()
    if ids:
        await db.execute(delete(Cart).where(Cart.id.in_(ids), Cart.expires_at <= now))  # no page shows this
    return len(ids)


def _keepers() -> list[Column[Any]]:
    """The foreign keys of later nouns that point at carts. Lines go with their cart."""
    own = (Cart.__table__, CartLine.__table__)
    tables = [table for table in Base.metadata.tables.values() if table not in own]
    keys = [key for table in tables for key in table.foreign_keys]
    return [key.parent for key in keys if key.references(Cart.__table__)]  # type: ignore[arg-type]  # it is a table
