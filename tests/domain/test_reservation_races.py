"""Many buyers at once: what there is is sold, once, whoever comes in whatever order. Small on SQLite's one writer."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hypermart.db.session import Database, WriteSession
from hypermart.domain.catalog.models import Variant
from hypermart.domain.stock import reservations
from hypermart.domain.stock.actions import Level, mark_in_stock, set_on_hand
from hypermart.domain.stock.models import StockLevel
from hypermart.domain.stock.reservations import allocate, allocate_now, claim, free_lapsed, release, reserve
from hypermart.qa.clock import START
from tests.parts.databases import is_mysql
from tests.parts.stock import Count, counts, held, kinds, put, together

pytestmark = pytest.mark.slow  # many at once

Work = Callable[[WriteSession], Awaitable[Any]]
SOON = START + timedelta(minutes=15)
MANY, CROWD = (50, 200) if is_mysql() else (12, 40)


@pytest.fixture
def slow_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading who holds what and acting on it, the others have read it too."""
    rows = reservations._rows

    async def slowly(db: WriteSession, *where: Any) -> Any:
        found = await rows(db, *where)
        await asyncio.sleep(0.05)
        return found

    monkeypatch.setattr(reservations, "_rows", slowly)


def reserving(holder: object, wanted: dict[int, int]) -> Work:
    return lambda db: reserve(db, f"{holder}", wanted, now=START, until=SOON)


def allocating(wanted: dict[int, int]) -> Work:
    return lambda db: allocate_now(db, wanted, now=START)


@pytest.mark.parametrize("has_lapsed", [False, True])
async def test_the_last_unit_is_sold_once(database: Database, has_lapsed: bool) -> None:
    (a,) = await put(database, 1)
    if has_lapsed:  # then every one of them would free it
        await together(database, [lambda db: reserve(db, "gone", {a: 1}, now=START, until=START)])
    works = [reserving(n, {a: 1}) if n % 2 else allocating({a: 1}) for n in range(MANY)]
    assert kinds(await together(database, works)) == {"done": 1, "OutOfStock": MANY - 1}
    assert sum((await counts(database))[a][1:]) == 1


async def test_a_crowd_takes_what_there_is_and_single_buyers_get_the_rest(database: Database) -> None:
    """Several variants in any order, the same one twice: sums never exceed what there is, and nobody deadlocks."""
    chance = random.Random(7)  # noqa: S311  (no secret)
    ids = await put(database, *[20] * 5)
    works = []
    for n in range(CROWD):
        wanted: Counter[int] = Counter()
        for id_ in chance.choices(ids, k=chance.randint(2, 4)):
            wanted[id_] += chance.randint(1, 2)
        works.append(reserving(n, dict(wanted)) if n % 3 else allocating(dict(wanted)))
    outcomes = kinds(await together(database, works))
    assert outcomes["done"] + outcomes["OutOfStock"] == CROWD, outcomes
    assert outcomes["done"] >= 10
    left = {id_: count.on_hand - count.reserved - count.allocated for id_, count in (await counts(database)).items()}
    singles = [reserving(f"single-{n}-{id_}", {id_: 1}) for id_ in ids for n in range(left[id_] + 2)]
    chance.shuffle(singles)
    assert kinds(await together(database, singles))["done"] == sum(left.values())
    assert all(sum(count[1:]) == 20 for count in (await counts(database)).values())


async def test_what_may_oversell_is_never_refused(database: Database) -> None:
    (a,) = await put(database, 1, may_oversell=True)
    works = [reserving(n, {a: 1}) if n % 2 else allocating({a: 1}) for n in range(MANY)]
    assert kinds(await together(database, works)) == {"done": MANY}
    assert sum((await counts(database))[a][1:]) == MANY


@pytest.mark.usefixtures("slow_reading")
async def test_one_holder_is_released_once(database: Database) -> None:
    a, b = await put(database, 9, 9)
    await together(database, [reserving("ada", {a: 2, b: 2}), reserving("bo", {a: 1, b: 1})])
    works: list[Work] = [lambda db: release(db, "ada") for _ in range(10)]
    assert kinds(await together(database, works)) == {"done": 10}
    assert await counts(database) == {a: Count(9, reserved=1), b: Count(9, reserved=1)}


