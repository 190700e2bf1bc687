"""When a variant can be had. Pure."""

from __future__ import annotations

FEW = 3
"""So many or fewer are told to shoppers as the last ones."""


def wording(available: int, may_oversell: bool) -> str:
    """What shoppers are told: pages are stale when it changes, not with each piece sold."""
    if available > FEW:
        return "in stock"
    if available > 0:
        return f"{available} left"
    return "made to order" if may_oversell else "sold out"


def refusal(on_hand: int, promised: int, may_oversell: bool) -> str | None:
    """Why `on_hand` cannot be, in words for staff; None if it can."""
    if may_oversell or on_hand >= promised:
        return None
    if on_hand < 0:
        return f"{on_hand} in stock is only possible for a variant that may be oversold"
    return f"{promised} are promised to shoppers, so at least as many must be in stock"
