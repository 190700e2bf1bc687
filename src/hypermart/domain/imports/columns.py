"""The columns of Shopify's product files, under both sets of names. Anything else in the header is left alone."""

from __future__ import annotations

import re

import msgspec

from hypermart.domain.imports.problems import Unusable

#: our key -> (classic name, new name), without case
NAMES = {
    "handle": ("handle", "url handle"),
    "title": ("title",),
    "body": ("body (html)", "body html", "description"),
    "brand": ("vendor",),
    "kind": ("type",),
    "tags": ("tags",),
    "published": ("published", "published on online store"),
    "status": ("status",),
    "option1_name": ("option1 name",),
    "option1": ("option1 value",),
    "option2_name": ("option2 name",),
    "option2": ("option2 value",),
    "option3_name": ("option3 name",),
    "option3": ("option3 value",),
    "sku": ("variant sku", "sku"),
    "barcode": ("variant barcode", "barcode"),
    "price": ("variant price", "price"),
    "compare_at": ("variant compare at price", "compare-at price", "compare at price"),
    "cost": ("cost per item",),
    "grams": ("variant grams", "weight value (grams)"),
    "weight": ("variant weight", "weight value", "weight"),
    "weight_unit": ("variant weight unit", "weight unit for display", "weight unit"),
    "tracker": ("variant inventory tracker", "inventory tracker"),
    "quantity": ("variant inventory qty", "inventory quantity"),
    "policy": ("variant inventory policy", "continue selling when out of stock"),
    "needs_delivery": ("variant requires shipping", "requires shipping"),
    "is_taxable": ("variant taxable", "charge tax"),
    "tax_code": ("variant tax code", "tax code"),
    "image": ("image src", "product image url"),
    "image_position": ("image position",),
    "image_alt": ("image alt text",),
    "variant_image": ("variant image", "variant image url"),
    "gift_card": ("gift card",),
    "seo_title": ("seo title",),
    "seo_description": ("seo description",),
    "google_category": ("google shopping / google product category",),
    "condition": ("google shopping / condition",),
}
_KEYS = {name: key for key, names in NAMES.items() for name in names}
REQUIRED = {"handle": "Handle (or: URL handle)", "title": "Title", "price": "Variant Price (or: Price)"}
#: The name of the metafield stands in the merchant's language; only the code is fixed.
_METAFIELD = re.compile(r"\s*(.*?)\s*\(product\.metafields\.([^.()\s]+)\.([^()\s]+)\)\s*", re.IGNORECASE)


class Metafield(msgspec.Struct, frozen=True):
    code: str
    name: str
    index: int


class Header(msgspec.Struct, frozen=True):
    names: list[str]
    """As they stand in the file, for messages."""
    index: dict[str, int]
    metafields: tuple[Metafield, ...]

    def name(self, key: str) -> str:
        return self.names[self.index[key]] if key in self.index else NAMES[key][-1].capitalize()


def key_of(name: str) -> str | None:
    return _KEYS.get(" ".join(name.replace("\ufeff", "").casefold().split()))


def is_known(name: str) -> bool:
    return key_of(name) is not None


def read_header(file: str, line: int, cells: list[str]) -> Header:
    """Raises Unusable for a header that names a column twice or lacks one that is needed."""
    names = [" ".join(cell.replace("\ufeff", "").split()) for cell in cells]
    index: dict[str, int] = {}
    metafields: dict[str, Metafield] = {}
    for position, name in enumerate(names):
        if key := key_of(name):
            if key in index:
                raise Unusable(f"{file}:{line}: {name}: the column is there twice (see {names[index[key]]})")
            index[key] = position
        elif found := _METAFIELD.fullmatch(name):
            code = f"{found[2]}.{found[3]}"
            if code in metafields:
                raise Unusable(f"{file}:{line}: {name}: the column is there twice")
            if len(code) > 100 or len(found[1]) > 255:
                raise Unusable(f"{file}:{line}: {name[:60]}: a metafield's code has up to 100 characters, its name 255")
            metafields[code] = Metafield(code, found[1] or found[3], position)
    if missing := [label for key, label in REQUIRED.items() if key not in index]:
        raise Unusable(f"{file}:{line}: no column {', '.join(missing)}: is this a Shopify product export?")
    return Header(names, index, tuple(metafields.values()))
