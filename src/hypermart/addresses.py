"""The addresses of the shop: one function for each kind of page, and the one form of a list's query string."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote as _quote
from urllib.parse import urlencode

import msgspec

from hypermart.db.queue import QueueFilter
from hypermart.domain.browse.pages import ChipView, Filters
from hypermart.domain.browse.rules import BEST_MATCH, SORTS
from hypermart.domain.catalog.pictures import rendition_key
from hypermart.money import Money

#: The same few hundred slugs and keys stand on every page.
quote = lru_cache(maxsize=8192)(_quote)


def product_url(slug: str, sku: str | None = None) -> str:
    return f"/p/{quote(slug)}" + (f"?v={quote(sku, safe='')}" if sku else "")


def category_url(slug: str) -> str:
    return f"/c/{quote(slug)}"


def collection_url(slug: str) -> str:
    return f"/collections/{quote(slug)}"


def content_url(slug: str) -> str:
    return f"/pages/{quote(slug)}"


def search_url(query: str = "") -> str:
    return "/search" + (f"?{urlencode({'q': query})}" if query else "")


def media_url(key: str, width: int | None = None) -> str:
    """Of the original under `key`, or of its rendition `width` px wide."""
    return f"/media/{quote(rendition_key(key, width) if width else key)}"


def list_url(base_path: str, filters: Filters, currency: str, **changes: Any) -> str:
    """The canonical address of a list: keys in fixed order, values sorted, defaults left out.

    `changes` are fields of Filters; whoever changes anything but the page starts again on page 1.
    """
    if changes and "page" not in changes:
        changes["page"] = 1
    query = urlencode(list(_pairs(msgspec.structs.replace(filters, **changes), currency)))
    return f"{base_path}?{query}" if query else base_path


def list_url_without(base_path: str, filters: Filters, currency: str, chip: ChipView) -> str:
    """The list with one chip taken off; the page starts again."""
    left = {code: [slug for slug in slugs if (code, slug) != (chip.code, chip.value)] for code, slugs in filters.chosen}
    chosen = tuple((code, tuple(slugs)) for code, slugs in left.items() if slugs)
    return list_url(base_path, filters, currency, chosen=chosen)


def queue_url(wanted: QueueFilter, **changes: Any) -> str:
    """Of the queue, for staff: what is left at its default is left out, and other rows begin on page 1."""
    wanted = msgspec.structs.replace(wanted, **{"page": 1, **changes})
    fields = ("order", "page") if wanted.order is not None else ("state", "job", "page")
    given = {name: getattr(wanted, name) for name in fields}
    query = urlencode({name: value for name, value in given.items() if value and (name, value) != ("page", 1)})
    return f"/staff/queue?{query}" if query else "/staff/queue"


def is_filtered(filters: Filters) -> bool:
    """Any narrowing, so that an empty list can be widened. Sorting and paging narrow nothing."""
    return bool(filters.chosen or filters.only_in_stock) or (filters.price_min, filters.price_max) != (None, None)


def is_indexable(filters: Filters) -> bool:
    """Search engines keep the plain list and its pages, never the many filtered and sorted ones."""
    return not (filters.query or is_filtered(filters)) and filters.sort == _default_sort(filters)


def major(minor: int, currency: str) -> str:
    """An amount as a form field and an address carry it: 2000 EUR -> 20, 2050 -> 20.50."""
    amount = Money(minor, currency).decimal
    return str(int(amount) if amount == int(amount) else amount)


def _default_sort(filters: Filters) -> str:
    return next(iter(BEST_MATCH if filters.query else SORTS))


def _pairs(filters: Filters, currency: str) -> Iterator[tuple[str, str]]:
    if filters.query:
        yield "q", filters.query
    for code, slugs in sorted(filters.chosen):
        for slug in sorted(slugs):
            yield code, slug
    for key, amount in (("min", filters.price_min), ("max", filters.price_max)):
        if amount is not None:
            yield key, major(amount, currency)
    if filters.only_in_stock:
        yield "available", "1"
    if filters.sort not in (*BEST_MATCH, _default_sort(filters)):
        yield "sort", filters.sort
    if filters.page != 1:
        yield "page", str(filters.page)
