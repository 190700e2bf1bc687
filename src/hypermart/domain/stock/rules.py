"""When a variant can be had. Pure."""

from __future__ import annotations


def is_available(on_hand: int, promised: int, may_oversell: bool) -> bool:
    """`promised` is what is reserved or allocated."""
    return may_oversell or on_hand - promised > 0


def refusal(on_hand: int, promised: int, may_oversell: bool) -> str | None:
    """Why `on_hand` cannot be, in words for staff; None if it can."""
    if may_oversell or on_hand >= promised:
        return None
    if on_hand < 0:
        return f"{on_hand} in stock is only possible for a variant that may be oversold"
    return f"{promised} are promised to shoppers, so at least as many must be in stock"
