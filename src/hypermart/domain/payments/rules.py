"""Which ways to pay are open, and what a refusal is called. Pure."""

from __future__ import annotations

from datetime import timedelta

import msgspec

HOLD = timedelta(minutes=15)
"""How long stock is held for somebody who is paying."""
PATIENCE = timedelta(days=3)
"""How long a bank may take that said it will answer later."""
FIRST_CHECK, LAST_CHECK = timedelta(seconds=20), timedelta(minutes=5)
KEPT = timedelta(days=90)
"""How long an attempt that came to nothing is remembered."""
ATTEMPTS, WITHIN = 10, timedelta(hours=1)
"""So many tries a cart has."""

CARD, TRANSFER, INVOICE, PICKUP, FREE = "card", "transfer", "invoice", "pickup", "free"


class Method(msgspec.Struct, frozen=True):
    code: str
    title: str
    note: str
    after: str
    """What happens once it is chosen, in two lines."""
    remind_after: timedelta | None = None
    """When an unpaid order is reminded of."""

    @property
    def is_offline(self) -> bool:
        return self.code != CARD


METHODS = {
    method.code: method
    for method in (
        Method(
            CARD,
            "Card",
            "You pay on our payment provider's page and come back here.",
            "First you see your whole order. Our payment provider's page opens when you place it.",
        ),
        Method(
            TRANSFER,
            "Bank transfer",
            "We send you our account by e-mail and ship when the money is here.",
            "First you see your whole order. Our account is shown when you have placed it.",
            timedelta(days=7),
        ),
        Method(
            INVOICE,
            "Invoice",
            "Pay within 14 days after the goods have arrived.",
            "First you see your whole order. The invoice comes when you have placed it.",
            timedelta(days=21),
        ),
        Method(
            PICKUP,
            "Pay at pickup",
            "In cash or by card when you collect your order.",
            "First you see your whole order. You pay nothing before you collect it.",
        ),
        Method(FREE, "Nothing to pay", "Your order costs nothing.", "First you see your whole order."),
    )
}


def open_methods(
    total: int, *, is_pickup: bool, is_home: bool, has_gateway: bool, has_account: bool
) -> tuple[Method, ...]:
    """For an order of `total` minor units. `is_home`: it stays in the shop's country, where invoices can be dunned."""
    if total == 0:
        return (METHODS[FREE],)
    may = {CARD: has_gateway, TRANSFER: has_account, INVOICE: is_home and not is_pickup, PICKUP: is_pickup}
    return tuple(METHODS[code] for code, is_open in may.items() if is_open)


#: Codes, the gateway's and ours, that mean something to a shopper. Banks' other codes are for banks.
REASONS = {
    "insufficient_funds": "The card does not have enough money for this.",
    "expired_card": "The card has expired.",
    "authentication_failed": "The bank could not confirm that it was you.",
    "cancelled": "The payment was cancelled.",
    "expired": "The payment was not finished in time.",
    "superseded": "Your order was changed meanwhile.",
    "mismatch": "The payment was not for this order. You are not charged.",
    "gateway_refused": "Our payment provider did not take the payment on.",
    "out_of_stock": "Somebody else bought the last one while you were paying. You are not charged.",
}


def reason_in_words(code: str) -> str:
    return REASONS.get(code, "The bank did not accept the payment. It does not tell us why.")


def next_check(age: timedelta) -> timedelta:
    """How long the reconciler leaves an attempt of this age alone: half its age, within bounds."""
    return min(max(age / 2, FIRST_CHECK), LAST_CHECK)
