"""One reading of a Shopify product file: rows that belong together become one ProductDraft, or a list of problems."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from hypermart.domain.catalog.models import ACTIVE, ARCHIVED, DRAFT
from hypermart.domain.catalog.rules import slugify
from hypermart.domain.content.actions import sanitised
from hypermart.domain.imports import attributes, cells
from hypermart.domain.imports.columns import Header, is_known, read_header
from hypermart.domain.imports.drafts import PictureDraft, ProductDraft, VariantDraft
from hypermart.domain.imports.mapping import Mapping
from hypermart.domain.imports.pictures import Found, Pictures
from hypermart.domain.imports.problems import BadCell, Problems, Unusable
from hypermart.domain.imports.table import Row, rows

T = TypeVar("T")
MOST_ROWS = 2_500
"""Rows of one product; Shopify allows 2,048 variants and 250 pictures."""
#: Cells that speak about the product: only its first row needs them, and no later row may contradict it.
SHARED = (
    *("title", "body", "brand", "kind", "tags", "published", "status", "gift_card", "seo_title", "seo_description"),
    *("google_category", "condition", "option1_name", "option2_name", "option3_name"),
)
#: A row with a word in one of these is a variant; another one with a picture is only a picture.
OF_VARIANT = ("price", "sku", "barcode", "option1", "option2", "option3", "quantity", "compare_at", "cost")
SINGLE = ("title", "default title")


class Terms(msgspec.Struct, frozen=True):
    """What a reading needs to know besides the file."""

    currency: str
    types: attributes.Types
    pictures: Pictures | None = None
    mapping: Mapping | None = None


class Sheet:
    def __init__(self, path: Path, terms: Terms) -> None:
        self.path, self.terms, self.problems = path, terms, Problems()
        self.share_read = 0.0
        self.dropped_compare_at = 0
        self.named_pictures = 0
        self._slugs: dict[str, int] = {}
        self._skus: dict[str, int] = {}
        self.header = Header([], {}, ())

    def products(self) -> Iterator[ProductDraft]:
        """Products in the order of the file. One with problems comes too, as far as it could be read, to be checked."""
        for group in self._groups():
            yield _Product(self, group).draft()

    def _groups(self) -> Iterator[list[Row]]:
        found = rows(self.path, is_known)
        first = next(found, None)
        if first is None:
            raise Unusable(f"{self.path} has no header: export the products again")
        self.header = read_header(str(self.path), first.line, first.cells)
        handle, group = "", list[Row]()
        for row in found:
            self.share_read = row.read
            if len(row.cells) != len(self.header.names):
                self.problems.add(
                    row.line, "row", f"{len(row.cells)} cells, but the header names {len(self.header.names)}"
                )
                continue
            own = row.cells[self.header.index["handle"]].strip()
            if not own:
                self.problems.add(row.line, self.header.name("handle"), "is missing")
            elif own == handle and len(group) == MOST_ROWS:
                self.problems.add(row.line, "row", f"a product has up to {MOST_ROWS:,} rows")
            elif own == handle:
                group.append(row)
            else:
                if group:
                    yield group
                handle, group = own, [row]
        if group:
            yield group

    def column(self, key: str) -> str:
        return self.header.name(key)

    def claim_slug(self, slug: str, line: int) -> None:
        if (first := self._slugs.setdefault(slug, line)) != line:
            raise BadCell(f"{slug} began in line {first}: the rows of one product stand together, under one handle")

    def claim_sku(self, sku: str, line: int) -> None:
        if (first := self._skus.setdefault(sku, line)) != line:
            raise BadCell(f'"{sku}" is also in line {first}')


class _Product:
    """The rows of one product."""

    def __init__(self, sheet: Sheet, group: list[Row]) -> None:
        self.sheet, self.group, self.first = sheet, group, group[0]

    def raw(self, row: Row, key: str) -> str:
        index = self.sheet.header.index.get(key)
        return "" if index is None else row.cells[index]

    def take(self, row: Row, key: str, read: Callable[[str], T], default: T) -> T:
        """What `read` makes of a cell; if it refuses, the problem is noted and `default` stands in."""
        try:
            return read(self.raw(row, key))
        except BadCell as refusal:
            self.refuse(row, key, str(refusal))
            return default

    def refuse(self, row: Row, key: str, reason: str) -> None:
        self.sheet.problems.add(row.line, self.sheet.header.name(key), reason)

    def words(self, key: str, limit: int) -> str:
        return self.take(self.first, key, lambda text: cells.words(text, limit), "")

    def draft(self) -> ProductDraft:
        self._check_shared()
        terms, first = self.sheet.terms, self.first
        names = (self.words("option1_name", 255), self.words("option2_name", 255), self.words("option3_name", 255))
        pictures = self._pictures()
        variants = tuple(self._variants(names, pictures))
        if len(variants) == 1 and self._is_single(names, variants[0]):
            names, variants = ("", "", ""), (msgspec.structs.replace(variants[0], options=("", "", "")),)
        none: tuple[str, ...] = ()
        tags = self.take(first, "tags", _tags, none)
        kind = self.words("kind", 255)
        status = self.take(first, "status", lambda text: cells.one_of(text, (ACTIVE, DRAFT, ARCHIVED), ACTIVE), ACTIVE)
        if self.take(first, "gift_card", lambda text: cells.yes(text, default=False), default=False):
            self.refuse(first, "gift_card", "gift cards cannot be sold: leave this product out")
        mapping = terms.mapping
        return ProductDraft(
            line=first.line,
            slug=self.take(first, "handle", self._slug, ""),
            title=self.take(first, "title", _title, ""),
            brand=self.words("brand", 255),
            kind=kind,
            description=self.take(first, "body", lambda text: sanitised(cells.lines(text, 100_000)), ""),
            seo_title=self.words("seo_title", 255),
            seo_description=self.words("seo_description", 5_000),
            google_category=self.words("google_category", 255),
            condition=self.take(first, "condition", _condition, "new"),
            option_names=names,
            status=status,
            is_published=self.take(first, "published", lambda text: cells.yes(text, default=True), default=True),
            tags=tags,
            attributes=tuple(self._attributes()),
            categories=mapping.placed(tags) if mapping else ((slugify(kind),) if kind else ()),
            collections=mapping.collected(tags) if mapping else (),
            variants=variants,
            pictures=None if terms.pictures is None else tuple(pictures.values()),
        )

    def _check_shared(self) -> None:
        index = self.sheet.header.index
        columns = [index[key] for key in SHARED if key in index]
        columns += [metafield.index for metafield in self.sheet.header.metafields]
        for row in self.group[1:]:
            for column in columns:
                if (text := row.cells[column].strip()) and text != self.first.cells[column].strip():
                    reason = f"differs from line {self.first.line}, where the product begins"
                    self.sheet.problems.add(row.line, self.sheet.header.names[column], reason)

    def _slug(self, text: str) -> str:
        slug = slugify(cells.words(text, 190))
        self.sheet.claim_slug(slug, self.first.line)
        return slug

    def _attributes(self) -> Iterator[tuple[str, str]]:
        types = self.sheet.terms.types
        for field in self.sheet.header.metafields:
            try:
                value = cells.lines(self.first.cells[field.index], 10_000)
                if value:
                    types.see(field.code, value)
                    yield field.code, attributes.canonical(types.known()[field.code], value)
            except BadCell as refusal:
                name = self.sheet.header.names[field.index]
                self.sheet.problems.add(self.first.line, name, str(refusal))

    def _pictures(self) -> dict[str, PictureDraft]:
        """blob key -> picture, in the order of their positions."""
        found: list[tuple[int, PictureDraft]] = []
        for number, row in enumerate(self.group, start=1):
            picture = self._picture(row, "image")
            if picture:
                place = self.take(row, "image_position", cells.whole, 0) or number + 1_000_000
                alt = self.take(row, "image_alt", lambda text: cells.words(text, 1_000), "")
                found.append((place, PictureDraft(picture.key, picture.name, alt, picture.width, picture.height)))
        pictures: dict[str, PictureDraft] = {}
        for _, each in sorted(found, key=lambda item: item[0]):
            pictures.setdefault(each.key, each)
        return pictures

    def _picture(self, row: Row, key: str) -> Found | None:
        src = self.raw(row, key).strip()
        self.sheet.named_pictures += bool(src) and key == "image"
        pictures = self.sheet.terms.pictures
        if not src or pictures is None:
            return None
        return self.take(row, key, lambda text: pictures.find(text.strip()), None)

    def _variants(self, names: tuple[str, ...], pictures: dict[str, PictureDraft]) -> Iterator[VariantDraft]:
        seen: dict[tuple[str, ...], int] = {}
        number = 0
        for row in self.group:
            if row is self.first or any(self.raw(row, key).strip() for key in OF_VARIANT):
                number += 1
                variant = self._variant(row, number, names, pictures)
                if (before := seen.setdefault(variant.options, row.line)) != row.line:
                    self.refuse(row, "option1", f"the same options as line {before}")
                yield variant
            elif not self.raw(row, "image").strip():
                self.sheet.problems.add(row.line, "row", "neither a variant nor a picture")

    def _variant(
        self, row: Row, number: int, names: tuple[str, ...], pictures: dict[str, PictureDraft]
    ) -> VariantDraft:
        sheet = self.sheet
        picture = self._picture(row, "variant_image")
        if picture and picture.key not in pictures:
            pictures[picture.key] = PictureDraft(picture.key, picture.name, "", picture.width, picture.height)
        price = self.take(row, "price", lambda text: _price(text, sheet.terms.currency), None)
        compare_at = self._amount(row, "compare_at")
        if compare_at is not None and price is not None and compare_at <= price:
            sheet.dropped_compare_at += 1  # Shopify shows it only if it is higher
            compare_at = None
        may_oversell, on_hand = self._stock(row)
        return VariantDraft(
            line=row.line,
            sku=self.take(row, "sku", lambda text: self._sku(row, text, number), ""),
            barcode=self.take(row, "barcode", lambda text: cells.code(text, 32), ""),
            options=self._options(row, names),
            price=price or 0,
            compare_at=compare_at,
            cost=self._amount(row, "cost"),
            weight_g=self._weight(row),
            needs_delivery=self.take(row, "needs_delivery", lambda text: cells.yes(text, default=True), default=True),
            is_taxable=self.take(row, "is_taxable", lambda text: cells.yes(text, default=True), default=True),
            tax_code=self.take(row, "tax_code", lambda text: cells.words(text, 255), ""),
            picture=picture.key if picture else "",
            on_hand=on_hand,
            may_oversell=may_oversell,
        )

    def _amount(self, row: Row, key: str) -> int | None:
        return self.take(row, key, lambda text: cells.amount(text, self.sheet.terms.currency), None)

    def _weight(self, row: Row) -> int:
        unit = self.raw(row, "weight_unit").strip()
        self.take(row, "weight_unit", lambda text: cells.grams("", text), 0)
        if "grams" in self.sheet.header.index or unit.casefold() not in cells.GRAMS:
            return self.take(row, "grams", cells.grams, 0)  # always grams, whatever unit is displayed
        return self.take(row, "weight", lambda text: cells.grams(text, unit), 0)

    def _stock(self, row: Row) -> tuple[bool, int]:
        """A variant that Shopify does not track is always to be had."""
        policy = self.take(row, "policy", lambda text: cells.one_of(text, ("deny", "continue"), "deny"), "deny")
        is_untracked = "tracker" in self.sheet.header.index and not self.raw(row, "tracker").strip()
        may_oversell = policy == "continue" or is_untracked
        on_hand = self.take(row, "quantity", cells.whole, 0)
        if on_hand < 0 and not may_oversell:
            self.refuse(row, "quantity", f"{on_hand} in stock is only possible with the inventory policy 'continue'")
        return may_oversell, on_hand

    def _sku(self, row: Row, text: str, number: int) -> str:
        sku = cells.code(text, 100) or f"{slugify(self.raw(self.first, 'handle'))[:90]}-{number}"
        self.sheet.claim_sku(sku, row.line)
        return sku

    def _options(self, row: Row, names: tuple[str, ...]) -> tuple[str, str, str]:
        values = []
        for number, name in enumerate(names, start=1):
            key = f"option{number}"
            value = self.take(row, key, lambda text: cells.words(text, 190), "")
            if value and not name:
                self.refuse(
                    row, key, f"has no name: fill {self.sheet.header.name(key + '_name')} in line {self.first.line}"
                )
            if name and not value and not (name.casefold() == SINGLE[0] and len(self.group) == 1):
                self.refuse(row, key, f"{name} is missing")
            values.append(value)
        return values[0], values[1], values[2]

    @staticmethod
    def _is_single(names: tuple[str, ...], variant: VariantDraft) -> bool:
        """Shopify's way to say that a product has no options."""
        return names[0].casefold() == SINGLE[0] and variant.options[0].casefold() in (SINGLE[1], "")


def _title(text: str) -> str:
    if title := cells.words(text, 255):
        return title
    raise BadCell("is missing")


def _price(text: str, currency: str) -> int:
    price = cells.amount(text, currency)
    if price is None:
        raise BadCell("is missing")
    return price


def _condition(text: str) -> str:
    return cells.one_of(text, ("new", "used", "refurbished"), "new")


def _tags(text: str) -> tuple[str, ...]:
    tags = (cells.words(tag, 190) for tag in unicodedata.normalize("NFC", text).split(","))
    return tuple(dict.fromkeys(tag for tag in tags if tag))
