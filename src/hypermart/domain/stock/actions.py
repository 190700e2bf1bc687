"""What can be done to stock, and the stock flag of lists that follows from it. Selling is up to cart and orders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import case, func, or_, select, update

from hypermart.db.bulk import chunks, insert_many, update_many
from hypermart.db.session import WriteSession, stale
from hypermart.domain.catalog.listing import lock_products, stale_lists
from hypermart.domain.catalog.models import ListEntry, Listing, Variant
from hypermart.domain.stock import rules
from hypermart.domain.stock.levels import Levels, lock_levels
from hypermart.domain.stock.models import StockLevel, StockMovement
from hypermart.domain.stock.reservations import free_lapsed_of
from hypermart.errors import NotFound, Refused


class Level(msgspec.Struct, frozen=True):
    """What a variant's stock shall be; `may_oversell` None leaves that as it is."""

    variant_id: int
    on_hand: int
    may_oversell: bool | None = None


class NoSuchStock(Refused):
    """The level of `variant_id` cannot be."""

    def __init__(self, variant_id: int, reason: str) -> None:
        super().__init__(reason)
        self.variant_id = variant_id


async def set_on_hand(db: WriteSession, levels: Iterable[Level], *, at: datetime, reason: str) -> None:
    """The variants' stock is as counted, with a movement for each difference. Refuses less than is promised."""
    await db.flush()
    for piece in chunks(sorted(levels, key=lambda level: level.variant_id)):
        ids = [level.variant_id for level in piece]
        found = await db.execute(select(Variant.id, Variant.product_id, Variant.sku).where(Variant.id.in_(ids)))
        variants = {row.id: row for row in found}
        if any(id_ not in variants for id_ in ids):
            raise NotFound("variant")
        products = {row.product_id for row in variants.values()}
        await lock_products(db, products)
        reworded = await _write(db, piece, {row.id: row.sku for row in variants.values()}, at, reason)
        if reworded:
            stale(db, "feeds", *(f"product:{variants[id_].product_id}" for id_ in reworded))
        await mark_in_stock(db, products)


async def _write(db: WriteSession, levels: list[Level], skus: dict[int, str], at: datetime, reason: str) -> list[int]:
    """Gives the variants of which shoppers are now told something else."""
    present = await _present(db, levels, at)
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    moves: list[dict[str, Any]] = []
    reworded: list[int] = []
    for level in levels:
        id_, row = level.variant_id, present.get(level.variant_id)
        before, promised, might = (
            (row.on_hand, row.reserved + row.allocated, row.may_oversell) if row else (0, 0, False)
        )
        may = might if level.may_oversell is None else level.may_oversell
        if problem := rules.refusal(level.on_hand, promised, may):
            raise NoSuchStock(id_, problem)
        values = {"variant_id": id_, "on_hand": level.on_hand, "may_oversell": may}
        if row is None:
            new.append(values)
        elif (before, might) != (level.on_hand, may):
            changed.append(values)
        if level.on_hand != before:
            kind = "import" if reason == "import" else "count"
            move = {"variant_id": id_, "sku": skus[id_], "quantity": level.on_hand - before, "kind": kind}
            moves.append({**move, "reason": reason, "moved_at": at})
        if rules.wording(before - promised, might) != rules.wording(level.on_hand - promised, may):
            reworded.append(id_)
    await insert_many(db, StockLevel, new)
    await update_many(db, StockLevel, changed, key="variant_id")
    await insert_many(db, StockMovement, moves)
    return reworded


async def _present(db: WriteSession, levels: list[Level], at: datetime) -> Levels:
    """The rows, locked. What is only reserved by somebody whose time is up is in nobody's way."""
    ids = [level.variant_id for level in levels]
    present = await lock_levels(db, ids)
    rows = [(present[level.variant_id], level.on_hand) for level in levels if level.variant_id in present]
    if tight := [row.variant_id for row, on_hand in rows if on_hand < row.reserved + row.allocated]:
        await free_lapsed_of(db, tight, at)
        present = await lock_levels(db, ids)
    return present


async def mark_in_stock(db: WriteSession, product_ids: Iterable[int]) -> None:
    """The stock flags of lists are right again; pages of products that crossed sold-out/available are stale."""
    for ids in chunks(sorted(set(product_ids))):
        await lock_products(db, ids)
        can_be_had = or_(StockLevel.may_oversell, StockLevel.on_hand - StockLevel.reserved - StockLevel.allocated > 0)
        rows = await db.execute(
            select(Listing.product_id, Listing.is_in_stock, func.max(case((can_be_had, 1), else_=0)))
            .outerjoin(Variant, Variant.product_id == Listing.product_id)
            .outerjoin(StockLevel, StockLevel.variant_id == Variant.id)
            .where(Listing.product_id.in_(ids))
            .group_by(Listing.product_id, Listing.is_in_stock)
        )
        crossed: dict[bool, list[int]] = {True: [], False: []}
        for product_id, was, now in rows:
            if bool(was) != bool(now):
                crossed[bool(now)].append(product_id)
        for flag, crossing in crossed.items():
            if crossing:
                # purged by stale_lists
                await db.execute(update(Listing).where(Listing.product_id.in_(crossing)).values(is_in_stock=flag))
                await db.execute(update(ListEntry).where(ListEntry.product_id.in_(crossing)).values(is_in_stock=flag))
                await stale_lists(db, crossing)
