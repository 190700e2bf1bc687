"""The independent checker: compares four records that nobody but their keepers wrote. Shares no code with the shop.

Bank (the gateway's journal), mailbox (.eml files, and what a mail server accepted), shoppers' journals (what each saw),
and the shop's database, read with SQL of our own. The shop is never asked whether it is right.
"""

from __future__ import annotations

import email
import email.policy
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

Row = dict[str, Any]
TABLES = {
    "orders": "SELECT * FROM orders ORDER BY number",
    "lines": "SELECT * FROM order_lines",
    "taxes": "SELECT * FROM order_tax_lines",
    "attempts": "SELECT id, `key`, cart_id, method, amount, currency, state, gateway_ref FROM payment_attempts",
    "stock": "SELECT * FROM stock_levels",
    "reserved": "SELECT variant_id, SUM(quantity) AS units FROM reservations GROUP BY variant_id",
    "moved": "SELECT variant_id, SUM(quantity) AS units FROM stock_movements GROUP BY variant_id",
    "outbox": "SELECT id, job, done_at, dead_at, last_error FROM outbox",
}
CONFIRMATION = re.compile(r"^Your order (\d+) ")
OWED = ("mail_order_confirmation", "mail_payment_failed", "restate_stock")
"""Jobs that an order brings; a reminder is for later."""
UNSETTLED = ("created", "pending", "waiting", "claimed", "superseded")


class Capture(msgspec.Struct, frozen=True):
    ref: str
    amount: int
    currency: str


class Letter(msgspec.Struct, frozen=True):
    to: str
    subject: str
    text: str


class Seen(msgspec.Struct, frozen=True):
    """One line of a shopper's journal: the order that was confirmed to them, and the amount on the button."""

    who: str
    number: int
    amount: int


class Records(msgspec.Struct):
    captures: list[Capture]
    letters: list[Letter]
    seen: list[Seen]
    tables: dict[str, list[Row]]
    accepted: list[str] = []
    """Message-IDs, one for each time that the mail server took it. A mailbox shows a mail that came twice once."""
    may_repeat: int = 0
    """So many mails may have come once more: as many as workers were killed."""


def bank(path: Path) -> list[Capture]:
    if not path.exists():
        return []
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT ref, amount, currency FROM entries WHERE kind = 'captured'")
        return [Capture(*row) for row in rows]