@pytest.mark.usefixtures("slow_reading")
async def test_what_lapsed_is_freed_once(database: Database) -> None:
    """By sweeps, by its holder, and by a buyer in need of it."""
    a, b = await put(database, 9, 9)
    await together(database, [reserving("ada", {a: 5, b: 5})])
    await together(database, [lambda db: reserve(db, "bo", {a: 4, b: 4}, now=START, until=SOON + timedelta(hours=1))])
    works: list[Work] = [lambda db: free_lapsed(db, SOON) for _ in range(4)]
    works += [lambda db: release(db, "ada"), lambda db: allocate_now(db, {a: 5}, now=SOON)]
    assert kinds(await together(database, works)) == {"done": 6}
    assert await counts(database) == {a: Count(9, 4, 5), b: Count(9, 4)}


@pytest.mark.usefixtures("slow_reading")
async def test_one_holder_is_allocated_once(database: Database) -> None:
    a, b = await put(database, 9, 9)
    for act in (reserving("ada", {a: 2, b: 1}), lambda db: claim(db, "ada", {a: 2, b: 1}, now=START)):
        await together(database, [act])
    await together(database, [reserving("bo", {a: 4, b: 4})])  # so that there is enough to be taken by mistake
    works: list[Work] = [lambda db: allocate(db, "ada") for _ in range(10)]
    outcomes = kinds(await together(database, works))
    assert outcomes["done"] == 1
    assert outcomes["NothingClaimed"] + outcomes["StockMoved"] == 9, outcomes
    assert await counts(database) == {a: Count(9, 4, 2), b: Count(9, 4, 1)}


@pytest.mark.parametrize("seed", range(3))
async def test_claimed_released_and_swept_at_the_same_moment(database: Database, seed: int) -> None:
    """Of one holder whose time is up, while others buy: each unit ends in one place."""
    a, b = await put(database, 2, 3)
    await together(database, [reserving("ada", {a: 2, b: 1})])
    works: list[Work] = [
        lambda db: release(db, "ada"),
        lambda db: free_lapsed(db, SOON),
        lambda db: free_lapsed(db, SOON),
    ]
    works += [lambda db: claim(db, "ada", {a: 1, b: 1}, now=SOON), lambda db: allocate_now(db, {a: 1, b: 1}, now=SOON)]
    works += [lambda db: allocate_now(db, {b: 1}, now=SOON), lambda db: claim(db, "ada", {a: 1, b: 1}, now=SOON)]
    random.Random(seed).shuffle(works)  # noqa: S311  (no secret)
    outcomes = kinds(await together(database, works))
    assert set(outcomes) <= {"done", "OutOfStock"}, outcomes
    stock = await counts(database)
    assert sum(units for units, _ in (await held(database)).values()) == stock[a].reserved + stock[b].reserved
    assert stock[b].allocated >= 1


async def test_counting_selling_and_telling_do_not_wait_in_a_circle(database: Database) -> None:
    """Staff lock products and then levels; sales lock levels only; the job locks products only."""
    ids = await put(database, *[50] * 4)
    async with database.read() as db:
        products = [row[0] for row in await db.execute(select(Variant.product_id))]
    works: list[Work] = []
    for n in range(CROWD // 4):
        works.append(reserving(n, dict.fromkeys(random.Random(n).sample(ids, 3), 1)))  # noqa: S311  (no secret)
        works.append(lambda db: set_on_hand(db, [Level(id_, 60) for id_ in ids], at=START, reason="count"))
        works.append(lambda db: mark_in_stock(db, products))
        works.append(lambda db, n=n: release(db, f"{n - 3}"))  # type: ignore[misc]
    assert kinds(await together(database, works)) == {"done": len(works)}
    assert {count.on_hand for count in (await counts(database)).values()} == {60}


async def test_a_forgotten_lock_sells_nothing_twice(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """All read before any writes: the guard of the UPDATE alone must keep them apart."""
    (a,) = await put(database, 3)

    async def unlocked(db: WriteSession, variant_ids: Any) -> Any:
        statement = select(*StockLevel.__table__.c).where(StockLevel.variant_id.in_(sorted(variant_ids)))
        rows = {row.variant_id: row for row in await db.execute(statement)}
        await asyncio.sleep(0.05)
        return rows

    monkeypatch.setattr(reservations, "lock_levels", unlocked)
    outcomes = kinds(await together(database, [reserving(n, {a: 1}) for n in range(10)]))
    assert outcomes["done"] == 3
    assert outcomes["StockMoved"] + outcomes["OutOfStock"] == 7
    assert outcomes["StockMoved"] or not is_mysql(), "SQLite's one writer needs no lock"
    assert await counts(database) == {a: Count(3, reserved=3)}
