"""Units held, claimed, allocated and given back by one buyer after the other, to the microsecond."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event

from hypermart.db.session import Database, WriteSession
from hypermart.domain.catalog.models import Variant
from hypermart.domain.stock import reservations
from hypermart.domain.stock.actions import Level, NoSuchStock, set_on_hand
from hypermart.domain.stock.levels import StockMoved, change_levels, lock_levels
from hypermart.domain.stock.reservations import (
    NothingClaimed,
    OutOfStock,
    allocate,
    allocate_now,
    claim,
    deallocate,
    free_lapsed,
    release,
    reserve,
)
from hypermart.qa.clock import QaClock
from tests.parts.stock import Count, counts, held, put

QUARTER = timedelta(minutes=15)
TICK = timedelta(microseconds=1)


class Buyer:
    """The verbs, each in a transaction of its own, at the hour that the clock shows."""

    def __init__(self, database: Database, clock: QaClock) -> None:
        self.database, self.clock = database, clock

    async def reserve(self, holder: str, wanted: dict[int, int], until: timedelta = QUARTER) -> None:
        now = self.clock.now()
        await self.database.retried(lambda db: reserve(db, holder, wanted, now=now, until=now + until))

    async def claim(self, holder: str, wanted: dict[int, int]) -> None:
        await self.database.retried(lambda db: claim(db, holder, wanted, now=self.clock.now()))

    async def allocate_now(self, wanted: dict[int, int]) -> None:
        await self.database.retried(lambda db: allocate_now(db, wanted, now=self.clock.now()))

    async def free_lapsed(self) -> int:
        return await self.database.retried(lambda db: free_lapsed(db, self.clock.now()))

    async def do(self, act: Callable[..., Awaitable[None]], of: Any) -> None:
        await self.database.retried(lambda db: act(db, of))

    async def count(self, variant: int, on_hand: int) -> None:
        levels = [Level(variant, on_hand)]
        await self.database.retried(lambda db: set_on_hand(db, levels, at=self.clock.now(), reason="stocktaking"))


@pytest.fixture
def shop(database: Database, clock: QaClock) -> Buyer:
    return Buyer(database, clock)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):  # MySQL's goes by another way
            seen.append(statement.split(maxsplit=1)[0])

    event.listen(database.writer.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.writer.sync_engine, "before_cursor_execute", note)


async def test_from_reserved_to_allocated_and_back(database: Database, shop: Buyer) -> None:
    a, b = await put(database, 10, 10)
    wanted = {b: 2, a: 1}
    with statements(database) as seen:
        await shop.reserve("ada", wanted)
    assert seen == ["SELECT", "SELECT", "UPDATE", "INSERT"]
    until = shop.clock.now() + QUARTER
    assert await held(database) == {("ada", a): (1, until), ("ada", b): (2, until)}
    assert await counts(database) == {a: Count(10, reserved=1), b: Count(10, reserved=2)}
    await shop.claim("ada", wanted)
    assert await held(database) == {("ada", a): (1, None), ("ada", b): (2, None)}
    with statements(database) as seen:
        await shop.do(allocate, "ada")
    assert seen == ["SELECT", "UPDATE", "DELETE"]
    assert await held(database) == {}
    assert await counts(database) == {a: Count(10, allocated=1), b: Count(10, allocated=2)}
    await shop.do(deallocate, wanted)
    assert await counts(database) == {a: Count(10), b: Count(10)}


async def test_what_is_short_is_told_and_nothing_is_changed(database: Database, shop: Buyer) -> None:
    a, b, none = await put(database, 2, 1, None)
    await shop.reserve("bo", {a: 1})
    before = await counts(database), await held(database)
    for act in (reserve, claim):
        async with database.write() as db:  # also for who catches it and commits
            with pytest.raises(OutOfStock) as refusal:
                limit = {"until": shop.clock.now() + QUARTER} if act is reserve else {}
                await act(db, "ada", {none: 1, b: 1, a: 2}, now=shop.clock.now(), **limit)
        assert refusal.value.shortages == {a: 1, none: 0}
    with pytest.raises(OutOfStock) as refusal:
        await shop.allocate_now({a: 3, b: 2})
    assert refusal.value.shortages == {a: 1, b: 1}
    assert (await counts(database), await held(database)) == before


async def test_a_holder_does_not_stand_in_its_own_way(database: Database, shop: Buyer) -> None:
    a, b, c = await put(database, 2, 3, 4)
    for wanted in ({b: 2}, {b: 3}, {b: 1, c: 4}, {a: 2, b: 3}, {a: 1}):
        await shop.reserve("ada", wanted)
        assert {variant: units for (_, variant), (units, _) in (await held(database)).items()} == wanted
        assert {id_: count.reserved for id_, count in (await counts(database)).items() if count.reserved} == wanted
    with pytest.raises(OutOfStock) as refusal:
        await shop.reserve("ada", {a: 3})
    assert refusal.value.shortages == {a: 2}, "with those that it holds"
    shop.clock.advance(minutes=10)
    await shop.reserve("ada", {a: 1})
    assert await held(database) == {("ada", a): (1, shop.clock.now() + QUARTER)}


async def test_a_reservation_lapses_at_its_microsecond(database: Database, shop: Buyer) -> None:
    (a,) = await put(database, 1)
    await shop.reserve("ada", {a: 1})
    shop.clock.at += QUARTER - TICK
    with pytest.raises(OutOfStock):
        await shop.reserve("bo", {a: 1})
    assert await shop.free_lapsed() == 0
    shop.clock.at += TICK
    await shop.reserve("bo", {a: 1})
    assert await held(database) == {("bo", a): (1, shop.clock.now() + QUARTER)}
    assert await counts(database) == {a: Count(1, reserved=1)}


async def test_only_what_is_in_the_way_is_freed(database: Database, shop: Buyer) -> None:
    a, b = await put(database, 2, 9)
    await shop.reserve("ada", {a: 2, b: 2})
    shop.clock.at += QUARTER
    await shop.allocate_now({a: 1, b: 1})
    assert list(await held(database)) == [("ada", b)]
    assert await counts(database) == {a: Count(2, allocated=1), b: Count(9, reserved=2, allocated=1)}
    for holder in ("ada", "bo"):  # to nobody does what has lapsed count twice
        with pytest.raises(OutOfStock) as refusal:
            await shop.reserve(holder, {b: 9})
        assert refusal.value.shortages == {b: 8}
    assert list(await held(database)) == [("ada", b)]


async def test_a_lapsed_reservation_can_be_claimed_while_there_are_enough(database: Database, shop: Buyer) -> None:
    a, b = await put(database, 2, 2)
    await shop.reserve("ada", {a: 1, b: 1})
    shop.clock.at += QUARTER
    await shop.claim("ada", {a: 1, b: 1})  # nobody has freed it
    assert set((await held(database)).values()) == {(1, None)}
    await shop.reserve("bo", {a: 1, b: 1})
    shop.clock.at += QUARTER
    await shop.allocate_now({a: 1})  # takes a part of it
    await shop.claim("cy", {b: 1})  # takes the rest
    with pytest.raises(OutOfStock) as refusal:
        await shop.claim("bo", {a: 1, b: 1})
    assert refusal.value.shortages == {a: 0, b: 0}
    await shop.do(release, "cy")
    with pytest.raises(OutOfStock) as refusal:
        await shop.claim("bo", {a: 1, b: 1})
    assert refusal.value.shortages == {a: 0}
    await shop.do(deallocate, {a: 1})
    await shop.claim("bo", {a: 1, b: 1})
    assert await counts(database) == {a: Count(2, reserved=2), b: Count(2, reserved=2)}


async def test_what_is_claimed_never_lapses(database: Database, shop: Buyer) -> None:
    (a,) = await put(database, 1)
    await shop.reserve("ada", {a: 1})
    await shop.claim("ada", {a: 1})
    shop.clock.advance(days=3650)
    assert await shop.free_lapsed() == 0
    with pytest.raises(OutOfStock):
        await shop.allocate_now({a: 1})
    await shop.do(allocate, "ada")
    assert await counts(database) == {a: Count(1, allocated=1)}


async def test_the_second_time_is_no_other_than_the_first(database: Database, shop: Buyer) -> None:
    a, _ = await put(database, 5, 5)
    await shop.do(release, "nobody")
    await shop.reserve("bo", {a: 1})
    await shop.reserve("ada", {a: 2})
    for _ in range(2):
        await shop.do(release, "ada")
        assert (await counts(database))[a] == Count(5, reserved=1)
    with pytest.raises(NothingClaimed):
        await shop.do(allocate, "bo")  # may lapse, in part
    await shop.claim("bo", {a: 1})
    await shop.do(allocate, "bo")
    with pytest.raises(NothingClaimed):
        await shop.do(allocate, "bo")
    assert (await counts(database))[a] == Count(5, allocated=1)
    await shop.do(deallocate, {a: 1})
    with pytest.raises(StockMoved):
        await shop.do(deallocate, {a: 1})
    assert (await counts(database))[a] == Count(5)


async def test_an_order_gives_back_what_still_has_a_place(database: Database, shop: Buyer) -> None:
    a, b = await put(database, 5, 5)
    await shop.allocate_now({a: 1, b: 1})
    await shop.reserve("ada", {a: 1, b: 1})
    async with database.write() as db:
        await db.execute(delete(Variant).where(Variant.id == a))
    await shop.do(deallocate, {a: 1, b: 1})
    await shop.do(release, "ada")
    assert await counts(database) == {b: Count(5)}


async def test_what_may_oversell_is_never_refused(database: Database, shop: Buyer) -> None:
    (a,) = await put(database, 1, may_oversell=True)
    await shop.reserve("ada", {a: 5})
    await shop.claim("bo", {a: 3})
    await shop.allocate_now({a: 2})
    await shop.do(allocate, "bo")
    assert await counts(database) == {a: Count(1, reserved=5, allocated=5)}
    await shop.do(release, "ada")
    assert await counts(database) == {a: Count(1, allocated=5)}


@pytest.mark.parametrize("units", [0, -1])
async def test_no_units_are_no_want(database: Database, shop: Buyer, units: int) -> None:
    a, b = await put(database, 5, 5)
    for act in (shop.allocate_now, lambda wanted: shop.reserve("ada", wanted), lambda wanted: shop.claim("a", wanted)):
        with pytest.raises(ValueError, match="positive"):
            await act({a: 1, b: units})
    with pytest.raises(ValueError, match="positive"):
        await shop.do(deallocate, {a: units})
    assert await counts(database) == {a: Count(5), b: Count(5)}


async def test_a_crash_takes_everything_back(database: Database, shop: Buyer) -> None:
    a, b = await put(database, 5, 1)
    await shop.reserve("ada", {a: 1, b: 1})
    await shop.claim("ada", {a: 1, b: 1})
    await shop.reserve("bo", {a: 1})
    before = await counts(database), await held(database)
    now = shop.clock.now() + QUARTER
    acts: list[Callable[[WriteSession], Awaitable[Any]]] = [
        lambda db: reserve(db, "bo", {a: 4}, now=now, until=now + QUARTER),
        lambda db: claim(db, "bo", {a: 2}, now=now),
        lambda db: release(db, "ada"),
        lambda db: allocate(db, "ada"),
        lambda db: allocate_now(db, {a: 4}, now=now),
        lambda db: free_lapsed(db, now),
    ]
    for act in acts:
        with pytest.raises(RuntimeError, match="planted"):
            async with database.write() as db:
                await act(db)
                raise RuntimeError("planted")
        assert (await counts(database), await held(database)) == before


async def test_the_sweep_frees_the_oldest_first_and_a_few_at_a_time(
    database: Database, shop: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations, "BATCH", 2)
    a, b = await put(database, 9, 9)
    for minutes, holder in enumerate(("cy", "bo", "ada"), start=1):
        await shop.reserve(holder, {a: minutes, b: 1}, timedelta(minutes=minutes))
    shop.clock.advance(minutes=2)
    assert await shop.free_lapsed() == 2
    assert {holder for holder, _ in await held(database)} == {"bo", "ada"}
    assert [await shop.free_lapsed() for _ in range(2)] == [2, 0]
    assert await counts(database) == {a: Count(9, reserved=3), b: Count(9, reserved=1)}


async def test_a_count_below_what_is_promised_is_refused_unless_it_lapsed(database: Database, shop: Buyer) -> None:
    a, b = await put(database, 9, 9)
    await shop.allocate_now({a: 2})
    await shop.reserve("ada", {a: 3, b: 1})
    with pytest.raises(NoSuchStock, match="5 are promised"):
        await shop.count(a, 4)
    await shop.count(a, 5)
    shop.clock.at += QUARTER
    await shop.count(b, 8)
    assert (await counts(database))[b] == Count(8, reserved=1), "it is in nobody's way"
    await shop.count(a, 2)
    assert (await counts(database))[a] == Count(2, allocated=2)
    with pytest.raises(NoSuchStock, match="2 are promised"):
        await shop.count(a, 1)


async def test_the_guard_does_not_trust_what_was_read(database: Database) -> None:
    """One row of several says no: the drivers add up what the statements matched, and the sum is too small."""
    a, b, c = await put(database, 5, 1, 5)
    async with database.write() as db:
        levels = await lock_levels(db, [a, b, c])
    changes: list[dict[str, dict[int, int]]] = [
        {"reserved": {a: 1, b: 2, c: 1}},
        {"allocated": {a: 1, b: 2, c: 1}},
        {"reserved": {a: -1, b: 1}},
        {"reserved": {a: 1}, "allocated": {a: -1}},
        {"reserved": {a: 1, 10**9: 1}},
    ]
    for change in changes:
        with pytest.raises(StockMoved):
            async with database.write() as db:
                await change_levels(db, levels, **change)
    assert await counts(database) == {a: Count(5), b: Count(1), c: Count(5)}
