"""What can be done to a cart, up to its end. Each change locks the cart's row first, so those of one cart queue up."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack

import msgspec
from sqlalchemy import Update, bindparam, false, func, literal, select, update

from hypermart.db.base import UtcDateTime
from hypermart.db.session import WriteSession
from hypermart.domain.cart import rules
from hypermart.domain.cart.models import Cart, CartLine
from hypermart.domain.cart.pages import Added
from hypermart.domain.cart.queries import TODAY, Offer, offer
from hypermart.domain.catalog.models import Variant
from hypermart.domain.customers.address import Address
from hypermart.errors import Refused

_LOCKED = (
    select(Cart)
    .where(Cart.token_hash == bindparam("token_hash"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_LINES = select(CartLine).where(CartLine.cart_id == bindparam("cart_id"))
_PRICED = (
    select(CartLine, func.coalesce(TODAY, CartLine.seen_price))
    .outerjoin(Variant, Variant.id == CartLine.variant_id)
    .where(CartLine.cart_id == bindparam("cart_id"))
)


class CannotAdd(Refused):
    """Not one more piece of the variant fits in the cart."""


async def locked_cart(db: WriteSession, token_hash: str) -> Cart | None:
    """The cart under the hash, also an expired or completed one, for this transaction alone."""
    return await db.scalar(_LOCKED, {"token_hash": token_hash})


async def open_cart(db: WriteSession, token_hash: str, now: datetime) -> Cart | None:
    """Locked; None if there is no cart under the hash that can still be changed."""
    cart = await locked_cart(db, token_hash)
    return cart if cart and cart.completed_at is None and cart.expires_at > now else None


async def new_cart(db: WriteSession, token_hash: str, now: datetime, customer_id: int | None = None) -> Cart:
    """Of a customer or, without one, of a guest, whose hash must be new."""
    before = await release_hash(db, token_hash) if customer_id else None
    cart = Cart(
        token_hash=token_hash,
        created_at=now,
        updated_at=now,
        expires_at=now + rules.KEPT,
        customer_id=customer_id,
        heir_of=before,
    )
    db.add(cart)
    await db.flush()
    return cart


async def release_hash(db: WriteSession, token_hash: str) -> int | None:
    """The cart under the hash, if there is one, gets one that no cookie has. Gives its id if it is an order's."""
    cart = await locked_cart(db, token_hash)
    if cart is None:
        return None
    cart.token_hash = secrets.token_hex(32)
    await db.flush()  # a hash is unique
    return cart.id if cart.completed_at else None


def touch(cart: Cart, now: datetime) -> None:
    """The cart is another one than it was, and kept anew. What was made one at sign-in cannot be parted any more."""
    cart.merged = None
    cart.version += 1
    cart.updated_at, cart.expires_at = now, now + rules.KEPT


def _touched(now: datetime) -> dict[str, Any]:
    """The same as values of an UPDATE, for what needs to know nothing of the cart."""
    return {"merged": None, "version": Cart.version + 1, "updated_at": now, "expires_at": now + rules.KEPT}


async def add_line(db: WriteSession, token_hash: str, variant_id: int, quantity: int, now: datetime) -> Added | None:
    """So many pieces more are in the cart, or as many as are left. None if there is no open cart.

    Raises NotFound for what is not for sale, CannotAdd where not one more can be had.
    """
    wanted = await _wanted(db, variant_id, now)
    cart = await open_cart(db, token_hash, now)
    if cart is None:
        return None
    priced = await _priced_lines(db, cart, now)
    line = next((line for line, _ in priced if line.variant_id == variant_id and not line.is_saved), None)
    present = line.quantity if line else 0
    added = min(quantity, rules.room(present, wanted.left))
    if not added:
        raise CannotAdd(_no_room(present, wanted.left))
    if line:
        line.quantity += added
    elif len(priced) >= rules.LINES:
        lines = f"{len(priced)} different things"
        raise CannotAdd(f"Your cart holds {lines}, the most that it can. Remove one to add another.")
    else:
        priced.append((_new_line(db, cart, wanted, added, now), wanted.price))
    touch(cart, now)
    return _added(cart, wanted, quantity, (added, present + added), priced)


class Holder(msgspec.Struct, frozen=True):
    """Whose a cart is: of the cookie with this hash, and of a customer, or of a guest."""

    token_hash: str
    customer_id: int | None = None


async def add_first_line(db: WriteSession, whose: Holder, variant_id: int, quantity: int, now: datetime) -> Added:
    """The same in a new cart."""
    wanted = await _wanted(db, variant_id, now)
    cart = await new_cart(db, whose.token_hash, now, whose.customer_id)
    added = min(quantity, rules.room(0, wanted.left))
    line = _new_line(db, cart, wanted, added, now)
    return _added(cart, wanted, quantity, (added, added), [(line, wanted.price)])


async def _wanted(db: WriteSession, variant_id: int, now: datetime) -> Offer:
    wanted = await offer(db, variant_id, now)
    if wanted.left == 0:
        raise CannotAdd("Sold out. Somebody was faster.")
    return wanted


