"""Carts that belong to customers: a guest's becomes theirs at sign-in, two are made one, and parted again if asked.

All browsers of a customer have the same cart under the same cookie, which is theirs until they change their password.
A signed-in browser may have another cart of theirs beside it, where two were parted, or one is being paid for.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select, update

from hypermart.db.session import AnySession, WriteSession
from hypermart.domain.cart import rules
from hypermart.domain.cart.actions import new_cart, release_hash, touch
from hypermart.domain.cart.models import Cart, CartLine
from hypermart.domain.cart.queries import LEFT
from hypermart.domain.catalog.models import Variant
from hypermart.domain.stock.models import StockLevel

_KEPT = ("variant_id", "title", "quantity", "seen_price", "is_saved")
_CONTACT = ("email", "address", "billing", "wants_news_at", "delivery_method", "payment_method")


class Line(msgspec.Struct, frozen=True):
    """A line as it was."""

    variant_id: int | None
    title: str
    quantity: int
    seen_price: int
    is_saved: bool


class Reduced(msgspec.Struct, frozen=True):
    """Fewer than both carts had together."""

    title: str
    wanted: int
    quantity: int


class Merge(msgspec.Struct, frozen=True):
    """What became of two carts, and what was in each."""

    guest_cart: int
    own: tuple[Line, ...]
    """Of the earlier cart."""
    guest: tuple[Line, ...]
    reduced: tuple[Reduced, ...]

    @property
    def pieces(self) -> int:
        """That came from the earlier cart."""
        return sum(line.quantity for line in self.own if not line.is_saved)


def own_token(secret: bytes, customer_id: int, epoch: int) -> str:
    """The cart cookie of a customer's browsers: 256 bits that nobody else can make."""
    return hmac.new(secret, f"cart:{customer_id}:{epoch}".encode(), hashlib.sha256).hexdigest()


async def both_carts(
    db: WriteSession, customer_id: int, hashes: tuple[str, str], now: datetime
) -> tuple[Cart | None, Cart | None]:
    """What the browser has, if it is a guest's or of this customer, and what the customer has beside it; locked.

    `hashes`: of the browser's cookie, and of the customer's own.
    """
    guest_hash, own_hash = hashes
    is_open = Cart.completed_at.is_(None), Cart.expires_at > now
    theirs = select(Cart.id).where(Cart.customer_id == customer_id, *is_open)
    ids = set(await db.scalars(theirs)) | set(await db.scalars(select(Cart.id).where(Cart.token_hash == guest_hash)))
    locked = select(Cart).where(Cart.id.in_(ids), *is_open).order_by(Cart.id).with_for_update()
    carts = list(await db.scalars(locked.execution_options(populate_existing=True)))
    guest = next((each for each in carts if each.token_hash == guest_hash), None)
    if guest and guest.customer_id not in (None, customer_id):
        guest = None
    own = [each for each in carts if each.customer_id == customer_id and each is not guest]
    return guest, max(own, key=lambda each: (each.token_hash == own_hash, each.updated_at), default=None)


async def join(db: WriteSession, customer_id: int, own_hash: str, carts: tuple[Cart | None, Cart | None]) -> None:
    """The two of both_carts() are one, under the customer's own cookie, and can be parted again."""
    guest, own = carts
    cart = own or guest
    if guest and own:
        lines, own_lines = await _lines(db, guest), await _lines(db, own)
        if lines and own_lines:
            await _move(db, (guest, lines), (own, own_lines))
        elif lines:  # what the customer had is empty
            cart, own.customer_id = guest, None
    if cart:
        cart.customer_id = customer_id
        await _name(db, cart, own_hash)


