"""The catalogue file (TOML): which tags make categories, collections and facets. Its words are shown to shoppers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hypermart.domain.catalog.rules import slugify
from hypermart.domain.imports.problems import Unusable

_SOURCE = re.compile(r"(attribute|century):[^.\s]+\.\S+|option:.+")


class CategoryEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    slug: str = ""
    tag: str = ""
    """The product tag that puts a product here; the title, if none is given."""
    intro: str = ""
    seo_title: str = ""
    seo_description: str = ""
    children: tuple[CategoryEntry, ...] = ()

    @property
    def address(self) -> str:
        return self.slug or slugify(self.title)


class CollectionEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    slug: str = ""
    tag: str = ""
    intro: str = ""
    seo_title: str = ""
    seo_description: str = ""

    @property
    def address(self) -> str:
        return self.slug or slugify(self.title)


class FacetEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    name: str
    source: str


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    byline: str = ""
    """The code of the metafield shown under titles."""
    categories: tuple[CategoryEntry, ...] = ()
    collections: tuple[CollectionEntry, ...] = ()
    facets: tuple[FacetEntry, ...] = ()

    def placed(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        """Slugs of the categories that `tags` name, the deepest of each branch, in the order of the tree."""
        return tuple(_deepest(self.categories, set(tags)))

    def collected(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(entry.address for entry in self.collections if (entry.tag or entry.title) in tags)


def _deepest(entries: tuple[CategoryEntry, ...], tags: set[str]) -> Iterator[str]:
    for entry in entries:
        below = list(_deepest(entry.children, tags))
        if below:
            yield from below
        elif (entry.tag or entry.title) in tags:
            yield entry.address


def load(path: Path) -> Mapping:
    """Raises Unusable with the place and the fix."""
    try:
        mapping = msgspec.toml.decode(path.read_bytes(), type=Mapping)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unusable(f"{path}: {error}") from None
    for facet in mapping.facets:
        if not _SOURCE.fullmatch(facet.source):
            raise Unusable(f"{path}: facet {facet.code}: source is attribute:NS.KEY, century:NS.KEY or option:NAME")
        if facet.code != slugify(facet.code):
            raise Unusable(f"{path}: facet {facet.code}: a code has small letters, digits and dashes")
    addresses = [*_addresses(mapping.categories)]
    for address in addresses:
        if addresses.count(address) > 1:
            raise Unusable(f"{path}: two categories have the address {address}: give one of them a slug")
    return mapping


def _addresses(entries: tuple[CategoryEntry, ...]) -> Iterator[str]:
    for entry in entries:
        yield entry.address
        yield from _addresses(entry.children)