async def _priced_lines(db: WriteSession, cart: Cart, now: datetime) -> list[tuple[CartLine, int]]:
    """Each with today's price, or where the variant is gone with what it cost."""
    rows = await db.execute(_PRICED, {"cart_id": cart.id, "now": now})
    return [(line, int(price)) for line, price in rows]


async def _line_of(db: WriteSession, cart: Cart, variant_id: int | None, *, is_saved: bool) -> CartLine | None:
    of_variant = CartLine.variant_id == variant_id
    return await db.scalar(
        select(CartLine).where(CartLine.cart_id == cart.id, of_variant, CartLine.is_saved == is_saved)
    )


def _no_room(present: int, left: int | None) -> str:
    if left is None or left > present:
        return f"Your cart has {present} of it already, the most that one order may hold."
    return f"Only {left} left, and your cart has {'it' if left == 1 else 'them'} already."


def _new_line(db: WriteSession, cart: Cart, wanted: Offer, quantity: int, now: datetime) -> CartLine:
    line = CartLine(
        cart_id=cart.id,
        variant_id=wanted.id,
        title=", ".join(filter(None, (wanted.title, wanted.options))),
        quantity=quantity,
        seen_price=wanted.price,
        is_saved=False,
        added_at=now,
    )
    db.add(line)
    return line


def _added(cart: Cart, wanted: Offer, asked: int, got: tuple[int, int], priced: list[tuple[CartLine, int]]) -> Added:
    bought = [(line.quantity, price) for line, price in priced if not line.is_saved]
    return Added(
        sku=wanted.sku,
        slug=wanted.slug,
        title=wanted.title,
        options=wanted.options,
        wanted=asked,
        added=got[0],
        quantity=got[1],
        left=wanted.left,
        count=sum(quantity for quantity, _ in bought),
        subtotal=sum(quantity * price for quantity, price in bought),
        cart=cart.id,
        version=cart.version,
    )


async def change_quantities(
    db: WriteSession, token_hash: str, quantities: Mapping[int, int], now: datetime, *, accepts_prices: bool = True
) -> None:
    """Lines of the cart, by id, have these quantities; 0 removes one. Ids that are not its own are passed over.

    `accepts_prices`: the shopper has looked the cart through, so notices of changed prices have done their work.
    """
    cart = await open_cart(db, token_hash, now)
    if cart is None:
        return
    prices = await _prices(db, cart, now) if accepts_prices else {}
    is_changed = False
    for line in await db.scalars(select(CartLine).where(CartLine.cart_id == cart.id, CartLine.is_saved == false())):
        quantity = min(quantities.get(line.id, line.quantity), rules.MOST)
        price = prices.get(line.id, line.seen_price)
        is_changed |= (quantity, price) != (line.quantity, line.seen_price)
        if quantity:
            line.quantity, line.seen_price = quantity, price
        else:
            await db.delete(line)
    if is_changed:
        touch(cart, now)


async def _prices(db: WriteSession, cart: Cart, now: datetime) -> dict[int, int]:
    """Today's, by line; of lines whose variant is still there."""
    today = select(CartLine.id, TODAY).join(Variant, Variant.id == CartLine.variant_id)
    rows = await db.execute(today.where(CartLine.cart_id == cart.id), {"now": now})
    return {id_: int(price) for id_, price in rows}


async def remove_line(db: WriteSession, token_hash: str, line_id: int, now: datetime) -> str:
    """The line is gone. Gives its title, as do the next two; '' if the cart had no such line."""
    cart = await open_cart(db, token_hash, now)
    line = await _own_line(db, cart, line_id)
    if cart is None or line is None:
        return ""
    await db.delete(line)
    touch(cart, now)
    return line.title


async def save_line(db: WriteSession, token_hash: str, line_id: int, now: datetime) -> str:
    """The line is set aside for later."""
    return await _set_aside(db, token_hash, line_id, now, is_saved=True)


async def unsave_line(db: WriteSession, token_hash: str, line_id: int, now: datetime) -> str:
    """The line is to be bought after all."""
    return await _set_aside(db, token_hash, line_id, now, is_saved=False)


async def _set_aside(db: WriteSession, token_hash: str, line_id: int, now: datetime, *, is_saved: bool) -> str:
    cart = await open_cart(db, token_hash, now)
    line = await _own_line(db, cart, line_id)
    if cart is None or line is None or line.is_saved == is_saved:
        return ""
    if line.variant_id and (twin := await _line_of(db, cart, line.variant_id, is_saved=is_saved)):
        twin.quantity = min(twin.quantity + line.quantity, rules.MOST)
        await db.delete(line)
    else:
        line.is_saved = is_saved
    touch(cart, now)
    return line.title


async def _own_line(db: WriteSession, cart: Cart | None, line_id: int) -> CartLine | None:
    if cart is None:
        return None
    return await db.scalar(select(CartLine).where(CartLine.id == line_id, CartLine.cart_id == cart.id))


class Contact(TypedDict):
    email: str
    address: Address
    billing: Address | None
    """None: the same as `address`."""
    wants_news: bool


