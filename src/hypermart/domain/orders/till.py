"""What placing and settling orders needs at hand, and the ways they say no."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hypermart.db.session import Database
from hypermart.domain.orders.checkout import Selling
from hypermart.domain.orders.pages import CheckoutView, Requirement
from hypermart.errors import Refused
from hypermart.ports import Gateway


@dataclass(frozen=True)
class Till:
    db: Database
    gateway: Gateway | None
    selling: Selling
    base_url: str

    def now(self) -> datetime:
        return self.db.clock.now()

    def return_url(self, key: str) -> str:
        """Where the gateway sends the shopper back to: the page of the attempt."""
        return f"{self.base_url}/checkout/attempts/{key}"


class Missing(Refused):
    """The order cannot be placed before the `requirements` are met."""

    def __init__(self, requirements: Iterable[Requirement]) -> None:
        self.requirements = tuple(requirements)
        super().__init__(" ".join(requirement.message for requirement in self.requirements))


class TotalChanged(Refused):
    """The total is no longer what the shopper saw; `view` is what it is now."""

    def __init__(self, view: CheckoutView) -> None:
        super().__init__("The total has changed since you last saw it.")
        self.view = view
