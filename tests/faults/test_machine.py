"""Any sequence of shopping, paying, deciding, calling back, waiting, restarting, beside a model in plain Python.

After each step the shop's books are those of the model, and the independent checker finds nothing but what is truly
under way. MACHINE_EXAMPLES says how many sequences there are; `make machine` runs many.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from hypermart.bogus.faults import Fault
from hypermart.bogus.outcomes import OUTCOMES, Outcome
from hypermart.db.session import WriteSession
from hypermart.domain.cart import actions as carts
from hypermart.domain.cart.expiry import expire_carts
from hypermart.domain.customers.address import Address
from hypermart.domain.orders.actions import cancel_order, give_cart_back
from hypermart.domain.orders.place import Wish, place_order
from hypermart.domain.orders.settle import finalise
from hypermart.domain.stock.actions import Level, NoSuchStock, set_on_hand
from hypermart.jobs.reconcile import free_holds, reconcile
from hypermart.ports import GatewayAway
from hypermart.qa.clock import START, QaClock
from hypermart.settings import Settings
from tests.faults import audit, shop_model
from tests.faults.shop_model import Attempt
from tests.faults.small_shop import SmallShop
from tests.faults.watched import Watched, same
from tests.parts.databases import is_mysql

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "20" if is_mysql() else "15"))
STEPS = 30 if is_mysql() else 20
HOME = Address(name="Ada", line1="Torstr. 1", postcode="10119", city="Berlin", country="DE")
OWNERS = st.sampled_from(["ada", "bo", "cy"])
VARIANTS = st.integers(0, 2)
PAYMENTS = st.sampled_from(["card", "card", "card", "invoice", "pickup", "free"])
DELIVERIES = st.sampled_from(["standard", "standard", "pickup"])
PRICES = st.sampled_from([0, 900, 1900, 2500])
JUMPS = st.sampled_from([5, 25, 60, 301, 901, 1200, 3600, 86_400, 4 * 86_400, 31 * 86_400])
DECISIONS = {**{code: OUTCOMES[code] for code in OUTCOMES if code not in ("challenge", "capture_late")}}
DECISIONS["cancelled"] = Outcome("Cancel", "voided")
DECISIONS["authentication_failed"] = Outcome("Fail", "declined", "authentication_failed")
STAGES = ["cart", "placed", "placed", "approve", "approve", "pending_paid", "capture_refused"]
PICK = st.integers(0, 5)


class Machine(Watched):
    """What shoppers, the bank, staff and time may do."""

    folder: Path
    run = itertools.count()

    @initialize(
        levels=st.lists(st.tuples(PRICES, st.integers(1, 6)), min_size=3, max_size=3),
        may=st.booleans(),
        baskets=st.tuples(*[st.tuples(VARIANTS, st.integers(1, 3), PAYMENTS, st.sampled_from(STAGES))] * 3),
    )
    def open(self, levels: list[tuple[int, int]], may: bool, baskets: tuple[tuple[int, int, str, str], ...]) -> None:
        """A morning in the shop: three shoppers, each as far as their stage says."""
        self.clock = self.shop.clock
        self.clock.at = START
        name = self.folder / str(next(self.run))
        self.shop = SmallShop(self.shop.settings, self.clock, name)
        self.does(self.shop.start())
        rows = [(price, on_hand, may and place == 2) for place, (price, on_hand) in enumerate(levels)]
        self.does(self.shop.clear(self.ids, rows))
        self.model = shop_model.Shop([p for p, _ in levels], [n for _, n in levels], {2} if may else set())
        self.seen: list[audit.Seen] = []
        self.shown: dict[str, tuple[Any, int]] = {}
        """Shopper -> cart and total of the page whose button they pressed last."""
        self.confirmed: dict[str, int] = {}
        """Attempt -> what the button said."""
        for owner, (v, quantity, payment, stage) in zip(("ada", "bo", "cy"), baskets, strict=True):
            self.add(owner, v, quantity)
            self.check_out(owner, "pickup" if payment in ("pickup", "free") else "standard", payment)
            if stage != "cart":
                self.place(owner, "right")
            if stage in DECISIONS and self.decidable():
                self.decide(0, stage, False)

    # Carts

    @rule(owner=OWNERS, v=VARIANTS, quantity=st.integers(1, 4))
    def add(self, owner: str, v: int, quantity: int) -> None:
        fresh = os.urandom(8).hex()

        async def put_in(db: WriteSession) -> None:
            token = self.model.slots.get(owner, "nobody's")
            if await carts.add_line(db, token, self.ids[v], quantity, self.now) is None:
                await carts.new_cart(db, fresh, self.now)
                assert await carts.add_line(db, fresh, self.ids[v], quantity, self.now)

        self.alike(lambda: self.writes(put_in), lambda: self.model.add(owner, v, quantity, fresh, self.now))
        self.the_books_agree()

    @rule(owner=OWNERS, pick=PICK, quantity=st.integers(0, 4))
    def change_or_remove(self, owner: str, pick: int, quantity: int) -> None:
        cart = self.model.open_cart(owner, self.now)
        if cart and cart.lines:
            v = sorted(cart.lines)[pick % len(cart.lines)]
            line_id = self.does(self.shop.line_id(cart.id, self.ids[v]))
            self.model.change(cart, v, quantity, self.now)
            self.writes(lambda db: carts.change_quantities(db, cart.token, {line_id: quantity}, self.now))

    @rule(owner=OWNERS, delivery=DELIVERIES, payment=PAYMENTS)
    def check_out(self, owner: str, delivery: str, payment: str) -> None:
        """Address, delivery and payment."""
        if cart := self.model.open_cart(owner, self.now):
            self.writes(
                lambda db: carts.set_address(
                    db, cart.token, now=self.now, email="a@example.com", address=HOME, billing=None, wants_news=False
                )
            )
            cart.has_address = True
            cart.touch(self.now)
            self.choose(owner, "delivery", delivery)
            self.choose(owner, "payment", payment)

    def choose(self, owner: str, what: str, code: str) -> None:
        cart, act = self.model.open_cart(owner, self.now), getattr(carts, f"choose_{what}")
        assert cart
        setattr(cart, what, code)
        cart.touch(self.now)
        assert self.writes(lambda db: act(db, cart.token, code, self.now))

    @rule(owner=OWNERS, payment=PAYMENTS)
    def pay_in_another_way(self, owner: str, payment: str) -> None:
        if self.model.open_cart(owner, self.now):
            self.choose(owner, "payment", payment)

    @rule()
    def expire_carts(self) -> None:
        self.model.expire(self.now)
        self.writes(lambda db: expire_carts(db, self.now))

    # Placing and paying

    @rule(owner=OWNERS, how=st.sampled_from(["right", "right", "right", "wrong", "as before"]))
    def place(self, owner: str, how: str) -> None:
        cart, old = self.model.cart(owner), self.shown.get(owner)
        total = self.model.total(cart) if cart else 0
        expected = total + 100 if how == "wrong" else total
        shown = cart
        if how == "as before" and old:
            shown, expected = old
        self.shown[owner] = shown, expected
        till, token, key = self.shop.services.till, self.model.slots.get(owner, "nobody's"), ""
        wish = Wish(token, expected, has_accepted_terms=True, cart_id=shown.id if shown else 0)

        def real() -> tuple[str, int | None, bool]:
            nonlocal key
            placed = self.does(place_order(till, wish))
            key = placed.attempt_key
            return key, placed.order_number, bool(placed.pay_url)

        wished = shop_model.Wish(cart, shown, expected)
        done, due = self.alike(real, lambda: self.model.place(wished, key, self.now))
        same("placed", done, due)
        if done:
            key, number, _ = done
            self.confirmed.setdefault(key, expected)
            if number and cart and key:
                self.seen.append(audit.Seen(f"cart {cart.id}", number, expected))

    @rule(owner=OWNERS)
    def click_twice(self, owner: str) -> None:
        self.place(owner, "right")
        self.place(owner, "as before")

    @rule(owner=OWNERS, v=VARIANTS, comes_back=st.booleans())
    def go_on_in_a_second_tab(self, owner: str, v: int, comes_back: bool) -> None:
        """The first tab stands at the bank; the second one changes the cart and places it; then the first one pays."""
        first = next((a for a in self.decidable() if a.cart.owner == owner and a.state in shop_model.LIVE), None)
        self.add(owner, v, 1)
        self.place(owner, "right")
        if first:
            self.choose_at_bank(first, OUTCOMES["approve"], comes_back)

    def decidable(self) -> list[Attempt]:
        return [attempt for attempt in self.model.attempts.values() if attempt.bank == "open" and attempt.is_known]

    @precondition(lambda self: self.decidable())
    @rule(pick=PICK, code=st.sampled_from(sorted(DECISIONS) + ["approve"] * 4), comes_back=st.booleans())
    def decide(self, pick: int, code: str, comes_back: bool) -> None:
        """At the bank, 3-D Secure included, which is a yes or a no in the end."""
        self.choose_at_bank(self.one_of(self.decidable(), pick), DECISIONS[code], comes_back)

    def choose_at_bank(self, attempt: Attempt, outcome: Outcome, comes_back: bool) -> None:
        self.shop.bank.decide(self.ref(attempt), outcome)
        attempt.bank, attempt.settles_to = outcome.state, outcome.settles_to or ""
        attempt.is_capture_refused = outcome.capture == "refused"
        if comes_back:
            self.come_back(attempt)

    @precondition(lambda self: any(attempt.bank == "pending" for attempt in self.model.attempts.values()))
    @rule()
    def let_bank_make_up_its_mind(self) -> None:
        decided = self.shop.bank.settle(everything=True)
        pending = [attempt for attempt in self.model.attempts.values() if attempt.bank == "pending"]
        assert sorted(decided) == sorted(map(self.ref, pending))
        for attempt in pending:
            attempt.bank = attempt.settles_to

    @precondition(lambda self: self.shop.callbacks())
    @rule(at_most=st.integers(1, 4))
    def deliver_callbacks(self, at_most: int) -> None:
        for row in self.shop.callbacks()[:at_most]:
            self.does(self.shop.send(row))
            if row["event"] not in self.model.heard and not row["is_forged"]:
                self.model.heard.add(row["event"])
                self.model.look(self.model.attempts[row["key"]], self.now)

    @precondition(lambda self: self.model.attempts)
    @rule(pick=PICK)
    def return_to_the_shop(self, pick: int) -> None:
        self.come_back(self.one_of(list(self.model.attempts.values()), pick))

    def come_back(self, attempt: Attempt) -> None:
        try:
            self.does(finalise(self.shop.services.till, attempt.key))
            away = ""
        except GatewayAway:
            away = "away"
        same("answer of the bank", away, self.model.look(attempt, self.now))
        if attempt.state == "paid":
            self.seen.append(
                audit.Seen(f"cart {attempt.cart.id}", attempt.cart.order or 0, self.confirmed[attempt.key])
            )
        self.met[attempt.state] += 1

    @rule()
    def reconcile(self) -> None:
        due = self.does(self.shop.ask_reconciler())
        with pytest.MonkeyPatch.context() as patch:
            # At once, it is chance who gets the next number and the last print: no sequence could be played again.
            patch.setattr("hypermart.jobs.reconcile.AT_ONCE", 1)
            assert self.does(reconcile(self.shop.services)) == len(due)
        for key in due:
            self.model.look(self.model.attempts[key], self.now)

    @rule(call=st.sampled_from(["open", "find", "capture", "capture", "void"]), kind=st.sampled_from(["error", "lost"]))
    def let_bank_fail(self, call: Any, kind: Any) -> None:
        self.model.faults[call] = kind
        self.shop.desk.faults.ordered = [Fault(c, k) for c, k in self.model.faults.items()]  # type: ignore[arg-type]

    @precondition(lambda self: self.model.attempts)
    @rule(pick=PICK, owner=OWNERS)
    def pay_again(self, pick: int, owner: str) -> None:
        """By the page of an attempt, in whatever browser."""
        attempt = self.one_of(list(self.model.attempts.values()), pick)
        fresh, there = os.urandom(8).hex(), self.model.open_cart(owner, self.now)
        token = there.token if there else fresh
        given = self.writes(lambda db: give_cart_back(db, attempt.key, carts.Holder(token), self.now))
        same("given back", given, self.model.hand_over(attempt.cart, owner, fresh, self.now))

    @precondition(lambda self: self.decidable())
    @rule(pick=PICK)
    def lose_the_hold_before_paying(self, pick: int) -> None:
        """The bank said yes in time, and nobody heard it; meanwhile the units went to others."""
        attempt = self.one_of(self.decidable(), pick)
        self.choose_at_bank(attempt, OUTCOMES["callback_lost"], comes_back=False)
        self.time_passes(901)
        self.free_lapsed_holds()
        for v in attempt.wanted:
            self.count_stock(v, self.model.stock.allocated[v] + self.model.stock.reserved(v))
        self.come_back(attempt)

    # The shop itself

    @rule(seconds=JUMPS)
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule()
    def restart(self) -> None:
        self.does(self.shop.start())
        self.model.faults.clear()

    @rule()
    def run_due_jobs(self) -> None:
        self.does(self.shop.run_jobs())
        for order in self.model.orders:
            order.is_confirmed |= order.is_mail_owed and not order.is_cancelled
            order.is_mail_owed = False

    @rule()
    def free_lapsed_holds(self) -> None:
        for key in self.model.stock.lapsed(self.now):
            del self.model.stock.held[key]
        self.does(free_holds(self.shop.services))

    @precondition(lambda self: self.model.orders)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        order = self.one_of(self.model.orders, pick)
        act = lambda: self.writes(lambda db: cancel_order(db, order.number, self.now))  # noqa: E731
        self.alike(act, lambda: self.model.cancel(order))

    @rule(v=VARIANTS, price=PRICES)
    def change_price(self, v: int, price: int) -> None:
        self.model.prices[v] = price
        self.does(self.shop.set_price(self.ids[v], price))

    @rule(v=VARIANTS, on_hand=st.integers(0, 8))
    def count_stock(self, v: int, on_hand: int) -> None:
        stock = self.model.stock
        lapsed = [key for key in stock.lapsed(self.now) if key[1] == v]
        promised = stock.allocated[v] + stock.reserved(v)
        level = [Level(self.ids[v], on_hand)]
        act = lambda db: set_on_hand(db, level, at=self.now, reason="count")  # noqa: E731
        if on_hand < promised - sum(stock.held[key][0] for key in lapsed) and v not in stock.may_oversell:
            with pytest.raises(NoSuchStock):
                self.writes(act)
            return
        self.writes(act)
        stock.on_hand[v] = on_hand
        for key in lapsed if on_hand < promised else ():
            del stock.held[key]


#: Ways in which things end; a machine that never sees one of them proves nothing about it.
ENDS = {"paid", "accepted", "declined", "released", "voided"}
REFUSALS = {"CannotAdd", "Missing", "TotalChanged", "NotFound", "Refused"}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_shop_does_as_its_rules_say(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    met: Counter[str] = Counter()
    with asyncio.Runner() as runner:
        shop = SmallShop(settings, QaClock(), tmp_path / "first")
        runner.run(shop.start())
        try:
            ids = runner.run(shop.fill())
        finally:
            runner.run(shop.stop())
        state = {"runner": runner, "shop": shop, "ids": ids, "folder": tmp_path, "met": met}
        run_machine(
            type("ShopMachine", (Machine,), state),
            settings=hypothesis.settings(
                max_examples=EXAMPLES, stateful_step_count=STEPS, suppress_health_check=list(hypothesis.HealthCheck)
            ),
        )
    with capsys.disabled():
        print(f"\n{EXAMPLES} sequences: {dict(sorted(met.items()))}")  # noqa: T201  (for docs/testing.md)
    if EXAMPLES >= 100:
        assert set(met) >= ENDS | REFUSALS, met
