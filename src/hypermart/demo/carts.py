"""Carts in every state that the cart's page can show, each under a cookie that tests and screenshots know."""

from __future__ import annotations

import hashlib

import msgspec
from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.cart.actions import new_cart
from hypermart.domain.cart.models import CartLine
from hypermart.domain.catalog.models import Product, Variant
from hypermart.services import Services


class Piece(msgspec.Struct, frozen=True):
    """A line: a variant of seed() or seed_states(), and what is different about it since it was put in."""

    sku: str
    quantity: int = 1
    seen: int | None = None
    """Price when it was put in, if it has changed since."""
    is_saved: bool = False
    is_deleted: bool = False


LONG = 100
MOON, FLOWERS, WIDE = "AP042-S-U", "AP004-M-O", "AP039-S-U"
CARTS: dict[str, tuple[Piece, ...]] = {
    "one": (Piece(MOON),),
    "typical": (Piece(MOON, 2), Piece(FLOWERS), Piece(WIDE, 3)),
    "notices": (
        Piece(MOON, seen=1_900),
        Piece("ST-STATE-LOW-STOCK", 5),
        Piece("ST-STATE-ARCHIVED"),
        Piece(FLOWERS, is_deleted=True),
    ),
    "sold-out": (Piece(MOON), Piece("ST-STATE-SOLD-OUT")),
    "names": (Piece("ST-STATE-LONG-TITLE"), Piece("ST-STATE-RIGHT-TO-LEFT"), Piece("ST-STATE-NO-PICTURE", 999)),
    "saved": (Piece(MOON), Piece(FLOWERS, is_saved=True), Piece("ST-STATE-SOLD-OUT", 2, is_saved=True)),
    "only-saved": (Piece(FLOWERS, is_saved=True),),
    "long": tuple(Piece(f"ST-HUNDRED-{number:02}", 1 + number % 3) for number in range(LONG)),
}


def token(name: str) -> str:
    """The cookie of the visitor whose cart is CARTS[name]."""
    return f"visitor-{name}"


def token_hash(name: str) -> str:
    return hashlib.sha256(token(name).encode()).hexdigest()


async def seed_carts(services: Services) -> None:
    """The shop also holds every cart of CARTS; needs seed() and seed_states(). Runs once per shop."""
    async with services.db.write() as db:
        for name, pieces in CARTS.items():
            await put_cart(db, name, pieces, services)


async def put_cart(db: WriteSession, name: str, pieces: tuple[Piece, ...], services: Services) -> None:
    cart = await new_cart(db, token_hash(name), services.clock.now())
    for piece in pieces:
        db.add(await _line(db, cart.id, piece, services))


async def _line(db: WriteSession, cart_id: int, piece: Piece, services: Services) -> CartLine:
    found = select(Variant.id, Variant.price, Product.title).join(Product, Product.id == Variant.product_id)
    row = (await db.execute(found.where(Variant.sku == piece.sku))).one()
    return CartLine(
        cart_id=cart_id,
        variant_id=None if piece.is_deleted else row.id,
        title=row.title,
        quantity=piece.quantity,
        seen_price=row.price if piece.seen is None else piece.seen,
        is_saved=piece.is_saved,
        added_at=services.clock.now(),
    )
