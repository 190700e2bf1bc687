"""What shoppers see of delivery: the ways that are open to them, each with its price."""

from __future__ import annotations

import msgspec

from hypermart.money import Money


class DeliveryOption(msgspec.Struct, frozen=True):
    code: str
    title: str
    carrier: str
    kind: str
    """ship, pickup, or none where nothing in the cart needs delivery."""
    note: str
    price: Money
    min_days: int
    max_days: int
    """Working days."""
    free_from: Money | None = None
    """Value of goods from which on it costs nothing; None if it never does, or already does."""
