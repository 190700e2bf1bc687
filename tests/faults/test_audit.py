"""The checker is itself checked: books that agree are clean, and each planted fault is found by name."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import audit
from tests.faults.audit import Capture, Letter, Records, Seen


def agreeing() -> Records:
    """One paid order of two prints, its mail, its shopper."""
    order = {
        "id": 7,
        "number": 1001,
        "cart_id": 3,
        "attempt_id": 5,
        "email": "ada@example.com",
        "subtotal": 3800,
        "delivery": 490,
        "total": 4290,
        "tax": 685,
        "currency": "EUR",
        "paid_at": "2026-01-01",
        "cancelled_at": None,
    }
    line = {"id": 1, "order_id": 7, "variant_id": 11, "quantity": 2, "unit_price": 1900, "total": 3800}
    taxes = [
        {"id": 1, "order_id": 7, "rate": 1900, "gross": 3800, "amount": 607, "reason": ""},
        {"id": 2, "order_id": 7, "rate": 1900, "gross": 490, "amount": 78, "reason": ""},
    ]
    attempt = {"id": 5, "method": "card", "state": "paid", "gateway_ref": "pay_1"}
    level = {"variant_id": 11, "on_hand": 2, "reserved": 0, "allocated": 2, "may_oversell": False}
    job = {"id": 1, "job": "mail_order_confirmation", "done_at": "2026-01-01", "dead_at": None, "last_error": None}
    tables: dict[str, list[audit.Row]] = {
        "orders": [order],
        "lines": [line],
        "taxes": taxes,
        "attempts": [attempt],
        "stock": [level],
        "reserved": [],
        "moved": [{"variant_id": 11, "units": 2}],
        "outbox": [job],
    }
    letter = Letter("Ada <ada@example.com>", "Your order 1001 at Plate & Paper", "Thank you.")
    accepted = ["<outbox.1@shop>", "<outbox.2@shop>"]
    return Records([Capture("pay_1", 4290, "EUR")], [letter], [Seen("ada", 1001, 4290)], tables, accepted)


def test_books_that_agree_are_clean() -> None:
    assert audit.findings(agreeing()) == []


def _second_order(records: Records) -> None:
    records.tables["orders"].append({**records.tables["orders"][0], "id": 8, "number": 1002})


FAULTS: dict[str, tuple[Callable[[Records], object], str]] = {
    "double capture": (lambda r: r.captures.append(r.captures[0]), "captured 2 times"),
    "captured too much": (lambda r: r.captures.__setitem__(0, Capture("pay_1", 4291, "EUR")), "4291 were captured"),
    "captured in another currency": (lambda r: r.captures.__setitem__(0, Capture("pay_1", 4290, "USD")), "captured"),
    "captured for nothing": (lambda r: r.captures.append(Capture("pay_2", 1, "EUR")), "belongs to no order"),
    "never captured": (lambda r: r.captures.clear(), "nothing was captured"),
    "lost mail": (lambda r: r.letters.clear(), "0 confirmations"),
    "mail sent twice": (lambda r: r.letters.append(r.letters[0]), "2 confirmations"),
    "mail accepted twice": (lambda r: r.accepted.append(r.accepted[0]), "<outbox.1@shop> was accepted 2 times"),
    "mail to another": (
        lambda r: r.letters.__setitem__(0, Letter("eve@example.com", "Your order 1001 at Plate & Paper", "")),
        "went to eve",
    ),
    "mail for nothing": (
        lambda r: r.letters.append(Letter("x", "Your order 9999 at Plate & Paper", "")),
        "does not exist",
    ),
    "oversold by one": (lambda r: r.tables["stock"][0].update(on_hand=1), "oversold"),
    "stock without ledger": (lambda r: r.tables["moved"].clear(), "by the ledger"),
    "units allocated to nobody": (lambda r: r.tables["stock"][0].update(allocated=3), "3 allocated, 2 sold"),
    "units held for nobody": (lambda r: r.tables["stock"][0].update(reserved=1), "1 reserved, 0 held"),
    "a cart with two orders": (_second_order, "cart 3 has 2 orders"),
    "a number left out": (lambda r: r.tables["orders"][0].update(number=1002), "not gapless"),
    "a cent too much": (lambda r: r.tables["orders"][0].update(total=4291), "subtotal 3800, total 4291"),
    "tax that is not in the lines": (lambda r: r.tables["orders"][0].update(tax=684), "sum to 685"),
    "0 % without a reason": (lambda r: r.tables["taxes"][0].update(rate=0), "without a reason"),
    "shown and not there": (lambda r: r.seen.append(Seen("bob", 1007, 1)), "does not exist"),
    "charged another amount": (lambda r: r.seen.__setitem__(0, Seen("ada", 1001, 4190)), "confirmed 4190"),
    "left under way": (lambda r: r.tables["attempts"][0].update(state="claimed"), "left claimed"),
    "a dead job": (lambda r: r.tables["outbox"][0].update(dead_at="2026-01-01"), "is dead"),
    "a job never done": (lambda r: r.tables["outbox"][0].update(done_at=None), "never done"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str) -> None:
    plant, words = FAULTS[name]
    records = copy.deepcopy(agreeing())
    plant(records)
    assert any(words in found for found in audit.findings(records)), audit.findings(records)


def test_each_killed_worker_may_have_repeated_one_mail() -> None:
    records = agreeing()
    records.accepted *= 2
    records.may_repeat = 2
    assert audit.findings(records) == []
    records.accepted.append("<outbox.2@shop>")
    assert len(audit.findings(records)) == 2


def test_the_bank_and_the_mailbox_may_be_empty(tmp_path: Path) -> None:
    assert audit.bank(tmp_path / "none.db") == []
    assert audit.mailbox(tmp_path / "none") == []
    assert audit.accepted(tmp_path / "none") == []
