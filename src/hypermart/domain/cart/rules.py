"""What a cart may hold, how long it is kept, and what its lines must tell. Pure; amounts are totals.py's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from hypermart.domain.cart.pages import CartView, LineView, Notice
from hypermart.money import Money

KEPT = timedelta(days=30)
"""After the last change."""
MOST = 999
"""Pieces of one variant."""
LINES = 200
"""Of one cart, saved ones included."""


def notices(quantity: int, left: int | None, price: Money | None, seen: Money) -> tuple[Notice, ...]:
    """What has changed since the line was put in. `price` None: it is no longer for sale."""
    if price is None:
        return (Notice("gone", "No longer for sale. Please remove it."),)
    said = []
    if left == 0:
        said.append(Notice("sold_out", "Sold out. Please remove it or save it for later."))
    elif left is not None and quantity > left:
        said.append(Notice("reduced", f"Only {left} left. Please take {left}{'' if left == 1 else ' or fewer'}."))
    return (*said, *_of_price(price, seen))


def saved_notices(left: int | None, price: Money | None, seen: Money) -> tuple[Notice, ...]:
    """The same for a line that is set aside, where nothing needs to be done about it."""
    if price is None:
        return (Notice("gone", "No longer for sale."),)
    said = (Notice("sold_out", "Sold out for now."),) if left == 0 else ()
    return (*said, *_of_price(price, seen))


def _of_price(price: Money, seen: Money) -> tuple[Notice, ...]:
    changed = Notice("price", "The price has changed since you put this in.", was=seen)
    return (changed,) if price != seen else ()


def room(quantity: int, left: int | None) -> int:
    """How many more of a variant fit in a cart that has `quantity` of it."""
    return max(0, min(MOST, MOST if left is None else left) - quantity)


def together(one: int, other: int, left: int | None) -> int:
    """Of two lines that become one: both, but no more than can be had, and no fewer than either had by itself."""
    return min(one + other, MOST, max(one, other, MOST if left is None else left))


def with_held(cart: CartView, held: Mapping[int, int]) -> CartView:
    """The cart of somebody for whom so many pieces by variant are held already: to them these are not sold."""
    return msgspec.structs.replace(cart, lines=tuple(_with_held(line, held) for line in cart.lines))


def _with_held(line: LineView, held: Mapping[int, int]) -> LineView:
    more = held.get(line.variant_id or 0, 0)
    if not more or line.left is None or any(notice.code == "gone" for notice in line.notices):
        return line
    left = line.left + more
    seen = next((notice.was for notice in line.notices if notice.was), line.unit_price)
    told = notices(line.quantity, left, line.unit_price, seen)
    return msgspec.structs.replace(line, left=left, notices=told)