async def set_address(db: WriteSession, token_hash: str, *, now: datetime, **given: Unpack[Contact]) -> bool:
    """Whom and where it goes to, as typed. False if there is no open cart, as in the next two."""
    return await _set(
        db,
        token_hash,
        now,
        email=given["email"],
        address=msgspec.to_builtins(given["address"]),
        billing=msgspec.to_builtins(given["billing"]),
        wants_news_at=func.coalesce(Cart.wants_news_at, literal(now, UtcDateTime())) if given["wants_news"] else None,
    )


async def choose_delivery(db: WriteSession, token_hash: str, method: str, now: datetime) -> bool:
    """By the code of one of the options that the cart's page offers; whether it is one is asked there."""
    return await _set(db, token_hash, now, delivery_method=method)


async def choose_payment(db: WriteSession, token_hash: str, method: str, now: datetime) -> bool:
    return await _set(db, token_hash, now, payment_method=method)


async def _set(db: WriteSession, token_hash: str, now: datetime, **values: Any) -> bool:
    """Locks the open cart and changes it, in one statement."""
    is_open = Cart.token_hash == token_hash, Cart.completed_at.is_(None), Cart.expires_at > now
    return await _changed(db, update(Cart).where(*is_open).values(_touched(now) | values))  # no page shows this


async def _changed(db: WriteSession, statement: Update) -> bool:
    """Whether there was a cart to change."""
    changed: Any = await db.execute(statement.execution_options(synchronize_session=False))  # no page shows this
    return bool(changed.rowcount == 1)


async def hand_over(db: WriteSession, cart_id: int, whose: Holder, now: datetime) -> bool:
    """The cart is theirs, and nobody else's any more. False if it cannot be changed.

    What their cookie stood for before is not lost: its lines are in this cart.
    """
    cart = await db.get(Cart, cart_id, with_for_update=True, populate_existing=True)
    if cart is None or cart.completed_at is not None or cart.expires_at <= now:
        return False
    other = await locked_cart(db, whose.token_hash)
    if other is cart:
        return True
    if other:  # this browser has a cart of its own by now: what is in it comes along
        for line in await db.scalars(select(CartLine).where(CartLine.cart_id == other.id)):
            await _move(db, line, cart)
        other.token_hash = secrets.token_hex(32)
        await db.flush()  # a hash is unique
    cart.token_hash, cart.customer_id = whose.token_hash, whose.customer_id
    touch(cart, now)
    return True


async def _move(db: WriteSession, line: CartLine, cart: Cart) -> None:
    """Into another cart; one line there if it has the variant already."""
    twin = await _line_of(db, cart, line.variant_id, is_saved=line.is_saved) if line.variant_id else None
    if twin:
        twin.quantity = min(twin.quantity + line.quantity, rules.MOST)
        await db.delete(line)
    else:
        line.cart_id = cart.id


async def bought_before(db: WriteSession, cart: Cart, cart_id: int) -> bool:
    """Whether `cart_id` was this visitor's cart before `cart` took over its cookie, if need be over several orders."""
    ancestor: int | None = cart.heir_of
    while ancestor is not None and ancestor != cart_id:
        ancestor = await db.scalar(select(Cart.heir_of).where(Cart.id == ancestor))
    return ancestor is not None


async def complete(db: WriteSession, cart_id: int, bought: Mapping[int, int], now: datetime) -> None:
    """The cart is an order's from now on and holds what was `bought`, pieces by variant.

    What else was in it, saved or put in while the money was on its way, stays with the shopper: in a new cart under
    the same cookie. The completed one gets a hash that no cookie has.
    """
    end = _touched(now) | {"completed_at": now}
    if not await _changed(db, update(Cart).where(Cart.id == cart_id).values(end)):  # no page shows this
        raise LookupError(f"cart {cart_id} is gone, though somebody pays for it")
    left = [
        (line, 0 if line.is_saved else min(line.quantity, bought.get(line.variant_id or 0, 0)))
        for line in await db.scalars(_LINES, {"cart_id": cart_id})
    ]
    left = [(line, sold) for line, sold in left if sold < line.quantity]
    if left:
        await _leave(db, await db.get_one(Cart, cart_id, populate_existing=True), left, now)


async def _leave(db: WriteSession, cart: Cart, left: list[tuple[CartLine, int]], now: datetime) -> None:
    """What of each line was not `sold` goes to a new cart, under the cookie of the completed one."""
    token_hash, cart.token_hash = cart.token_hash, secrets.token_hex(32)
    await db.flush()  # a hash is unique
    heir = await new_cart(db, token_hash, now)
    heir.heir_of, heir.customer_id = cart.id, cart.customer_id
    for line, sold in left:
        if sold:
            db.add(_copy(line, heir, line.quantity - sold))
            line.quantity = sold
        else:
            line.cart_id = heir.id


def _copy(line: CartLine, cart: Cart, quantity: int) -> CartLine:
    return CartLine(
        cart_id=cart.id,
        variant_id=line.variant_id,
        title=line.title,
        quantity=quantity,
        seen_price=line.seen_price,
        added_at=line.added_at,
    )
