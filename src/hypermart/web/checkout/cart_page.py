"""The cart's page as one struct: page, region for htmx, seed of the island and JSON answer are made of it."""

from __future__ import annotations

import msgspec

from hypermart.addresses import category_url, collection_url
from hypermart.domain.browse.pages import Frame
from hypermart.domain.cart.pages import CartView
from hypermart.domain.shipping.pages import DeliveryOption
from hypermart.money import Money, MoneyPattern, money_pattern
from hypermart.settings import Settings
from hypermart.web.checkout.shown import CartRow, Sums, rows_of, sums_of
from hypermart.web.forms import Form
from hypermart.web.visit import CartNews

CHANGED = "Your cart has changed in the meantime. Please look it through and send it again."


class Way(msgspec.Struct, frozen=True):
    """A way into the shop, where there is nothing else to do."""

    url: str
    title: str


class Done(msgspec.Struct, frozen=True):
    """What has just happened to the cart."""

    said: str = ""
    """In words, like 'Cart updated.'"""
    added: str = ""
    """SKU of what was put in."""
    is_limited: bool = False
    """Fewer were put in than wanted."""
    refused: Form | None = None
    """What was typed, with what is wrong with it."""


class CartPage(msgspec.Struct, frozen=True):
    """No name, address or mail of anybody is in here."""

    cart: int
    """Which cart; 0 while there is none."""
    version: int
    count: int
    lines: tuple[CartRow, ...]
    saved: tuple[CartRow, ...]
    is_blocked: bool
    country: str
    is_unknown_country: bool
    """The country asked about is none that is delivered to."""
    options: tuple[DeliveryOption, ...]
    totals: Sums
    said: str
    added: CartRow | None
    is_limited: bool
    errors: tuple[tuple[str, str], ...]
    """What is wrong, for the summary: id of the field ('' for none), and a sentence."""
    problems: dict[str, str]
    """The same by field, for beside it."""
    typed: dict[str, str]
    """What was typed into the fields, if it was refused."""
    countries: tuple[tuple[str, str], ...]
    ways: tuple[Way, ...]
    """While there is nothing to buy here."""
    money: MoneyPattern

    @property
    def news(self) -> CartNews:
        return CartNews(self.cart, self.version, self.count, self.totals.subtotal.minor)

    @property
    def is_empty(self) -> bool:
        return not (self.lines or self.saved)


class Asked(msgspec.Struct, frozen=True):
    """Where the goods would go: what can be chosen, and what was asked about."""

    country: str
    countries: tuple[tuple[str, str], ...]
    is_unknown: bool


def cart_page(cart: CartView | None, asked: Asked, around: Frame, settings: Settings, done: Done) -> CartPage:
    lines = rows_of(cart.lines) if cart else ()
    by_sku = {row.sku: row for row in lines if row.sku}
    form = done.refused or Form([])
    nothing = Money(0, settings.currency)
    return CartPage(
        cart=cart.id if cart else 0,
        version=cart.version if cart else 0,
        count=cart.count if cart else 0,
        lines=lines,
        saved=rows_of(cart.saved) if cart else (),
        is_blocked=cart is not None and cart.is_blocked,
        country=cart.country if cart else asked.country or settings.shop_country,
        is_unknown_country=asked.is_unknown,
        options=cart.options if cart else (),
        totals=sums_of(cart, settings.locale) if cart else Sums(nothing, None, "", nothing, ()),
        said=done.said,
        added=by_sku.get(done.added),
        is_limited=done.is_limited,
        errors=_errors(form, lines),
        problems=form.problems,
        typed={name: form.typed(name) for name in map(field_of, lines) if form.values(name)},
        countries=asked.countries,
        ways=() if lines else _ways(around),
        money=money_pattern(settings.currency, settings.locale),
    )


def field_of(row: CartRow) -> str:
    return f"q-{row.id}"


def _errors(form: Form, lines: tuple[CartRow, ...]) -> tuple[tuple[str, str], ...]:
    """Of the whole form first. Only of lines that went in another tab: then that is what is said."""
    found = [("", form.problems[""])] if "" in form.problems else []
    named = ((field_of(row), row.title) for row in lines)
    found += [(field, f"{title}: {form.problems[field]}") for field, title in named if field in form.problems]
    return tuple(found) if found or not form.problems else (("", CHANGED),)


def _ways(around: Frame) -> tuple[Way, ...]:
    if not around.departments:
        return ()
    roots = [Way(category_url(root.slug), root.title) for root in around.departments]
    return (*roots, *(Way(collection_url(row.slug), row.title) for row in around.collections))
