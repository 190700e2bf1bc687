"""Reads of carts: the page of a cart with today's prices, stock and delivery, and the number on its badge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, and_, bindparam, false, func, select

from hypermart.db.session import AnySession
from hypermart.domain.browse.lists import picture
from hypermart.domain.browse.statements import NOW, AnySelect, is_running
from hypermart.domain.cart import rules
from hypermart.domain.cart.models import Cart, CartLine
from hypermart.domain.cart.pages import CartView, LineView, Terms
from hypermart.domain.cart.totals import Item, totals
from hypermart.domain.catalog.models import ACTIVE, Listing, Picture, Product, SalePrice, Variant
from hypermart.domain.customers.address import Address
from hypermart.domain.shipping.models import PICKUP
from hypermart.domain.shipping.pages import DeliveryOption
from hypermart.domain.shipping.queries import OFFERS, options_of
from hypermart.domain.stock.models import StockLevel
from hypermart.domain.tax.queries import rates_in, rates_of
from hypermart.domain.tax.rules import Rate, rate_of
from hypermart.errors import NotFound
from hypermart.money import Money

_IS_OPEN = and_(
    Cart.token_hash == bindparam("token_hash"),
    Cart.completed_at.is_(None),
    Cart.expires_at > NOW,
)
_SALE = select(func.min(SalePrice.price)).where(SalePrice.variant_id == Variant.id, is_running()).scalar_subquery()
#: A running sale price is always lower than the regular one of its variant.
TODAY = func.coalesce(_SALE, Variant.price)
IS_FOR_SALE = and_(Product.status == ACTIVE, Product.published_at <= NOW)
#: Null without a row of stock, which is none.
LEFT = StockLevel.on_hand - StockLevel.reserved - StockLevel.allocated
#: A row for each line, and one without a line for an empty cart.
_CART: AnySelect = (
    select(
        Cart.id.label("cart_id"),
        Cart.version,
        Cart.email,
        Cart.address,
        Cart.billing,
        Cart.wants_news_at,
        Cart.delivery_method,
        Cart.payment_method,
        CartLine.id,
        CartLine.variant_id,
        CartLine.title.label("remembered"),
        CartLine.quantity,
        CartLine.seen_price,
        CartLine.is_saved,
        Variant.sku,
        Variant.option1,
        Variant.option2,
        Variant.option3,
        Variant.weight_g,
        Variant.needs_delivery,
        Variant.is_taxable,
        Variant.tax_code,
        TODAY.label("price"),
        IS_FOR_SALE.label("is_for_sale"),
        Product.slug,
        Product.title,
        LEFT.label("left"),
        StockLevel.may_oversell,
        Picture.blob_key,
        Picture.alt,
        Picture.width,
        Picture.height,
        Picture.widths,
    )
    .select_from(Cart)
    .outerjoin(CartLine, CartLine.cart_id == Cart.id)
    .outerjoin(Variant, Variant.id == CartLine.variant_id)
    .outerjoin(Product, Product.id == Variant.product_id)
    .outerjoin(StockLevel, StockLevel.variant_id == Variant.id)
    .outerjoin(Listing, Listing.product_id == Product.id)
    .outerjoin(Picture, Picture.id == func.coalesce(Variant.picture_id, Listing.picture_id))
    .where(_IS_OPEN)
    .order_by(CartLine.id)
)
#: What delivery costs where the goods go, and the taxes there and at home, where pickups are taxed.
_AROUND = select(OFFERS.label("offers"), rates_in("country").label("there"), rates_in("home").label("home"))
_COUNT = (
    select(func.coalesce(func.sum(CartLine.quantity), 0))
    .join(Cart, Cart.id == CartLine.cart_id)
    .where(_IS_OPEN, CartLine.is_saved == false())
)


async def cart_view(
    db: AnySession, token_hash: str, terms: Terms, now: datetime, *, country: str = ""
) -> CartView | None:
    """The open cart under the hash; None if there is none, or it has expired or become an order.

    `country`: asked about, for an estimate.
    """
    rows = (await db.execute(_CART, {"token_hash": token_hash, "now": now})).all()
    if not rows:
        return None
    cart, rows = rows[0], [row for row in rows if row.id is not None]
    address = msgspec.convert(cart.address, Address)
    country = country or address.country or terms.country
    wanted = [row for row in rows if not row.is_saved]
    around = (await db.execute(_AROUND, {"country": country.upper(), "home": terms.country})).one()
    options = _options(around.offers, wanted, terms.currency)
    chosen = next((option for option in options if option.code == cart.delivery_method), None)
    is_pickup = chosen is not None and chosen.kind == PICKUP
    rates = rates_of(around.home if is_pickup else around.there)
    lines = tuple(_line(row, rates, terms.currency) for row in wanted)
    items = [Item(line.unit_price.minor, line.quantity, line.rate) for line in lines]
    return CartView(
        id=cart.cart_id,
        version=cart.version,
        lines=lines,
        saved=tuple(_line(row, rates, terms.currency) for row in rows if row.is_saved),
        email=cart.email,
        address=address,
        billing=None if cart.billing is None else msgspec.convert(cart.billing, Address),
        wants_news_at=cart.wants_news_at,
        payment_method=cart.payment_method,
        country=country,
        options=options,
        delivery=chosen,
        totals=totals(items, chosen.price if chosen else None, currency=terms.currency, rounding=terms.rounding),
    )


def _options(offers: str | None, lines: Sequence[Row[Any]], currency: str) -> tuple[DeliveryOption, ...]:
    goods = [line for line in lines if line.needs_delivery]
    weight = sum(line.quantity * line.weight_g for line in goods)
    value = Money(sum(line.quantity * _price(line) for line in lines), currency)
    return options_of(offers, weight, value, needs_delivery=bool(goods))


def _price(row: Row[Any]) -> int:
    """Of a variant that is gone: what it cost."""
    return int(row.seen_price if row.price is None else row.price)


def _line(row: Row[Any], rates: dict[str, Rate], currency: str) -> LineView:
    price, seen = Money(_price(row), currency), Money(row.seen_price, currency)
    left = None if row.may_oversell else max(0, row.left or 0)
    today = price if row.is_for_sale else None
    notices = rules.saved_notices(left, today, seen) if row.is_saved else rules.notices(row.quantity, left, today, seen)
    alt = row.alt or row.title
    return LineView(
        id=row.id,
        variant_id=row.variant_id,
        sku=row.sku or "",
        slug=row.slug if row.is_for_sale else "",
        title=row.title or row.remembered,
        options=words((row.option1, row.option2, row.option3)),
        picture=picture(row.blob_key, alt, row.width, row.height, row.widths) if row.blob_key else None,
        quantity=row.quantity,
        left=left,
        unit_price=price,
        total=price * row.quantity,
        weight_g=row.weight_g or 0,
        needs_delivery=bool(row.needs_delivery),
        rate=rate_of(rates, row.tax_code or "", is_taxable=row.is_taxable is not False),
        notices=notices,
    )


def words(options: Sequence[str | None]) -> str:
    """The version in words, like '30 x 40 cm, black'."""
    return ", ".join(option for option in options if option)


async def cart_count(db: AnySession, token_hash: str, now: datetime) -> int:
    """Pieces in the open cart under the hash: the number on the badge."""
    return int((await db.execute(_COUNT, {"token_hash": token_hash, "now": now})).scalar_one())


async def is_open(db: AnySession, token_hash: str, now: datetime) -> bool:
    """Whether there is a cart under the hash that can still be changed."""
    is_one = Cart.token_hash == token_hash, Cart.completed_at.is_(None), Cart.expires_at > now
    return (await db.execute(select(Cart.id).where(*is_one))).first() is not None


class Offer(msgspec.Struct, frozen=True):
    """A variant as it can be put in a cart today."""

    id: int
    sku: str
    slug: str
    title: str
    options: str
    price: int
    left: int | None


_OFFER: AnySelect = (
    select(
        Variant.id,
        Variant.sku,
        Variant.option1,
        Variant.option2,
        Variant.option3,
        Product.slug,
        Product.title,
        TODAY.label("price"),
        LEFT.label("left"),
        StockLevel.may_oversell,
    )
    .join(Product, Product.id == Variant.product_id)
    .outerjoin(StockLevel, StockLevel.variant_id == Variant.id)
    .where(Variant.id == bindparam("variant_id"), IS_FOR_SALE)
)


async def offer(db: AnySession, variant_id: int, now: datetime) -> Offer:
    """Raises NotFound for a variant that is unknown or not for sale."""
    row = (await db.execute(_OFFER, {"variant_id": variant_id, "now": now})).first()
    if row is None:
        raise NotFound("variant")
    return Offer(
        id=row.id,
        sku=row.sku,
        slug=row.slug,
        title=row.title,
        options=words((row.option1, row.option2, row.option3)),
        price=row.price,
        left=None if row.may_oversell else max(0, row.left or 0),
    )
