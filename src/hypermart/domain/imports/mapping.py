"""The catalogue file (TOML): which tags make categories, collections and facets. Its words are shown to shoppers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from hypermart.domain.catalog.rules import slugify
from hypermart.domain.imports.problems import Unusable

_SOURCE = re.compile(r"(attribute|century):[^.\s]+\.\S+|option:.+")
#: Keys that addresses of lists and products use themselves; a facet of that code could not be chosen.
RESERVED = {"q", "min", "max", "available", "sort", "page", "v", "option1", "option2", "option3"}
#: Keys that others add to addresses to count visitors. CDNs drop them (deploy/varnish/default.vcl).
TRACKERS = set("dclid fbclid gbraid gclid gclsrc igshid msclkid srsltid ttclid twclid wbraid yclid".split())
#: Sizes of the columns.
MAX_LABEL, MAX_CODE, MAX_SOURCE = 255, 60, 190


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
    if problem := next(_problems(mapping), None):
        raise Unusable(f"{path}: {' '.join(problem.split())}")
    return mapping


def _problems(mapping: Mapping) -> Iterator[str]:
    categories = [*_flat(mapping.categories)]
    for kind, entries in (("categories", categories), ("collections", mapping.collections)):
        yield from (problem for entry in entries for problem in _entry_problems(entry))
        for address in _repeated(entry.address for entry in entries):
            yield f"two {kind} have the address {address}: give one of them a slug"
    yield from (problem for facet in mapping.facets for problem in _facet_problems(facet))
    for code in _repeated(facet.code for facet in mapping.facets):
        yield f"two facets have the code {code}: give one of them another"


def _entry_problems(entry: CategoryEntry | CollectionEntry) -> Iterator[str]:
    for key in ("title", "seo_title"):
        if len(getattr(entry, key)) > MAX_LABEL:
            yield f"{entry.title[:40]}: {key} is over the limit of {MAX_LABEL} characters"
    if entry.slug and entry.slug != slugify(entry.slug):
        yield f"{entry.title[:40]}: {entry.slug[:40]} is no slug: {slugify(entry.slug)[:40]} is one"


def _facet_problems(facet: FacetEntry) -> Iterator[str]:
    name = f"facet {facet.code[:40]}"
    if not _SOURCE.fullmatch(facet.source):
        yield f"{name}: source is attribute:NS.KEY, century:NS.KEY or option:NAME"
    if facet.code != slugify(facet.code):
        yield f"{name}: a code has small letters, digits and dashes"
    if facet.code in RESERVED | TRACKERS:
        yield f"{name}: the code means something else in addresses: take another"
    for key, limit in (("code", MAX_CODE), ("name", MAX_LABEL), ("source", MAX_SOURCE)):
        if len(getattr(facet, key)) > limit:
            yield f"{name}: {key} is over the limit of {limit} characters"


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _flat(entries: tuple[CategoryEntry, ...]) -> Iterator[CategoryEntry]:
    for entry in entries:
        yield entry
        yield from _flat(entry.children)
