"""Writes the variants, pictures and stock of products that write.py has written. Rows are matched, so ids stay."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import delete, select

from hypermart.db.bulk import chunks, insert_many, update_many
from hypermart.db.outbox import later
from hypermart.db.session import WriteSession
from hypermart.domain.catalog.models import Picture, PriceChange, SalePrice, Variant
from hypermart.domain.imports.drafts import VariantDraft
from hypermart.domain.imports.summary import Counts
from hypermart.domain.imports.write import Ledger, Work
from hypermart.domain.stock.actions import Level, NoSuchStock, set_on_hand
from hypermart.domain.stock.levels import lock_levels

REASON = "import"
Stored: TypeAlias = dict[str, Any]
"""A row of the shop."""
OPTIONS = ("option1", "option2", "option3")
PRICES = ("price", "compare_at")
COPIED = (*PRICES, "sku", "barcode", "cost", "weight_g", "needs_delivery", "is_taxable", "tax_code")


class Plan(msgspec.Struct):
    """What to do to one table."""

    new: list[dict[str, Any]] = []
    changed: list[tuple[Stored, dict[str, Any]]] = []
    gone: list[int] = []
    same: int = 0

    def settle(self, row: Stored | None, values: dict[str, Any], **identity: Any) -> None:
        if row is None:
            self.new.append({**identity, **values})
        elif any(row[key] != value for key, value in values.items()):
            self.changed.append((row, values))
        else:
            self.same += 1

    def count(self, counts: Counts) -> None:
        counts.created += len(self.new)
        counts.changed += len(self.changed)
        counts.unchanged += self.same
        counts.removed += len(self.gone)


async def write_pictures(db: WriteSession, work: list[Work], ledger: Ledger) -> dict[tuple[int, str], int]:
    """(product id, blob key) -> picture id. Renditions of new pictures are made by a job."""
    ids = [each.id for each in work]
    present = await _stored(db, Picture, ids)
    plan = Plan()
    for each in work:
        drafts = each.draft.pictures or ()
        if not each.pictures:
            plan.same += len(drafts)
            continue
        left = {row["blob_key"]: row for row in present[each.id]}
        for position, draft in enumerate(drafts, start=1):
            values = {"position": position, "alt": draft.alt, "source_name": draft.name}
            size = {"width": draft.width, "height": draft.height}
            plan.settle(left.pop(draft.key, None), values, product_id=each.id, blob_key=draft.key, **size)
        plan.gone += [row["id"] for row in left.values()]
    for piece in chunks(plan.gone):
        await db.execute(delete(Picture).where(Picture.id.in_(piece)))  # purged by republish
    await insert_many(db, Picture, plan.new)
    await update_many(db, Picture, [{"id": row["id"], **values} for row, values in plan.changed])
    plan.count(ledger.summary.pictures)
    found = {
        (id_, row["blob_key"]): row["id"] for id_, rows in (await _stored(db, Picture, ids)).items() for row in rows
    }
    for new in plan.new:
        later(db, "make_renditions", picture_id=found[new["product_id"], new["blob_key"]])
    return found


async def write_variants(
    db: WriteSession, work: list[Work], pictures: dict[tuple[int, str], int], ledger: Ledger
) -> None:
    """Variants are matched by SKU, else by options; those that the file no longer has are deleted."""
    touched = [each for each in work if each.facts or each.pictures]
    present = await _stored(db, Variant, [each.id for each in touched if not each.is_new])
    promised = await _promised(db, [row["id"] for rows in present.values() for row in rows])
    plan = Plan(same=sum(len(each.draft.variants) for each in work if each not in touched))
    lines: dict[str, int] = {}
    for each in touched:
        rows = present[each.id]
        matched = _match(each.draft.variants, rows)
        for position, (draft, row) in enumerate(zip(each.draft.variants, matched, strict=True), start=1):
            lines[draft.sku] = draft.line
            values = _values(draft, position)
            if each.draft.pictures is not None or row is None:
                values["picture_id"] = pictures.get((each.id, draft.picture))
            plan.settle(row, values, product_id=each.id)
        kept = {row["id"] for row in matched if row}
        gone = {row["id"]: row["sku"] for row in rows if row["id"] not in kept}
        for id_ in promised & gone.keys():
            reason = f"{gone[id_]} is missing here, but pieces are promised to shoppers: keep it until they are sent"
            ledger.problems.add(each.draft.variants[0].line, ledger.column("sku"), reason)
        plan.gone += gone
    for piece in chunks(plan.gone):
        await db.execute(delete(Variant).where(Variant.id.in_(piece)))  # purged by republish
    await _update(db, plan.changed)
    await _reprice(db, plan.changed, ledger, lines)
    await insert_many(db, Variant, plan.new)
    await _note_prices(db, [new["sku"] for new in plan.new], ledger)
    plan.count(ledger.summary.variants)


async def _promised(db: WriteSession, ids: list[int]) -> set[int]:
    """Which of these variants shoppers hold or have bought. Locks their levels, as a sale does before anything else."""
    promised: set[int] = set()
    for piece in chunks(sorted(ids)):
        levels = await lock_levels(db, piece)
        promised.update(id_ for id_, level in levels.items() if level.reserved + level.allocated > 0)
    return promised


async def _stored(db: WriteSession, model: type[Variant | Picture], ids: list[int]) -> dict[int, list[Stored]]:
    """product id -> its rows, in order."""
    table = model.__table__
    found: dict[int, list[Stored]] = defaultdict(list)
    ordered = select(table).order_by(table.c.product_id, table.c.position, table.c.id)
    for row in (await db.execute(ordered.where(table.c.product_id.in_(ids)))).mappings():
        found[row["product_id"]].append(dict(row))
    return found


def _match(drafts: tuple[VariantDraft, ...], rows: list[Stored]) -> list[Stored | None]:
    by_sku = {row["sku"]: row for row in rows}
    wanted = {draft.sku for draft in drafts}
    by_options = {tuple(row[key] for key in OPTIONS): row for row in rows if row["sku"] not in wanted}
    return [by_sku.get(draft.sku) or by_options.get(draft.options) for draft in drafts]


def _values(draft: VariantDraft, position: int) -> dict[str, Any]:
    options = dict(zip(OPTIONS, draft.options, strict=True))
    return {"position": position, **{key: getattr(draft, key) for key in COPIED}, **options}


async def _update(db: WriteSession, changed: list[tuple[Stored, dict[str, Any]]]) -> None:
    moved = [row["id"] for row, values in changed if any(row[key] != values[key] for key in ("sku", *OPTIONS))]
    # Two variants may swap SKUs or options; both unique keys must hold after each single row.
    await update_many(db, Variant, [{"id": id_, "sku": f"~{id_}", "option1": f"~{id_}"} for id_ in moved])
    for has_picture in (True, False):  # rows of one statement set the same columns
        rows = [{"id": row["id"], **values} for row, values in changed if ("picture_id" in values) is has_picture]
        await update_many(db, Variant, rows)


async def _reprice(
    db: WriteSession, changed: list[tuple[Stored, dict[str, Any]]], ledger: Ledger, lines: dict[str, int]
) -> None:
    """Notes new prices in the history; a sale must stay below the regular price."""
    priced = {row["id"]: values for row, values in changed if any(row[key] != values[key] for key in PRICES)}
    history = [_change(id_, each["sku"], each["price"], each["compare_at"], ledger) for id_, each in priced.items()]
    await insert_many(db, PriceChange, history)
    for ids in chunks(priced):
        sales = select(SalePrice.variant_id, SalePrice.price).where(
            SalePrice.variant_id.in_(ids), SalePrice.ends_at > ledger.at
        )
        for variant_id, price in await db.execute(sales):
            if price >= priced[variant_id]["price"]:
                reason = "a running or planned sale price is not lower: change the sale first"
                ledger.problems.add(lines[priced[variant_id]["sku"]], ledger.column("price"), reason)


def _change(variant_id: int, sku: str, price: int, compare_at: int | None, ledger: Ledger) -> dict[str, Any]:
    change = {"variant_id": variant_id, "sku": sku, "price": price, "compare_at": compare_at}
    return {**change, "changed_at": ledger.at, "reason": REASON}


async def _note_prices(db: WriteSession, skus: list[str], ledger: Ledger) -> None:
    for piece in chunks(skus):
        facts = select(Variant.id, Variant.sku, Variant.price, Variant.compare_at)
        rows = facts.where(Variant.sku.in_(piece)).order_by(Variant.id)
        history = [_change(*row, ledger) for row in (await db.execute(rows))]
        await insert_many(db, PriceChange, history)


async def write_stock(db: WriteSession, work: list[Work], ledger: Ledger) -> None:
    """Only where the file's own numbers changed: what was sold since the last import stays sold."""
    stated = {draft.sku: draft for each in work if each.stock for draft in each.draft.variants}
    ids: dict[int, VariantDraft] = {}
    for piece in chunks(stated):
        for id_, sku in await db.execute(select(Variant.id, Variant.sku).where(Variant.sku.in_(piece))):
            ids[id_] = stated[sku]
    levels = [Level(id_, draft.on_hand, draft.may_oversell) for id_, draft in ids.items()]
    try:
        await set_on_hand(db, levels, at=ledger.at, reason=REASON)
    except NoSuchStock as refusal:
        ledger.problems.add(ids[refusal.variant_id].line, ledger.column("quantity"), str(refusal))
