"""Pure rules of what shoppers see: reading list addresses, the price shown, the variant meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from hypermart.domain.browse.pages import Filters, PriceView, VariantRow
from hypermart.money import Money, exponent

#: Key of the address -> what the select says. The first one is a list's default.
SORTS = {
    "featured": "Featured",
    "price": "Price, low to high",
    "price-down": "Price, high to low",
    "new": "Newest first",
    "title": "Name, A to Z",
}
BEST_MATCH = {"match": "Best match"}
#: More than a form can send is not read: nobody types it, and each value costs.
MAX_PAIRS, MAX_KEY, MAX_VALUE, MAX_QUERY, MAX_FACETS = 60, 60, 190, 200, 8
AMOUNT = re.compile(r"(\d{1,9})(?:[.,](\d{1,4}))?")


def read_filters(pairs: Iterable[tuple[str, str]], currency: str, sorts: Sequence[str]) -> Filters:
    """What a list address asks for. Empty and over-long keys and values are passed over; unreadable ones are named."""
    chosen: dict[str, set[str]] = {}
    single: dict[str, str] = {}
    unread: list[str] = []
    for key, raw in list(pairs)[:MAX_PAIRS]:
        value = " ".join(raw.replace("\0", "").split())
        if not value or len(key) > MAX_KEY:
            continue
        if key in ("q", "min", "max", "available", "sort", "page"):
            single.setdefault(key, value[:MAX_QUERY])
        elif len(value) <= MAX_VALUE and (key in chosen or len(chosen) < MAX_FACETS):
            chosen.setdefault(key, set()).add(value)
    low, high = (_amount(single.get(key, ""), currency, unread) for key in ("min", "max"))
    return Filters(
        chosen=tuple(sorted((code, tuple(sorted(values))) for code, values in chosen.items())),
        price_min=low,
        price_max=high,
        only_in_stock=single.get("available") == "1",
        sort=single["sort"] if single.get("sort") in sorts else sorts[0],
        page=_page(single.get("page", "1")),
        query=single.get("q", ""),
        unread=tuple(unread),
    )


def _amount(text: str, currency: str, unread: list[str]) -> int | None:
    """Minor units of an amount as people type it: 20, 20.50 or 20,50."""
    if not text:
        return None
    found = AMOUNT.fullmatch(text)
    if not found or not text.isascii() or len(found[2] or "") > exponent(currency):
        unread.append(text)
        return None
    return Money.parse(Decimal(f"{found[1]}.{found[2] or 0}"), currency).minor


def _page(text: str) -> int:
    """0 for what is no page number, so that it is answered like a page beyond the end."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def price_view(regular: int, sale: int | None, compare_at: int | None, highest: int, currency: str) -> PriceView:
    """The price shown for a variant, or for a product whose dearest variant costs `highest` (all in minor units)."""
    now = regular if sale is None else min(sale, regular)
    was = regular if now < regular else compare_at
    return PriceView(
        now=Money(now, currency),
        was=Money(was, currency) if was is not None and was > now else None,
        is_from=highest > now,
    )


def meant_variant(variants: Sequence[VariantRow], wanted: Sequence[str | None]) -> tuple[VariantRow, bool]:
    """The variant nearest to the `wanted` option values, earlier options first, and whether it is exactly that."""

    def agreement(variant: VariantRow) -> tuple[int, list[bool], bool]:
        agrees = [want is None or want == have for want, have in zip(wanted, variant.options, strict=False)]
        return sum(agrees), agrees, variant.is_available

    best = max(variants, key=agreement)
    return best, all(agreement(best)[1])
