"""A product as a file states it, cleaned and typed, before the shop is asked. Its digests tell later what changed."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec


class PictureDraft(msgspec.Struct, frozen=True):
    key: str
    name: str
    alt: str
    width: int
    height: int


class VariantDraft(msgspec.Struct, frozen=True):
    line: int
    sku: str
    barcode: str
    options: tuple[str, str, str]
    price: int
    compare_at: int | None
    cost: int | None
    weight_g: int
    needs_delivery: bool
    is_taxable: bool
    tax_code: str
    picture: str
    """Blob key of its own picture, or nothing."""
    on_hand: int
    may_oversell: bool


class ProductDraft(msgspec.Struct, frozen=True):
    line: int
    slug: str
    title: str
    brand: str
    kind: str
    description: str
    seo_title: str
    seo_description: str
    google_category: str
    condition: str
    option_names: tuple[str, str, str]
    status: str
    is_published: bool
    tags: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    categories: tuple[str, ...]
    """Slugs; the first is the one of the breadcrumb."""
    collections: tuple[str, ...]
    variants: tuple[VariantDraft, ...]
    pictures: tuple[PictureDraft, ...] | None
    """None: no pictures were given, so those that the shop has stay."""

    def digests(self) -> Digests:
        """Free of the file's layout: the same product under either header has the same digests."""
        facts = msgspec.structs.asdict(self)
        variants = [msgspec.structs.asdict(variant) for variant in self.variants]
        stock = [(each["sku"], each.pop("on_hand"), each.pop("may_oversell")) for each in variants]
        seen = [each.pop("picture") for each in variants]
        for each in (facts, *variants):
            del each["line"]
        pictures = facts.pop("pictures")
        facts["variants"] = variants
        shown = "" if pictures is None else _digest((pictures, seen))
        return Digests(_digest(facts), shown, _digest(stock))


class Digests(msgspec.Struct, frozen=True):
    """What products.source remembers: three parts that change apart, so that a new price leaves sold stock alone."""

    facts: str
    pictures: str
    stock: str

    def kept(self) -> str:
        return f"shopify {self.facts} {self.pictures or '-'} {self.stock}"

    @classmethod
    def of(cls, source: str | None) -> Digests:
        parts = (source or "").split()
        if len(parts) != 4 or parts[0] != "shopify":
            return cls("", "", "")
        return cls(parts[1], parts[2].strip("-"), parts[3])


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:24]
