"""The structs that public pages are made of: frozen, shaped for one page, free of rows and addresses."""

from __future__ import annotations

from datetime import datetime

import msgspec

from hypermart.money import Money


class PictureView(msgspec.Struct, frozen=True):
    """A picture as a page shows it; `widths` are the WebP renditions that exist (maybe none yet)."""

    key: str
    alt: str
    width: int
    height: int
    widths: tuple[int, ...] = ()


class CategoryRow(msgspec.Struct, frozen=True):
    """A node of the department tree with its children."""

    id: int
    slug: str
    title: str
    children: tuple[CategoryRow, ...] = ()


class LinkRow(msgspec.Struct, frozen=True):
    slug: str
    title: str


class Frame(msgspec.Struct, frozen=True):
    """What every page shows around its content: departments above, pages of words below."""

    departments: tuple[CategoryRow, ...] = ()
    collections: tuple[LinkRow, ...] = ()
    content: tuple[LinkRow, ...] = ()


class PriceView(msgspec.Struct, frozen=True):
    """`now` is what is charged, tax included; `was` only if it is higher; `is_from`: some variant costs more."""

    now: Money
    was: Money | None = None
    is_from: bool = False


class CardRow(msgspec.Struct, frozen=True):
    """One product in a list."""

    id: int
    slug: str
    title: str
    byline: str
    price: PriceView
    is_in_stock: bool
    variant_count: int
    picture: PictureView | None


class FacetValueRow(msgspec.Struct, frozen=True):
    slug: str
    label: str
    count: int
    """Products if this value were (also) chosen."""
    is_chosen: bool


class FacetView(msgspec.Struct, frozen=True):
    code: str
    name: str
    values: tuple[FacetValueRow, ...]


class ChipView(msgspec.Struct, frozen=True):
    """One applied filter; removing it means leaving `value` out of the key `code`."""

    code: str
    value: str
    label: str


class Filters(msgspec.Struct, frozen=True):
    """What a list URL asks for, cleaned by rules.read_filters(). Amounts are in minor units."""

    chosen: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(facet code, value slugs), both sorted."""
    price_min: int | None = None
    price_max: int | None = None
    only_in_stock: bool = False
    sort: str = "featured"
    page: int = 1
    query: str = ""
    """Search words; empty on category and collection pages."""
    unread: tuple[str, ...] = ()
    """Amounts that are none."""


class ListView(msgspec.Struct, frozen=True):
    """The results region: the same for category, collection and search."""

    filters: Filters
    cards: tuple[CardRow, ...]
    total: int
    last_page: int
    facets: tuple[FacetView, ...]
    chips: tuple[ChipView, ...]
    sorts: tuple[tuple[str, str], ...]
    """(key, label); the first is the default."""
    in_stock_count: int
    price_low: Money | None
    """Lowest and highest price among the results without a price filter."""
    price_high: Money | None
    unknown: tuple[str, ...] = ()
    """Filter values that were asked for and no longer exist."""

    @property
    def first_shown(self) -> int:
        return (self.filters.page - 1) * PAGE_SIZE + 1 if self.cards else 0

    @property
    def last_shown(self) -> int:
        return self.first_shown + len(self.cards) - 1 if self.cards else 0


PAGE_SIZE = 24


class HomePage(msgspec.Struct, frozen=True):
    frame: Frame
    departments: tuple[DepartmentCard, ...]
    rails: tuple[RailView, ...]
    hero: CardRow | None
    """A wide picture that stands in no rail."""
    fresh_until: datetime | None


class DepartmentCard(msgspec.Struct, frozen=True):
    """A root category with a picture of one of its products."""

    category: CategoryRow
    count: int
    picture: PictureView | None


class RailView(msgspec.Struct, frozen=True):
    """A collection as a short row on the home page."""

    slug: str
    title: str
    intro: str
    cards: tuple[CardRow, ...]


class CategoryPage(msgspec.Struct, frozen=True):
    frame: Frame
    id: int
    slug: str
    title: str
    intro: str
    seo_title: str
    seo_description: str
    crumbs: tuple[LinkRow, ...]
    """From the root to the parent."""
    children: tuple[CategoryRow, ...]
    results: ListView
    fresh_until: datetime | None


class CollectionPage(msgspec.Struct, frozen=True):
    frame: Frame
    id: int
    slug: str
    title: str
    intro: str
    seo_title: str
    seo_description: str
    results: ListView
    fresh_until: datetime | None


class SearchPage(msgspec.Struct, frozen=True):
    frame: Frame
    query: str
    results: ListView
    suggestion: str = ""
    """Other spelling that does find something; shown when `query` finds nothing."""
    categories: tuple[LinkRow, ...] = ()
    """Categories whose title matches."""
    fresh_until: datetime | None = None


class OptionValueRow(msgspec.Struct, frozen=True):
    """One value of an option, seen from the chosen variant: the SKU it leads to and whether that can be bought."""

    label: str
    sku: str
    is_chosen: bool
    is_available: bool


class OptionView(msgspec.Struct, frozen=True):
    name: str
    position: int
    values: tuple[OptionValueRow, ...]


class VariantRow(msgspec.Struct, frozen=True):
    id: int
    sku: str
    barcode: str
    options: tuple[str, ...]
    price: PriceView
    available: int
    """Pieces in stock; 0 with `may_oversell` means made to order."""
    may_oversell: bool
    weight_g: int
    picture: int | None
    """Index in ProductPage.pictures."""

    @property
    def is_available(self) -> bool:
        return self.may_oversell or self.available > 0

    @property
    def title(self) -> str:
        return ", ".join(self.options)


class FactRow(msgspec.Struct, frozen=True):
    name: str
    value: str
    is_url: bool = False


class ProductPage(msgspec.Struct, frozen=True):
    frame: Frame
    id: int
    slug: str
    title: str
    brand: str
    kind: str
    byline: str
    description: str
    """Sanitised HTML."""
    seo_title: str
    seo_description: str
    condition: str
    category_id: int | None
    crumbs: tuple[LinkRow, ...]
    """From the root to the product's own category."""
    pictures: tuple[PictureView, ...]
    options: tuple[OptionView, ...]
    variants: tuple[VariantRow, ...]
    chosen: VariantRow
    facts: tuple[FactRow, ...]
    related: tuple[CardRow, ...]
    updated_at: datetime
    fresh_until: datetime | None
    notice: str = ""
    """Said above the options: why another variant than the wanted one is shown."""

    @property
    def picture(self) -> PictureView | None:
        """Of the chosen variant, else the first."""
        if self.chosen.picture is not None:
            return self.pictures[self.chosen.picture]
        return self.pictures[0] if self.pictures else None

    @property
    def is_available(self) -> bool:
        return any(variant.is_available for variant in self.variants)


class ContentView(msgspec.Struct, frozen=True):
    frame: Frame
    slug: str
    title: str
    description: str
    body: str
    """Sanitised HTML."""
    updated_at: datetime
