"""Units on their way to a buyer: reserved, claimed, allocated, given back. Counting stock is in actions.py.

A row of reservations is inserted and deleted only while the stock_levels row of its variant is locked, and its
quantity never changes. So what is read under that lock stays true, and whoever deletes a row has its units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Row, delete, select, update

from hypermart.db.bulk import insert_many
from hypermart.db.session import WriteSession
from hypermart.domain.stock.levels import Levels, StockMoved, Units, available, change_levels, lock_levels
from hypermart.domain.stock.models import Reservation
from hypermart.errors import Refused

BATCH = 100
"""Reservations freed by one free_lapsed(): its locks are short."""
_TABLE = Reservation.metadata.tables["reservations"]


class OutOfStock(Refused):
    """There are not as many as wanted. Nothing was changed."""

    def __init__(self, shortages: dict[int, int]) -> None:
        super().__init__("There are not as many left as you would like.")
        self.shortages = shortages
        """variant id -> how many the buyer can have, for those of which there are too few."""


class NothingClaimed(Exception):
    """The holder has no units that are surely its own: never claimed, or allocated before."""


async def reserve(db: WriteSession, holder: str, wanted: Units, *, now: datetime, until: datetime) -> None:
    """`holder` holds `wanted` until just before `until`, in place of all that it held. Raises OutOfStock."""
    await _hold(db, holder, wanted, now, until)


async def claim(db: WriteSession, holder: str, wanted: Units, *, now: datetime) -> None:
    """`holder` holds `wanted` for good, also if its reservation lapsed and there are enough. Raises OutOfStock."""
    await _hold(db, holder, wanted, now, None)


async def _hold(db: WriteSession, holder: str, wanted: Units, now: datetime, until: datetime | None) -> None:
    needs = _positive(wanted)
    levels, own = await _locked(db, holder, wanted)
    had = _units(own)
    if had == needs:
        held = _TABLE.c.id.in_([row.id for row in own])
        await db.execute(update(_TABLE).where(held).values(expires_at=until))  # no page shows this
        return
    needs.subtract(had)
    lapsed = await _room(db, levels, needs, own, now)
    needs.subtract(_units(lapsed))
    await _delete(db, [*own, *lapsed])
    await change_levels(db, levels, reserved=needs)
    rows = [{"holder": holder, "variant_id": id_, "quantity": units} for id_, units in sorted(wanted.items())]
    await insert_many(db, Reservation, [{**row, "expires_at": until} for row in rows])


async def _locked(db: WriteSession, holder: str, wanted: Iterable[int] = ()) -> tuple[Levels, list[Row[Any]]]:
    """The levels of what is wanted and of what the holder has, and then what it has."""
    levels = await lock_levels(db, wanted)
    own = await _rows(db, _TABLE.c.holder == holder)
    if others := {row.variant_id for row in own} - levels.keys():
        # To be released; or, which is rare, wanted no more: only then are rows locked out of order.
        levels |= await lock_levels(db, others)
        own = await _rows(db, _TABLE.c.holder == holder, _TABLE.c.variant_id.in_(list(levels)))
    return levels, own


async def _room(
    db: WriteSession, levels: Levels, needs: Counter[int], own: list[Row[Any]], now: datetime
) -> list[Row[Any]]:
    """The lapsed reservations that must go before so many more can be held. Raises OutOfStock."""
    free = {id_: available(levels[id_]) if id_ in levels else 0 for id_ in needs}
    short = [id_ for id_, n in needs.items() if n > free[id_] and not (id_ in levels and levels[id_].may_oversell)]
    if not short:
        return []
    ours = {row.id for row in own}
    lapsed = await _rows(db, _TABLE.c.variant_id.in_(short), _TABLE.c.expires_at <= now)
    lapsed = [row for row in lapsed if row.id not in ours]
    back, had = _units(lapsed), _units(own)
    shortages = {id_: free[id_] + back[id_] + had[id_] for id_ in short if needs[id_] > free[id_] + back[id_]}
    if shortages:
        raise OutOfStock(shortages)
    return lapsed


async def release(db: WriteSession, holder: str) -> None:
    """What `holder` held is free again. Nothing happens if it holds nothing."""
    levels, own = await _locked(db, holder)
    await _free(db, levels, own)


async def allocate(db: WriteSession, holder: str) -> None:
    """What `holder` has claimed belongs to an order. Raises NothingClaimed: an order without units must not be."""
    own = await _rows(db, _TABLE.c.holder == holder)
    if not own or any(row.expires_at for row in own):
        raise NothingClaimed(holder)
    units = _units(own)
    await change_levels(db, {}, reserved=_negative(units), allocated=units)  # locks the levels, as each UPDATE does
    await _delete(db, own)


async def allocate_now(db: WriteSession, wanted: Units, *, now: datetime) -> None:
    """`wanted` belongs to an order, without having been held. Raises OutOfStock."""
    needs = _positive(wanted)
    levels = await lock_levels(db, needs)
    lapsed = await _room(db, levels, needs, [], now)
    await _delete(db, lapsed)
    await change_levels(db, levels, reserved=_negative(_units(lapsed)), allocated=needs)


async def deallocate(db: WriteSession, wanted: Units) -> None:
    """An order gives its units back; variants that are no more have nowhere to put them."""
    needs = _positive(wanted)
    levels = await lock_levels(db, needs)
    await change_levels(db, levels, allocated={id_: -needs[id_] for id_ in levels})


async def free_lapsed(db: WriteSession, now: datetime) -> int:
    """Frees reservations that have lapsed, oldest first. Gives how many; at BATCH there may be more."""
    return await _free_lapsed(db, now)


async def free_lapsed_of(db: WriteSession, variant_ids: Iterable[int], now: datetime) -> None:
    """Frees all lapsed reservations of these variants."""
    ids = list(variant_ids)
    while await _free_lapsed(db, now, _TABLE.c.variant_id.in_(ids)):
        pass


async def _free_lapsed(db: WriteSession, now: datetime, *where: ColumnElement[bool]) -> int:
    lapsed = (_TABLE.c.expires_at <= now, *where)
    oldest = select(_TABLE.c.id, _TABLE.c.variant_id).where(*lapsed).order_by(_TABLE.c.expires_at, _TABLE.c.id)
    found = (await db.execute(oldest.limit(BATCH))).all()
    if not found:
        return 0
    levels = await lock_levels(db, {row.variant_id for row in found})
    rows = await _rows(db, _TABLE.c.id.in_([row.id for row in found]), *lapsed)
    await _free(db, levels, rows)
    return len(rows)


async def _free(db: WriteSession, levels: Levels, rows: list[Row[Any]]) -> None:
    await _delete(db, rows)
    await change_levels(db, levels, reserved=_negative(_units(rows)))


async def _rows(db: WriteSession, *where: ColumnElement[bool]) -> list[Row[Any]]:
    columns = (_TABLE.c.id, _TABLE.c.variant_id, _TABLE.c.quantity, _TABLE.c.expires_at)
    return list(await db.execute(select(*columns).where(*where)))


async def _delete(db: WriteSession, rows: list[Row[Any]]) -> None:
    """Nobody else has the units of a row that we delete; of one that we do not, somebody has. Raises StockMoved."""
    if not rows:
        return
    gone = await db.execute(delete(_TABLE).where(_TABLE.c.id.in_([row.id for row in rows])))  # no page shows this
    if not isinstance(gone, CursorResult) or gone.rowcount != len(rows):
        raise StockMoved("reservations")


def _units(rows: Iterable[Row[Any]]) -> Counter[int]:
    units: Counter[int] = Counter()
    for row in rows:
        units[row.variant_id] += row.quantity
    return units


def _positive(wanted: Mapping[int, int]) -> Counter[int]:
    if any(units < 1 for units in wanted.values()):
        raise ValueError(f"units must be positive: {wanted}")
    return Counter(wanted)


def _negative(units: Units) -> dict[int, int]:
    return {id_: -n for id_, n in units.items()}
