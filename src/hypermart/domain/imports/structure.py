"""Brings categories, collections, facets and attributes of a catalogue file into the shop. Products are in write.py."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from hypermart.db.session import WriteSession
from hypermart.domain.catalog.models import Attribute, Category, Collection, Facet
from hypermart.domain.imports.columns import Metafield
from hypermart.domain.imports.mapping import CategoryEntry, CollectionEntry, Mapping

SAID = ("title", "intro", "seo_title", "seo_description")


async def write_structure(db: WriteSession, mapping: Mapping, at: datetime) -> bool:
    """Categories, collections and facets are as the mapping says; others stay. True if anything changed."""
    categories = {row.slug: row for row in await db.scalars(select(Category))}
    changed = await _write_tree(db, mapping.categories, None, categories, at)
    collections = {row.slug: row for row in await db.scalars(select(Collection))}
    for position, entry in enumerate(mapping.collections, start=1):
        row = collections.get(entry.address) or Collection(slug=entry.address, title=entry.title)
        changed |= _say(db, row, entry, {"position": position}, at)
    facets = {row.code: row for row in await db.scalars(select(Facet))}
    for position, facet in enumerate(mapping.facets, start=1):
        row_ = facets.get(facet.code) or Facet(code=facet.code)
        changed |= _set(db, row_, {"name": facet.name, "source": facet.source, "position": position})
    await db.flush()
    return changed


async def _write_tree(
    db: WriteSession, entries: Iterable[CategoryEntry], parent: int | None, present: dict[str, Category], at: datetime
) -> bool:
    changed = False
    for position, entry in enumerate(entries, start=1):
        row = present.get(entry.address) or Category(slug=entry.address, title=entry.title)
        changed |= _say(db, row, entry, {"position": position, "parent_id": parent}, at)
        if row.id is None:
            await db.flush()  # children need its id
        changed |= await _write_tree(db, entry.children, row.id, present, at)
    return changed


def _say(
    db: WriteSession,
    row: Category | Collection,
    entry: CategoryEntry | CollectionEntry,
    more: dict[str, Any],
    at: datetime,
) -> bool:
    changed = _set(db, row, {key: getattr(entry, key) for key in SAID} | more)
    if changed:
        row.updated_at = at
    return changed


def _set(db: WriteSession, row: Category | Collection | Facet | Attribute, values: dict[str, Any]) -> bool:
    changed = {key: value for key, value in values.items() if getattr(row, key) != value}
    for key, value in changed.items():
        setattr(row, key, value)
    if row.id is None:
        db.add(row)
    return bool(changed)


async def write_attributes(
    db: WriteSession, fields: Iterable[Metafield], types: dict[str, str], byline: str | None
) -> tuple[dict[str, int], bool]:
    """(code -> id of each metafield that has a value, whether the byline is another one now)."""
    present = {row.code: row for row in await db.scalars(select(Attribute))}
    last = await db.scalar(select(func.max(Attribute.position))) or 0
    for field in fields:
        if field.code in types and field.code not in present:
            last += 1
            row = Attribute(code=field.code, name=field.name, type=types[field.code], position=last)
            present[field.code] = row
            db.add(row)
    moved = False
    if byline is not None:
        for code, row in present.items():
            if bool(row.is_byline) != (code == byline):
                row.is_byline = code == byline
                moved = True
    await db.flush()
    return {code: row.id for code, row in present.items()}, moved


async def categories_by_kind(db: WriteSession, kinds: dict[str, str], at: datetime) -> dict[str, int]:
    """slug -> id of every category; product types (`kinds`: slug -> title) that have none yet become roots."""
    present = dict((await db.execute(select(Category.slug, Category.id))).all())
    new = [Category(slug=slug, title=title, updated_at=at) for slug, title in kinds.items() if slug not in present]
    for position, row in enumerate(new, start=len(present) + 1):
        row.position = position
    db.add_all(new)
    await db.flush()
    return present | {row.slug: row.id for row in new}
