"""Locks rows of stock_levels, and changes what is promised of them, under a guard. Who holds units: reservations.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, Integer, Row, bindparam, or_, select, update

from hypermart.db.outbox import later
from hypermart.db.session import WriteSession
from hypermart.domain.catalog.models import Variant
from hypermart.domain.stock import rules
from hypermart.domain.stock.models import StockLevel

Levels: TypeAlias = dict[int, Row[Any]]
"""variant id -> its row as it was when it was locked."""
Units: TypeAlias = Mapping[int, int]
"""variant id -> how many."""

_TABLE = StockLevel.metadata.tables["stock_levels"]
_NONE: Units = MappingProxyType({})
_LOCKED = (
    select(_TABLE)
    .where(_TABLE.c.variant_id.in_(bindparam("ids", expanding=True)))
    .order_by(_TABLE.c.variant_id)
    .with_for_update()
)
_reserve: BindParameter[int] = bindparam("reserve", type_=Integer)
_allocate: BindParameter[int] = bindparam("allocate", type_=Integer)
_CHANGED = (
    update(_TABLE)
    .where(
        _TABLE.c.variant_id == bindparam("id_"),
        or_(_TABLE.c.may_oversell, _TABLE.c.on_hand - _TABLE.c.reserved - _TABLE.c.allocated >= _reserve + _allocate),
        _TABLE.c.reserved + _reserve >= 0,
        _TABLE.c.allocated + _allocate >= 0,
    )
    .values(reserved=_TABLE.c.reserved + _reserve, allocated=_TABLE.c.allocated + _allocate)
)


class StockMoved(Exception):
    """What was judged under lock was not so any more when it was written: a lock is missing. All is rolled back."""


async def lock_levels(db: WriteSession, variant_ids: Iterable[int]) -> Levels:
    """In the order of ids, and before the rows of reservations: so nobody waits in a circle."""
    ids = sorted(set(variant_ids))
    return {row.variant_id: row for row in await db.execute(_LOCKED, {"ids": ids})} if ids else {}


def available(level: Row[Any]) -> int:
    return int(level.on_hand - level.reserved - level.allocated)


async def change_levels(db: WriteSession, levels: Levels, *, reserved: Units = _NONE, allocated: Units = _NONE) -> None:
    """So many more (or, below zero, fewer) are reserved and allocated. Shoppers are told by a job, where they are.

    The guard is part of each UPDATE, so that nothing is sold twice even where somebody forgot to lock: then StockMoved.
    """
    ids = [id_ for id_ in sorted({*reserved, *allocated}) if reserved.get(id_) or allocated.get(id_)]
    if not ids:
        return
    rows = [{"id_": id_, "reserve": reserved.get(id_, 0), "allocate": allocated.get(id_, 0)} for id_ in ids]
    changed = await (await db.connection()).execute(_CHANGED, rows)
    if changed.rowcount != len(rows):  # both drivers add up what the single statements matched
        raise StockMoved(f"stock levels of {ids}: {changed.rowcount} changed")
    await _restate(db, levels, {row["id_"]: row["reserve"] + row["allocate"] for row in rows})


async def _restate(db: WriteSession, levels: Levels, taken: Units) -> None:
    """The stock flags of lists are locked in another order than levels are, so a job changes them, not the sale."""
    reworded = []
    for id_, units in taken.items():
        if units:
            before, may_oversell = available(levels[id_]), levels[id_].may_oversell
            if rules.wording(before, may_oversell) != rules.wording(before - units, may_oversell):
                reworded.append(id_)
    if reworded:
        products = await db.scalars(select(Variant.product_id).where(Variant.id.in_(reworded)).distinct())
        later(db, "restate_stock", product_ids=sorted(products))
