"""Imports a Shopify product file: read and judged once, then written in one transaction, or not at all."""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy import func, select

from hypermart.db.bulk import chunks
from hypermart.db.session import Database, WriteSession
from hypermart.domain.browse.actions import republish
from hypermart.domain.catalog.models import Attribute, Category, Collection, Product
from hypermart.domain.catalog.rules import century, slugify
from hypermart.domain.imports.attributes import Types
from hypermart.domain.imports.drafts import ProductDraft
from hypermart.domain.imports.mapping import Mapping
from hypermart.domain.imports.pictures import Pictures, open_source
from hypermart.domain.imports.sheet import Sheet, Terms
from hypermart.domain.imports.structure import categories_by_kind, write_attributes, write_structure
from hypermart.domain.imports.summary import Summary
from hypermart.domain.imports.write import (
    CHUNK,
    Ledger,
    Places,
    count_products,
    find_work,
    write_products,
)
from hypermart.domain.imports.write_variants import write_pictures, write_stock, write_variants
from hypermart.ports import Blobs, Progress


class Order(msgspec.Struct, frozen=True):
    """What to import."""

    file: Path
    currency: str
    pictures: Path | None = None
    mapping: Mapping | None = None
    is_dry: bool = False


class _Undone(Exception):
    """Takes back a transaction that must not be kept."""

    def __init__(self, summary: Summary) -> None:
        super().__init__()
        self.summary = summary


async def import_shopify(db: Database, blobs: Blobs, order: Order, progress: Progress = lambda *_: None) -> Summary:
    """The shop holds the products of the file, or, if one row is refused, exactly what it held before.

    Raises Unusable if nothing can be read; refused rows are in the summary.
    """
    terms, notes, is_clean = await _read(db, order, progress)
    if is_clean and not order.is_dry:
        await _keep_pictures(blobs, terms.pictures, progress)

    async def write(session: WriteSession) -> Summary:
        sheet = Sheet(order.file, terms)
        places, summary = Places({}, {}, {}, frozenset(), 0), Summary(is_dry=order.is_dry)
        ledger = Ledger(places, summary, sheet.problems, db.clock.now(), sheet.column)
        await _write(session, sheet, ledger, order, progress)
        summary.refused, summary.problems = sheet.problems.count, sorted(sheet.problems.first)
        summary.notes = notes + summary.notes
        if sheet.problems.count or order.is_dry:
            raise _Undone(summary)
        return summary

    try:
        return await db.retried(write)
    except _Undone as undone:
        return undone.summary


async def _read(db: Database, order: Order, progress: Progress) -> tuple[Terms, list[str], bool]:
    """The first reading: types of metafields, pictures, and whether a row is bad. Holds nothing but names."""
    async with db.read() as session:
        rows = (await session.execute(select(Attribute.code, Attribute.type))).all()
    pictures = Pictures(open_source(order.pictures)) if order.pictures else None
    terms = Terms(order.currency, Types(dict(rows)), pictures, order.mapping)
    sheet = Sheet(order.file, terms)
    for _ in sheet.products():
        progress("checking", sheet.share_read)
    notes = []
    if sheet.dropped_compare_at:
        notes.append(f"{sheet.dropped_compare_at} compare-at prices left out: not higher than the price")
    if sheet.named_pictures and pictures is None:
        notes.append(f"{sheet.named_pictures} pictures left alone: give --pictures FOLDER or ZIP to import them")
    return terms, notes, not sheet.problems.count


async def _keep_pictures(blobs: Blobs, pictures: Pictures | None, progress: Progress) -> None:
    """Before the transaction: blobs are named by their content, so an import that fails leaves nothing that shows."""
    kept = pictures.kept() if pictures else {}
    for number, (key, (src, found)) in enumerate(kept.items(), start=1):
        if pictures and not await blobs.renew(key, found.content_type):
            await blobs.put(key, pictures.read(src), found.content_type)
        progress("pictures", number / len(kept))


async def _write(db: WriteSession, sheet: Sheet, ledger: Ledger, order: Order, progress: Progress) -> None:
    is_restructured = order.mapping is not None and await write_structure(db, order.mapping, ledger.at)
    ledger.places.position = await db.scalar(select(func.max(Product.position))) or 0
    touched: list[int] = []
    is_first = True
    for drafts in chunks(sheet.products(), CHUNK):
        if is_first:  # the header has been read by now
            is_restructured |= await _find_places(db, sheet, ledger, order)
            is_first = False
        if order.mapping is None:
            kinds = {slugify(draft.kind): draft.kind for draft in drafts if draft.kind}
            ledger.places.categories |= await categories_by_kind(db, kinds, ledger.at)
        work = await find_work(db, drafts, ledger)
        _note_unread_centuries(drafts, ledger, order.mapping)
        if not ledger.problems.count:  # else it will all be taken back: go on only to find every problem
            count_products(work, ledger.summary.products)
            await write_products(db, work, ledger)
            pictures = await write_pictures(db, work, ledger)
            await write_variants(db, work, pictures, ledger)
            await write_stock(db, work, ledger)
            touched += [each.id for each in work if each.is_changed]
        progress("writing", sheet.share_read * 0.7)
    if ledger.problems.count:
        return
    ids = list(await db.scalars(select(Product.id))) if is_restructured else touched
    for done, piece in enumerate(chunks(ids), start=1):
        await republish(db, piece)
        progress("writing", 0.7 + 0.3 * min(1.0, done * len(piece) / len(ids)))


async def _find_places(db: WriteSession, sheet: Sheet, ledger: Ledger, order: Order) -> bool:
    """Fills ledger.places; True if the byline changed."""
    byline = order.mapping.byline if order.mapping and order.mapping.byline else None
    types = sheet.terms.types.known()
    attributes, is_moved = await write_attributes(db, sheet.header.metafields, types, byline)
    codes = {field.code for field in sheet.header.metafields}
    places = ledger.places
    places.attributes = {code: id_ for code, id_ in attributes.items() if code in codes}
    rows = await db.execute(select(Collection.slug, Collection.id))
    places.collections = dict(rows.all())
    own = {entry.address for entry in order.mapping.collections} if order.mapping else set()
    places.managed = frozenset(id_ for slug, id_ in places.collections.items() if slug in own)
    places.categories = dict((await db.execute(select(Category.slug, Category.id))).all())
    return is_moved


def _note_unread_centuries(drafts: list[ProductDraft], ledger: Ledger, mapping: Mapping | None) -> None:
    sources = [facet.source.partition(":") for facet in mapping.facets] if mapping else []
    codes = {code for kind, _, code in sources if kind == "century"}
    for draft in drafts:
        for code, value in draft.attributes:
            if code in codes and century(value) is None:
                ledger.summary.notes.append(f'{draft.slug}: no century can be read from {code} "{value[:60]}"')
