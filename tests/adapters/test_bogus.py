"""The adapter's contract with the bogus gateway: each call, twice, at once, out of turn, and gone wrong."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hypermart.adapters.gateway import BogusGateway
from hypermart.bogus import journal
from hypermart.money import Money
from hypermart.ports import GatewayAway
from hypermart.qa.clock import QaClock
from tests.parts.bank import BANK, EUROS, RETURN, SECRET, Stand, open_bank, transport


@pytest.fixture
async def bank(tmp_path: Path, clock: QaClock) -> AsyncIterator[Stand]:
    async with open_bank(tmp_path, clock, patience=0.3) as stand:
        yield stand


async def test_open_then_approve_then_capture(bank: Stand) -> None:
    opened = await bank.open()
    assert (opened.key, opened.state, opened.amount, opened.reason) == ("attempt-1", "open", EUROS, "")
    assert opened.pay_url == f"{BANK}/pay/{opened.ref}"
    await bank.choose(opened, "approve")
    assert (await bank.gateway.find(opened.ref)).state == "authorised"
    assert (await bank.gateway.capture(opened.ref, key="c")).state == "captured"
    assert bank.kinds() == ["opened", "authorised", "captured"]
    assert [entry.key for entry in journal.entries(bank.setup.journal) if entry.kind == "captured"] == ["c"]


async def test_the_journal_says_what_when_and_for_how_much(bank: Stand, clock: QaClock) -> None:
    opened = await bank.open(amount=Money(1234, "KWD"))
    clock.advance(minutes=1)
    await bank.choose(opened, "lost_card")
    first, second = journal.entries(bank.setup.journal)[:2]
    assert (first.ref, first.amount, first.currency, first.key) == (opened.ref, 1234, "KWD", "attempt-1")
    assert (second.kind, second.detail, second.at - first.at) == ("declined", "lost_card", clock.now() - first.at)


async def test_nobody_rewrites_the_journal(bank: Stand) -> None:
    await bank.open()
    with contextlib.closing(sqlite3.connect(bank.setup.journal)) as db:
        for statement in ("UPDATE entries SET amount = 1", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                db.execute(statement)


@pytest.mark.parametrize("amount", [Money(0, "EUR"), Money(500, "JPY"), Money(1, "KWD"), Money(10**12, "EUR")])
async def test_any_amount_goes_through(bank: Stand, amount: Money) -> None:
    opened = await bank.open(amount=amount)
    assert amount.format("en") in (await bank.http.get(opened.pay_url)).text
    await bank.choose(opened, "approve")
    captured = await bank.gateway.capture(opened.ref, key="c")
    assert (captured.state, captured.amount) == ("captured", amount)


async def test_thirty_times_at_once_is_once(bank: Stand) -> None:
    opened = await asyncio.gather(*(bank.open() for _ in range(30)))
    assert len({intent.ref for intent in opened}) == 1
    await bank.choose(opened[0], "approve")
    captured = await asyncio.gather(*(bank.gateway.capture(opened[0].ref, key="c") for _ in range(30)))
    assert {intent.state for intent in captured} == {"captured"}
    assert bank.kinds() == ["opened", "authorised", "captured"]


async def test_other_keys_take_the_money_no_second_time(bank: Stand) -> None:
    opened = await bank.open()
    await bank.choose(opened, "approve")
    captured = await asyncio.gather(*(bank.gateway.capture(opened.ref, key=f"c{each}") for each in range(30)))
    assert {intent.state for intent in captured} == {"captured"}
    assert bank.kinds().count("captured") == 1


async def test_a_key_is_answered_as_the_first_time(bank: Stand) -> None:
    opened = await bank.open()
    await bank.choose(opened, "approve")
    assert await bank.open() == opened
    captured = await bank.gateway.capture(opened.ref, key="c")
    assert await bank.gateway.capture(opened.ref, key="c") == captured


async def test_a_key_with_another_request_is_refused(bank: Stand) -> None:
    opened = await bank.open("k")
    with pytest.raises(GatewayAway, match="409"):
        await bank.open("k", Money(4901, "EUR"))
    with pytest.raises(GatewayAway, match="409"):
        await bank.gateway.void(opened.ref, key="k")
    assert bank.kinds() == ["opened"]


async def test_a_call_without_effect_leaves_its_key_free(bank: Stand) -> None:
    opened = await bank.open()
    assert (await bank.gateway.capture(opened.ref, key="c")).state == "open"
    await bank.choose(opened, "approve")
    assert (await bank.gateway.capture(opened.ref, key="c")).state == "captured"


async def test_void_lets_go_what_is_not_taken(bank: Stand) -> None:
    for number, outcome in enumerate(("", "pending_paid", "approve")):
        intent = await bank.open(f"k{number}")
        if outcome:
            await bank.choose(intent, outcome)
        assert (await bank.gateway.void(intent.ref, key=f"v{number}")).state == "voided"
        assert (await bank.gateway.capture(intent.ref, key=f"c{number}")).state == "voided"
    await bank.control(settle=True)
    assert [kind for kind in bank.kinds() if kind == "captured"] == []
    assert bank.kinds().count("voided") == 3


async def test_void_after_the_end_changes_nothing(bank: Stand) -> None:
    paid, refused = await bank.open("paid"), await bank.open("refused")
    await bank.choose(paid, "approve")
    await bank.gateway.capture(paid.ref, key="c")
    await bank.choose(refused, "do_not_honour")
    assert (await bank.gateway.void(paid.ref, key="v1")).state == "captured"
    assert (await bank.gateway.void(refused.ref, key="v2")).state == "declined"
    assert "voided" not in bank.kinds()


async def test_a_refused_capture_is_a_decline(bank: Stand) -> None:
    opened = await bank.open()
    await bank.choose(opened, "capture_refused")
    for _ in range(2):
        refused = await bank.gateway.capture(opened.ref, key="c")
        assert (refused.state, refused.reason) == ("declined", "capture_refused")
    assert bank.kinds() == ["opened", "authorised", "declined"]


async def test_a_capture_that_is_answered_too_late_was_done_once(bank: Stand) -> None:
    opened = await bank.open()
    await bank.choose(opened, "capture_late")
    with pytest.raises(GatewayAway):
        await bank.gateway.capture(opened.ref, key="c")
    assert (await bank.gateway.find(opened.ref)).state == "captured"
    assert (await bank.gateway.capture(opened.ref, key="c")).state == "captured"
    assert bank.kinds() == ["opened", "authorised", "captured"]


@pytest.mark.parametrize(
    ("kind", "is_done"), [("slow", False), ("error", False), ("lost", True), ("late", True)], ids=lambda part: part
)
async def test_a_fault_is_seen_and_survived(bank: Stand, kind: str, is_done: bool) -> None:
    await bank.control(faults=[{"call": "open", "kind": kind}])
    with pytest.raises(GatewayAway):
        await bank.open()
    assert bank.kinds() == (["opened"] if is_done else [])
    assert (await bank.open()).state == "open"
    assert bank.kinds() == ["opened"]


async def test_faults_are_counted_and_taken_back(bank: Stand) -> None:
    opened = await bank.open()
    await bank.control(faults=[{"call": "find", "kind": "error", "times": 2}])
    for _ in range(2):
        with pytest.raises(GatewayAway, match="500"):
            await bank.gateway.find(opened.ref)
    await bank.gateway.find(opened.ref)
    await bank.control(faults=[{"call": "find", "kind": "error", "times": 99}])
    await bank.control(faults=[])
    await bank.gateway.find(opened.ref)


async def test_who_drips_is_away_as_well() -> None:
    async def drips(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(100):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0.05)

    started = time.monotonic()
    async with BogusGateway(BANK, SECRET, QaClock(), transport=transport(drips), patience=0.2) as gateway:
        with pytest.raises(GatewayAway, match="TimeoutError"):
            await gateway.find("x")
    assert time.monotonic() - started < 1


@pytest.mark.slow
async def test_by_default_the_shop_waits_for_less_than_six_seconds(tmp_path: Path, clock: QaClock) -> None:
    async with open_bank(tmp_path, clock) as bank:
        await bank.control(faults=[{"call": "open", "kind": "slow"}])
        started = time.monotonic()
        with pytest.raises(GatewayAway):
            await bank.open()
        assert 4 < time.monotonic() - started < 6


async def test_who_is_not_there_is_away(clock: QaClock) -> None:
    async with BogusGateway("http://127.0.0.1:1", SECRET, clock) as gateway:
        with pytest.raises(GatewayAway, match="ConnectError"):
            await gateway.find("x")


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b'{"ref":"x"}', b'{"state":"paid"}'])
async def test_an_answer_without_sense_is_no_answer(answer: bytes, clock: QaClock) -> None:
    async def mumbles(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    async with BogusGateway(BANK, SECRET, clock, transport=transport(mumbles)) as gateway:
        with pytest.raises(GatewayAway):
            await gateway.find("x")


async def test_strangers_get_nothing(bank: Stand, clock: QaClock) -> None:
    opened = await bank.open()
    async with BogusGateway(BANK, b"other", clock, transport=transport(bank.app)) as stranger:
        with pytest.raises(GatewayAway, match="401"):
            await stranger.find(opened.ref)
        with pytest.raises(GatewayAway, match="401"):
            await stranger.void(opened.ref, key="v")
    assert (await bank.http.post("/control", json={"settle": True})).status_code == 401
    with pytest.raises(GatewayAway, match="404"):
        await bank.gateway.find("pay_unknown")


GOOD = {"key": "k", "amount": 1, "currency": "EUR", "return_url": RETURN}
BAD: list[dict[str, Any]] = [
    {"amount": -1},
    {"amount": 1.5},
    {"amount": "one"},
    {"amount": None},
    {"currency": "EURO"},
    {"currency": "XQQ"},
    {"key": ""},
    {"return_url": "javascript:alert(1)"},
    {"return_url": "//shop.test"},
    {"return_url": f"{RETURN}\r\nset-cookie: a=b"},
    {"return_url": "http://shop.test; script-src *"},
    {"return_url": "http://"},
    {"discount": 1},
]


@pytest.mark.parametrize("change", BAD, ids=str)
async def test_orders_without_sense_are_refused(bank: Stand, change: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {SECRET.decode()}", "idempotency-key": "k"}
    answer = await bank.http.post("/payments", json=GOOD | change, headers=headers)
    assert answer.status_code == 400
    assert bank.kinds() == []
    assert (await bank.http.post("/payments", json=GOOD, headers=headers)).status_code == 200


async def test_a_change_needs_a_key(bank: Stand) -> None:
    headers = {"authorization": f"Bearer {SECRET.decode()}"}
    assert (await bank.http.post("/payments", json=GOOD, headers=headers)).status_code == 400
    assert bank.kinds() == []
