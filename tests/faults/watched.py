"""The frame of the machine: shop and model side by side, compared after each step, and brought to an end at last."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant

from hypermart.db.session import WriteSession
from hypermart.errors import NotFound, Refused
from hypermart.jobs.reconcile import free_holds, reconcile
from hypermart.qa.clock import QaClock
from tests.faults import audit, shop_model
from tests.faults.shop_model import Attempt, Cart, Refusal
from tests.faults.small_shop import SmallShop


class Watched(RuleBasedStateMachine):
    runner: asyncio.Runner
    shop: SmallShop
    ids: list[int]
    clock: QaClock
    model: shop_model.Shop
    seen: list[audit.Seen]
    met: Counter[str]
    """What happened, so that we know that it did."""

    def does(self, work: Awaitable[Any]) -> Any:
        return self.runner.run(work)  # type: ignore[arg-type]  # a coroutine each time

    def writes(self, work: Callable[[WriteSession], Awaitable[Any]]) -> Any:
        return self.does(self.shop.services.db.retried(work))

    def alike(self, real: Callable[[], Any], model: Callable[[], Any]) -> Any:
        """Both say no in the same way, or both do it."""
        try:
            done, no = real(), ""
        except (Refused, NotFound) as refused:
            done, no = None, type(refused).__name__
        try:
            expected, due = model(), ""
        except Refusal as refusal:
            expected, due = None, str(refusal)
        assert no == due, f"the shop said {no or 'yes'}, the rules say {due or 'yes'}"
        self.met[no or "yes"] += 1
        return done, expected

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @staticmethod
    def one_of(rows: list[Any], pick: int) -> Any:
        """The latest ones first: there the life is."""
        return rows[-1 - pick % len(rows)]

    def ref(self, attempt: Attempt) -> str:
        row = self.shop.bank.db.execute("SELECT ref FROM payments WHERE key = ?", [attempt.key]).fetchone()
        return str(row["ref"])

    # What is true after each step

    @invariant()
    def the_books_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        self.met["steps"] += 1
        books = self.does(self.shop.books())
        self._name_carts(books)
        model, ids = self.model, self.ids
        stock = {ids[v]: (model.stock.on_hand[v], model.stock.reserved(v), model.stock.allocated[v]) for v in range(3)}
        same("stock", _stock(books), stock)
        held = {(key, ids[v]): (units, until is None) for (key, v), (units, until) in model.stock.held.items()}
        same("held", _held(books), held)
        same("carts", _carts(books), {cart.id: _as_row(cart, ids) for cart in model.carts})
        attempts = {key: (each.cart.id, each.state, each.amount) for key, each in model.attempts.items()}
        same(
            "attempts",
            {row["key"]: (row["cart_id"], row["state"], row["amount"]) for row in books["attempts"]},
            attempts,
        )
        same("unwatched", [row["key"] for row in books["unwatched"] if row["state"] in shop_model.OPEN], [])
        orders = [(each.number, each.attempt.cart.id, each.is_paid, each.is_cancelled) for each in model.orders]
        same("orders", _orders(books), orders)
        live = Counter(row["cart_id"] for row in books["attempts"] if row["state"] in shop_model.LIVE)
        same("carts with two live attempts", [cart_id for cart_id, count in live.items() if count > 1], [])
        self._checker_agrees(books)

    def _name_carts(self, books: dict[str, list[audit.Row]]) -> None:
        """The ids of carts that are new, by their tokens."""
        ids = {row["token_hash"]: row["id"] for row in books["heirs"]}
        for cart in self.model.carts:
            cart.id = cart.id or ids.get(cart.token, 0)

    def _checker_agrees(self, books: dict[str, list[audit.Row]]) -> None:
        """It finds what is under way by the model, and nothing else."""
        attempts, ids = self.model.attempts, {row["key"]: row["id"] for row in books["attempts"]}
        expected = {
            f"order {o.number} has 0 confirmations" for o in self.model.orders if not (o.is_confirmed or o.is_cancelled)
        }
        expected |= {
            f"attempt {ids[a.key]} was left {a.state}" for a in attempts.values() if a.state in shop_model.OPEN
        }
        expected |= {
            f"payment {self.ref(a)} of {a.amount} was captured and belongs to no order"
            for a in attempts.values()
            if a.bank == "captured" and a.state == "claimed"
        }
        found = [each for each in self.shop.findings(books, self.seen) if "was never done" not in each]
        same("findings", sorted(found), sorted(expected))
        same("payments", self.shop.payments(), {key: a.bank for key, a in attempts.items() if a.bank})
        captured = Counter(row.amount for row in audit.bank(self.shop.journal))
        same("captures", captured, Counter(a.amount for a in attempts.values() if a.bank == "captured"))

    def teardown(self) -> None:
        if hasattr(self, "model"):
            try:
                self.settle()
            finally:
                self.does(self.shop.stop())

    def settle(self) -> None:
        """The bank decides and says so, the reconciler looks, the worker works: in the end nothing is left."""
        self.shop.desk.faults.ordered = []
        for wait in (0, 20 * 60, 6 * 60, 4 * 86_400, 6 * 60):
            self.clock.advance(seconds=wait)
            self.shop.bank.settle(everything=True)
            for row in self.shop.callbacks():
                self.does(self.shop.send(row))
            self.does(reconcile(self.shop.services))
            self.does(free_holds(self.shop.services))
            self.does(self.shop.run_jobs())
        books = self.does(self.shop.books())
        same("findings", self.shop.findings(books, self.seen), [])
        same("held", books["held"], [])
        self.met["orders"] += len(books["orders"])
        self.met["captures"] += len(audit.bank(self.shop.journal))
        self.met.update(row["state"] for row in books["attempts"])


def same(what: str, real: Any, expected: Any) -> None:
    assert real == expected, f"{what}: the shop has {real}, by the rules it is {expected}"


def _stock(books: dict[str, list[audit.Row]]) -> dict[int, tuple[int, int, int]]:
    return {row["variant_id"]: (row["on_hand"], row["reserved"], row["allocated"]) for row in books["stock"]}


def _held(books: dict[str, list[audit.Row]]) -> dict[tuple[str, int], tuple[int, bool]]:
    return {(row["holder"], row["variant_id"]): (row["quantity"], bool(row["is_claimed"])) for row in books["held"]}


def _orders(books: dict[str, list[audit.Row]]) -> list[tuple[int, int, bool, bool]]:
    return [(row["number"], row["cart_id"], bool(row["paid_at"]), bool(row["cancelled_at"])) for row in books["orders"]]


def _carts(books: dict[str, list[audit.Row]]) -> dict[int, Any]:
    lines: dict[int, dict[int, tuple[int, int]]] = {row["id"]: {} for row in books["carts"]}
    for row in books["cart_lines"]:
        lines[row["cart_id"]][row["variant_id"]] = row["quantity"], row["seen_price"]
    return {row["id"]: (row["version"], bool(row["is_completed"]), lines[row["id"]]) for row in books["carts"]}


def _as_row(cart: Cart, ids: list[int]) -> Any:
    return cart.version, bool(cart.order), {ids[v]: (line.quantity, line.seen) for v, line in cart.lines.items()}
