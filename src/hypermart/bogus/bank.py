"""The bank: what may happen to a payment, each step with its journal entry in one transaction. Knows no HTTP.

Its calls never wait for anything, so within the process no two of them mingle.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from hypermart.bogus import journal
from hypermart.bogus.outcomes import CAPTURE_REFUSED, Callback, Capture, Outcome, State

PENDING, LATE = 10.0, 30.0
"""Seconds: until a pending payment is decided; by which a late callback is late."""


class NoSuchPayment(Exception):
    """There is no payment of that name."""


class KeyReused(Exception):
    """An Idempotency-Key came back with another request."""


class Order(msgspec.Struct, frozen=True):
    """What the shop wants to be paid for."""

    key: str
    amount: int
    currency: str
    return_url: str
    description: str


class Payment(Order, frozen=True, kw_only=True):
    ref: str
    state: State = "open"
    reason: str = ""
    """Why it is declined; of a pending one, why it will be."""
    callback: Callback = "once"
    capture: Capture = ""
    """What goes wrong when the shop takes the money."""
    settles_to: State | None = None
    settles_at: float | None = None


CHANGES = "UPDATE payments SET state = ?, reason = ?, callback = ?, capture = ?, settles_to = ?, settles_at = ?"


class Bank:
    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.db = journal.connect(path)
        self._now = now

    @property
    def now(self) -> float:
        return self._now().timestamp()

    # What the shop asks, each with an idempotency key.

    def open(self, key: str, order: Order) -> Payment:
        ref = f"pay_{secrets.token_hex(12)}"

        def work() -> Payment:
            payment = Payment(**msgspec.structs.asdict(order), ref=ref)
            row = msgspec.structs.asdict(payment)
            names, places = ", ".join(row), ", ".join("?" * len(row))
            self.db.execute(f"INSERT INTO payments ({names}) VALUES ({places})", [*row.values()])
            self.note(payment, "opened", key=key)
            return payment

        return self._once(key, f"open {msgspec.json.encode(order).decode()}", ref, work)

    def find(self, ref: str) -> Payment:
        row = self.db.execute("SELECT * FROM payments WHERE ref = ?", [ref]).fetchone()
        if row is None:
            raise NoSuchPayment(ref)
        return Payment(**row)

    def capture(self, key: str, ref: str) -> Payment:
        """The money is taken if it is authorised, or refused for good; otherwise nothing changes."""

        def work() -> Payment | None:
            payment = self.find(ref)
            if payment.state != "authorised":
                return None
            if payment.capture == "refused":
                return self._change(payment, "declined", key, reason=CAPTURE_REFUSED)
            return self._change(payment, "captured", key, capture="")

        return self._once(key, f"capture {ref}", ref, work)

    def void(self, key: str, ref: str) -> Payment:
        """What was not taken is let go; a captured or declined payment stays what it is."""

        def work() -> Payment | None:
            payment = self.find(ref)
            return self._change(payment, "voided", key) if payment.state in ("open", "pending", "authorised") else None

        return self._once(key, f"void {ref}", ref, work)

    # What the shopper and the bank itself do: the shop is told by a callback.

    def decide(self, ref: str, outcome: Outcome) -> Payment:
        """`outcome` comes true, if the payment is still open."""
        with journal.turn(self.db):
            payment = self.find(ref)
            if payment.state != "open":
                return payment
            if outcome.state == "open":
                self.note(payment, "challenged")
                return payment
            plan = {name: getattr(outcome, name) for name in ("reason", "callback", "capture", "settles_to")}
            plan["settles_at"] = self.now + PENDING if outcome.settles_to else None
            return self._announce(self._change(payment, outcome.state, **plan))

    def cancel(self, ref: str) -> Payment:
        """The shopper does not want it, if it is still open."""
        return self.decide(ref, Outcome("Cancel", "voided"))

    def settle(self, *, everything: bool = False) -> list[str]:
        """Decides pending payments whose time has come, or all; gives their refs."""
        with journal.turn(self.db):
            rows = self.db.execute(
                "SELECT * FROM payments WHERE state = 'pending' AND (settles_at <= ? OR ?) ORDER BY settles_at",
                [self.now, everything],
            ).fetchall()
            for row in rows:
                payment = Payment(**row)
                self._announce(self._change(payment, payment.settles_to or "declined", settles_at=None))
        return [row["ref"] for row in rows]

    def note(self, payment: Payment, kind: str, *, key: str = "", detail: str = "") -> None:
        """One entry in the journal."""
        entry = (self.now, payment.ref, kind, payment.amount, payment.currency, key, detail)
        self.db.execute(journal.ADD, entry)

    def _once(self, key: str, request: str, ref: str, work: Callable[[], Payment | None]) -> Payment:
        """What `work` makes of the payment; for a `key` that had an effect before, what it made of it then.

        Work that gives None had no effect: its key is still free, so that it may be tried again with the same one.
        """
        with journal.turn(self.db):
            reply = self.db.execute("SELECT request, payment FROM replies WHERE key = ?", [key]).fetchone()
            if reply and reply["request"] != request:
                raise KeyReused(key)
            if reply:
                return msgspec.json.decode(reply["payment"], type=Payment)
            payment = work()
            if payment is None:
                return self.find(ref)
            self.db.execute("INSERT INTO replies VALUES (?, ?, ?)", [key, request, msgspec.json.encode(payment)])
            return payment

    def _change(self, payment: Payment, state: State, key: str = "", **facts: object) -> Payment:
        changed = msgspec.structs.replace(payment, state=state, **facts)
        values = [changed.state, changed.reason, changed.callback, changed.capture]
        self.db.execute(f"{CHANGES} WHERE ref = ?", [*values, changed.settles_to, changed.settles_at, payment.ref])
        self.note(changed, state, key=key, detail=changed.reason if state == "declined" else "")
        return changed

    def _announce(self, payment: Payment) -> Payment:
        """A callback is due, as it was chosen for this payment."""
        event = f"evt_{secrets.token_hex(12)}"
        if payment.callback == "lost":
            self.note(payment, "callback_lost", detail=event)
            return payment
        due_at = self.now + (LATE if payment.callback == "late" else 0)
        row = [event, payment.ref, payment.callback == "forged", due_at]
        for _ in range(2 if payment.callback == "twice" else 1):
            self.db.execute("INSERT INTO callbacks (event, ref, is_forged, tries, due_at) VALUES (?, ?, ?, 0, ?)", row)
        return payment