async def part(db: WriteSession, own: Cart, new_hash: str, now: datetime) -> bool:
    """The lines of the two carts are as they were; the browser's own are under `new_hash`, and still the customer's.

    `own`: locked. False if it has been changed since they were made one.
    """
    if own.merged is None:
        return False
    merge = msgspec.convert(own.merged, Merge)
    guest = await db.get(Cart, merge.guest_cart, with_for_update=True, populate_existing=True)
    if guest is None or guest.completed_at or guest.updated_at > own.updated_at:  # the last: another one's by now
        guest = await new_cart(db, new_hash, now)
    guest.token_hash, guest.customer_id = new_hash, own.customer_id
    for name in _CONTACT:
        setattr(guest, name, getattr(own, name))
    for line in [*await _lines(db, own), *await _lines(db, guest)]:
        await db.delete(line)
    await db.flush()  # a variant stands in a cart once
    there = set(await db.scalars(select(Variant.id).where(Variant.id.in_(_variants((*merge.own, *merge.guest))))))
    for cart, lines in ((own, merge.own), (guest, merge.guest)):
        db.add_all(_line(cart, line, there, now) for line in lines)
        touch(cart, now)
    return True


async def rename(db: WriteSession, old_hash: str, new_hash: str) -> None:
    """The cart under one cookie is under another one."""
    await db.execute(  # no page shows this
        update(Cart).where(Cart.token_hash == old_hash).values(token_hash=new_hash)
    )


async def merge_of(db: AnySession, token_hash: str) -> Merge | None:
    """What was made one in the cart under the hash, as long as it has not been changed since."""
    row = (await db.execute(select(Cart.merged).where(Cart.token_hash == token_hash))).first()
    return msgspec.convert(row.merged, Merge) if row and row.merged else None


async def _move(db: WriteSession, guests: tuple[Cart, list[CartLine]], owns: tuple[Cart, list[CartLine]]) -> None:
    """What the browser's cart has, into the customer's. What was typed last counts."""
    (guest, lines), (own, own_lines) = guests, owns
    before = tuple(map(_kept, own_lines)), tuple(map(_kept, lines))
    left = await _left(db, _variants(before[1]))
    twins: dict[tuple[int | None, bool], CartLine] = {
        (line.variant_id, line.is_saved): line for line in own_lines if line.variant_id
    }
    reduced = []
    for line in lines:
        twin = twins.get((line.variant_id, line.is_saved))
        if twin is None:
            line.cart_id = own.id
            continue
        wanted = twin.quantity + line.quantity
        twin.quantity = rules.together(twin.quantity, line.quantity, left.get(twin.variant_id or 0))
        twin.seen_price = line.seen_price
        if twin.quantity < wanted:
            reduced.append(Reduced(twin.title, wanted, twin.quantity))
        await db.delete(line)
    if guest.email or guest.address:
        for name in _CONTACT:
            setattr(own, name, getattr(guest, name))
    guest.token_hash, guest.customer_id = secrets.token_hex(32), None
    touch(own, max(own.updated_at, guest.updated_at))
    own.merged = msgspec.to_builtins(Merge(guest.id, *before, tuple(reduced)))
    await db.flush()


async def _left(db: WriteSession, variants: Iterable[int]) -> dict[int, int | None]:
    """How many can be had; None for as many as one likes."""
    found = select(StockLevel.variant_id, StockLevel.may_oversell, LEFT.label("left"))
    rows = await db.execute(found.where(StockLevel.variant_id.in_(variants)))
    return {row.variant_id: None if row.may_oversell else max(0, row.left) for row in rows}


async def _name(db: WriteSession, cart: Cart, token_hash: str) -> None:
    """It is the one under this hash."""
    if cart.token_hash != token_hash:
        before = await release_hash(db, token_hash)
        cart.heir_of = cart.heir_of or before
        cart.token_hash = token_hash
        await db.flush()


async def _lines(db: WriteSession, cart: Cart) -> list[CartLine]:
    return list(await db.scalars(select(CartLine).where(CartLine.cart_id == cart.id).order_by(CartLine.id)))


def _variants(lines: Iterable[Line]) -> set[int]:
    return {line.variant_id for line in lines if line.variant_id}


def _kept(line: CartLine) -> Line:
    return Line(*(getattr(line, name) for name in _KEPT))


def _line(cart: Cart, line: Line, there: set[int], now: datetime) -> CartLine:
    fields: dict[str, Any] = msgspec.structs.asdict(line)
    fields["variant_id"] = line.variant_id if line.variant_id in there else None
    return CartLine(cart_id=cart.id, added_at=now, **fields)