def mailbox(folder: Path) -> list[Letter]:
    letters = []
    for path in sorted(folder.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = message.get_body(("plain",))
        letters.append(Letter(str(message["To"]), str(message["Subject"]), body.get_content() if body else ""))
    return letters


def accepted(folder: Path) -> list[str]:
    """As the mail server of a stack wrote it down; of other mailboxes nothing is known."""
    log = folder / "accepted.log"
    return [line.split("\t")[0] for line in log.read_text().splitlines()] if log.exists() else []


async def database(url: str) -> dict[str, list[Row]]:
    """The tables of the shop whose primary is at `url`."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return {
                name: [dict(row) for row in (await connection.execute(text(sql))).mappings()]
                for name, sql in TABLES.items()
            }
    finally:
        await engine.dispose()


def findings(records: Records) -> list[str]:
    """Everything that does not add up, in words; nothing if all four agree."""
    checks = (_numbers, _amounts, _money, _stock, _letters, _repeats, _shoppers, _leftovers)
    return [found for check in checks for found in check(records)]


def _numbers(records: Records) -> Iterator[str]:
    numbers = [row["number"] for row in records.tables["orders"]]
    if numbers != list(range(1001, 1001 + len(numbers))):
        yield f"order numbers are not gapless: {numbers}"
    yield from _twice("cart", (row["cart_id"] for row in records.tables["orders"]))
    yield from _twice("attempt", (row["attempt_id"] for row in records.tables["orders"]))


def _twice(what: str, ids: Iterable[int]) -> Iterator[str]:
    for id_, count in Counter(ids).items():
        if count > 1:
            yield f"{what} {id_} has {count} orders"


def _amounts(records: Records) -> Iterator[str]:
    goods: Counter[int] = Counter()
    gross: Counter[int] = Counter()
    tax: Counter[int] = Counter()
    for line in records.tables["lines"]:
        goods[line["order_id"]] += line["total"]
        if line["total"] != line["quantity"] * line["unit_price"]:
            yield f"line {line['id']}: {line['quantity']} x {line['unit_price']} is not {line['total']}"
    for row in records.tables["taxes"]:
        gross[row["order_id"]] += row["gross"]
        tax[row["order_id"]] += row["amount"]
        if row["rate"] == 0 and not row["reason"]:
            yield f"tax line {row['id']} has 0 % without a reason"
    for order in records.tables["orders"]:
        id_, number = order["id"], order["number"]
        if goods[id_] != order["subtotal"] or order["subtotal"] + order["delivery"] != order["total"]:
            yield f"order {number}: lines {goods[id_]}, subtotal {order['subtotal']}, total {order['total']}"
        if gross[id_] != order["total"] or tax[id_] != order["tax"]:
            yield f"order {number}: tax lines are of {gross[id_]} and sum to {tax[id_]}"


def _money(records: Records) -> Iterator[str]:
    attempts = {row["id"]: row for row in records.tables["attempts"]}
    by_ref = {row["gateway_ref"]: row for row in attempts.values() if row["gateway_ref"]}
    orders = {row["attempt_id"]: row for row in records.tables["orders"]}
    captured = Counter(capture.ref for capture in records.captures)
    for ref, count in captured.items():
        if count > 1:
            yield f"payment {ref} was captured {count} times"
    for capture in records.captures:
        attempt = by_ref.get(capture.ref)
        order = orders.get(attempt["id"]) if attempt else None
        if order is None:
            yield f"payment {capture.ref} of {capture.amount} was captured and belongs to no order"
        elif (order["total"], order["currency"]) != (capture.amount, capture.currency):
            yield f"order {order['number']} is of {order['total']}, and {capture.amount} were captured"
    for order in orders.values():
        attempt = attempts[order["attempt_id"]]
        if attempt["method"] == "card" and order["paid_at"] and not captured[attempt["gateway_ref"]]:
            yield f"order {order['number']} is paid by card, and nothing was captured"


def _stock(records: Records) -> Iterator[str]:
    cancelled = {row["id"] for row in records.tables["orders"] if row["cancelled_at"]}
    sold: Counter[int] = Counter()
    for line in records.tables["lines"]:
        if line["order_id"] not in cancelled:
            sold[line["variant_id"]] += line["quantity"]
    held = {row["variant_id"]: int(row["units"]) for row in records.tables["reserved"]}
    moved = {row["variant_id"]: int(row["units"]) for row in records.tables["moved"]}
    for level in records.tables["stock"]:
        id_ = level["variant_id"]
        if level["allocated"] != sold[id_]:
            yield f"variant {id_}: {level['allocated']} allocated, {sold[id_]} sold"
        if level["reserved"] != held.get(id_, 0):
            yield f"variant {id_}: {level['reserved']} reserved, {held.get(id_, 0)} held"
        if level["on_hand"] != moved.get(id_, 0):
            yield f"variant {id_}: {level['on_hand']} on hand, {moved.get(id_, 0)} by the ledger"
        if not level["may_oversell"] and sold[id_] + held.get(id_, 0) > level["on_hand"]:
            yield f"variant {id_} is oversold: {sold[id_]} sold and {held.get(id_, 0)} held of {level['on_hand']}"


def _letters(records: Records) -> Iterator[str]:
    confirmed: dict[int, list[Letter]] = defaultdict(list)
    for letter in records.letters:
        if named := CONFIRMATION.search(letter.subject):
            confirmed[int(named[1])].append(letter)
    orders = {row["number"]: row for row in records.tables["orders"]}
    for number, order in orders.items():
        letters = confirmed.pop(number, [])
        is_moot = order["cancelled_at"] and not letters  # cancelled before its mail was written
        if len(letters) != 1 and not is_moot:
            yield f"order {number} has {len(letters)} confirmations"
        for letter in letters:
            if order["email"] not in letter.to:
                yield f"the confirmation of order {number} went to {letter.to}"
    for number in confirmed:
        yield f"a confirmation names order {number}, which does not exist"


def _repeats(records: Records) -> Iterator[str]:
    times = {id_: count for id_, count in Counter(records.accepted).items() if count > 1}
    if sum(times.values()) - len(times) > records.may_repeat:
        for id_, count in times.items():
            yield f"mail {id_} was accepted {count} times, and {records.may_repeat} workers were killed"


def _shoppers(records: Records) -> Iterator[str]:
    orders = {row["number"]: row for row in records.tables["orders"]}
    for seen in records.seen:
        order = orders.get(seen.number)
        if order is None:
            yield f"{seen.who} was shown order {seen.number}, which does not exist"
        elif order["total"] != seen.amount:
            yield f"{seen.who} confirmed {seen.amount} and was charged {order['total']} by order {seen.number}"
    for who, numbers in _by_shopper(records.seen).items():
        if len(numbers) > 1:
            yield f"{who} meant to buy once and has orders {sorted(numbers)}"


def _by_shopper(seen: Iterable[Seen]) -> dict[str, set[int]]:
    numbers: dict[str, set[int]] = defaultdict(set)
    for line in seen:
        numbers[line.who].add(line.number)
    return numbers


def _leftovers(records: Records) -> Iterator[str]:
    for attempt in records.tables["attempts"]:
        if attempt["state"] in UNSETTLED:
            yield f"attempt {attempt['id']} was left {attempt['state']}"
    for row in records.tables["outbox"]:
        if row["dead_at"]:
            yield f"job {row['job']} of outbox row {row['id']} is dead: {row['last_error']}"
        elif not row["done_at"] and row["job"] in OWED:
            yield f"job {row['job']} of outbox row {row['id']} was never done"
