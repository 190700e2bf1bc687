"""Any sequence of holding, claiming, selling, giving back, sweeping and counting, beside a model in plain Python."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, update

from hypermart.db.session import Database, WriteSession
from hypermart.domain.stock import reservations
from hypermart.domain.stock.actions import Level, NoSuchStock, set_on_hand
from hypermart.domain.stock.levels import StockMoved
from hypermart.domain.stock.models import Reservation, StockLevel
from hypermart.domain.stock.reservations import NothingClaimed, OutOfStock
from hypermart.qa.clock import START, QaClock
from hypermart.services import opened
from hypermart.settings import Settings
from tests.parts.stock import Count, counts, held, put

VARIANTS = 3
HOLDERS = st.sampled_from(["ada", "bo", "cy"])
WANTED = st.dictionaries(st.integers(0, VARIANTS - 1), st.integers(1, 4), min_size=1)
MINUTES = st.integers(1, 15)


class Model:
    """Stock as the rules say, without a database: variants are 0, 1, 2."""

    def __init__(self, on_hand: list[int], oversold: set[int]) -> None:
        self.on_hand, self.may_oversell = on_hand, oversold
        self.allocated = [0] * VARIANTS
        self.held: dict[tuple[str, int], tuple[int, datetime | None]] = {}

    def reserved(self, variant: int) -> int:
        return sum(units for (_, v), (units, _) in self.held.items() if v == variant)

    def lapsed(self, now: datetime) -> list[tuple[str, int]]:
        return [key for key, (_, until) in self.held.items() if until is not None and until <= now]

    def make_room(self, holder: str, wanted: dict[int, int], now: datetime) -> dict[int, int]:
        """Frees what has lapsed of the variants that are short; or, without any change, what is left of each."""
        free = {v: self.on_hand[v] - self.allocated[v] - self.reserved(v) for v in wanted}
        own = {v: self.held.get((holder, v), (0, None))[0] for v in wanted}
        short = [v for v in wanted if wanted[v] > free[v] + own[v] and v not in self.may_oversell]
        going = [key for key in self.lapsed(now) if key[1] in short and key[0] != holder]
        left = {v: free[v] + own[v] + sum(self.held[key][0] for key in going if key[1] == v) for v in short}
        if shortages := {v: n for v, n in left.items() if wanted[v] > n}:
            return shortages
        for key in going:
            del self.held[key]
        return {}

    def let_go(self, holder: str) -> dict[int, tuple[int, datetime | None]]:
        return {v: self.held.pop((h, v)) for h, v in list(self.held) if h == holder}


class Machine(RuleBasedStateMachine):
    runner: asyncio.Runner
    database: Database
    clock: QaClock
    ids: list[int]

    @initialize(on_hand=st.lists(st.integers(0, 6), min_size=VARIANTS, max_size=VARIANTS), may=st.booleans())
    def stock(self, on_hand: list[int], may: bool) -> None:
        self.clock.at = START
        self.model = Model(on_hand, {VARIANTS - 1} if may else set())

        async def begin(db: WriteSession) -> None:
            await db.execute(delete(Reservation))
            for place, id_ in enumerate(self.ids):
                values = {"on_hand": on_hand[place], "reserved": 0, "allocated": 0}
                level = update(StockLevel).where(StockLevel.variant_id == id_)
                await db.execute(level.values(**values, may_oversell=place in self.model.may_oversell))

        self.does(begin)

    def does(self, act: Callable[[WriteSession], Awaitable[Any]]) -> Any:
        return self.runner.run(self.database.retried(act))

    def refuses(self, act: Callable[[WriteSession], Awaitable[Any]], left: dict[int, int]) -> None:
        with pytest.raises(OutOfStock) as refusal:
            self.does(act)
        assert refusal.value.shortages == {self.ids[v]: n for v, n in left.items()}

    def of_ids(self, wanted: dict[int, int]) -> dict[int, int]:
        return {self.ids[v]: units for v, units in wanted.items()}

    @rule(holder=HOLDERS, wanted=WANTED, minutes=MINUTES)
    def reserve(self, holder: str, wanted: dict[int, int], minutes: int) -> None:
        until = self.clock.now() + timedelta(minutes=minutes)
        self.hold(
            holder, wanted, until, lambda db, ids, now: reservations.reserve(db, holder, ids, now=now, until=until)
        )

    @rule(holder=HOLDERS, wanted=WANTED)
    def claim(self, holder: str, wanted: dict[int, int]) -> None:
        self.hold(holder, wanted, None, lambda db, ids, now: reservations.claim(db, holder, ids, now=now))

    @rule(holder=HOLDERS)
    def claim_what_is_held(self, holder: str) -> None:
        if wanted := {v: units for (h, v), (units, _) in self.model.held.items() if h == holder}:
            self.claim(holder, wanted)

    def hold(self, holder: str, wanted: dict[int, int], until: datetime | None, act: Callable[..., Any]) -> None:
        now = self.clock.now()
        if left := self.model.make_room(holder, wanted, now):
            self.refuses(lambda db: act(db, self.of_ids(wanted), now), left)
        else:
            self.model.let_go(holder)
            self.model.held |= {(holder, v): (units, until) for v, units in wanted.items()}
            self.does(lambda db: act(db, self.of_ids(wanted), now))

    @rule(holder=HOLDERS)
    def release(self, holder: str) -> None:
        self.model.let_go(holder)
        self.does(lambda db: reservations.release(db, holder))

    @rule(holder=HOLDERS)
    def allocate(self, holder: str) -> None:
        own = [until for (h, _), (_, until) in self.model.held.items() if h == holder]
        if not own or any(own):
            with pytest.raises(NothingClaimed):
                self.does(lambda db: reservations.allocate(db, holder))
        else:
            for v, (units, _) in self.model.let_go(holder).items():
                self.model.allocated[v] += units
            self.does(lambda db: reservations.allocate(db, holder))

    @rule(wanted=WANTED)
    def allocate_now(self, wanted: dict[int, int]) -> None:
        now = self.clock.now()

        async def act(db: WriteSession) -> None:
            await reservations.allocate_now(db, self.of_ids(wanted), now=now)

        if left := self.model.make_room("", wanted, now):
            self.refuses(act, left)
        else:
            for v, units in wanted.items():
                self.model.allocated[v] += units
            self.does(act)

    @rule(wanted=WANTED)
    def deallocate(self, wanted: dict[int, int]) -> None:
        if any(units > self.model.allocated[v] for v, units in wanted.items()):
            with pytest.raises(StockMoved):
                self.does(lambda db: reservations.deallocate(db, self.of_ids(wanted)))
        else:
            for v, units in wanted.items():
                self.model.allocated[v] -= units
            self.does(lambda db: reservations.deallocate(db, self.of_ids(wanted)))

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @rule()
    def free_lapsed(self) -> None:
        lapsed = self.model.lapsed(self.clock.now())
        for key in lapsed:
            del self.model.held[key]
        assert self.does(lambda db: reservations.free_lapsed(db, self.clock.now())) == len(lapsed)

    @rule(v=st.integers(0, VARIANTS - 1), on_hand=st.integers(0, 8), may=st.sampled_from([None, True, False]))
    def set_on_hand(self, v: int, on_hand: int, may: bool | None) -> None:
        model, now = self.model, self.clock.now()
        may_oversell = v in model.may_oversell if may is None else may
        lapsed = [key for key in model.lapsed(now) if key[1] == v]
        promised = model.allocated[v] + model.reserved(v)
        needed = promised - sum(model.held[key][0] for key in lapsed)

        async def act(db: WriteSession) -> None:
            await set_on_hand(db, [Level(self.ids[v], on_hand, may)], at=now, reason="stocktaking")

        if on_hand < needed and not may_oversell:
            with pytest.raises(NoSuchStock):
                self.does(act)
            return
        for key in lapsed if on_hand < promised else ():
            del model.held[key]
        model.on_hand[v] = on_hand
        model.may_oversell = model.may_oversell | {v} if may_oversell else model.may_oversell - {v}
        self.does(act)

    @invariant()
    def the_database_agrees(self) -> None:
        if not hasattr(self, "model"):
            return
        model = self.model
        expected = [Count(model.on_hand[v], model.reserved(v), model.allocated[v]) for v in range(VARIANTS)]
        assert self.runner.run(counts(self.database)) == dict(zip(self.ids, expected, strict=True))
        rows = self.runner.run(held(self.database))
        assert rows == {(holder, self.ids[v]): row for (holder, v), row in model.held.items()}


@pytest.mark.slow
def test_stock_is_as_the_model_says(settings: Settings) -> None:
    clock = QaClock()
    with asyncio.Runner() as runner:
        shop = opened(settings, clock)
        database = runner.run(shop.__aenter__()).db
        try:
            ids = runner.run(put(database, *[0] * VARIANTS))
            state = {"runner": runner, "database": database, "clock": clock, "ids": ids}
            run_state_machine_as_test(
                type("StockMachine", (Machine,), state),
                settings=hypothesis.settings(max_examples=40, stateful_step_count=30),
            )
        finally:
            runner.run(shop.__aexit__(None, None, None))
