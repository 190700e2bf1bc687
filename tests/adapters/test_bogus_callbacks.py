"""Callbacks: what the bogus gateway sends, when and how often, and what the adapter takes for its word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from hypermart.adapters.gateway import BogusGateway
from hypermart.bogus.callbacks import BACKOFF, sign
from hypermart.ports import Forged, GatewayEvent
from hypermart.qa.clock import QaClock
from tests.parts.bank import BANK, SECRET, Stand, open_bank

pytestmark = pytest.mark.slow  # waits run out

BODY = b'{"id":"evt_1","ref":"pay_1"}'


@pytest.fixture
async def bank(tmp_path: Path, clock: QaClock) -> AsyncIterator[Stand]:
    async with open_bank(tmp_path, clock) as stand:
        yield stand


@pytest.fixture
async def gateway(clock: QaClock) -> AsyncIterator[BogusGateway]:
    async with BogusGateway(BANK, SECRET, clock) as gateway:
        yield gateway


async def test_the_shop_is_told_what_it_did_not_do_itself(bank: Stand) -> None:
    opened = await bank.open()
    await bank.choose(opened, "approve")
    await bank.hook.has(1)
    event = bank.gateway.event(*bank.hook.came[0])
    assert event.ref == opened.ref
    assert event.id
    await bank.gateway.capture(opened.ref, key="c")
    await bank.hook.has(1)
    assert bank.kinds(calls=False) == ["callback_sent"]


async def test_every_event_has_an_id_of_its_own(bank: Stand) -> None:
    for key in ("1", "2"):
        await bank.choose(await bank.open(key), "do_not_honour")
    await bank.hook.has(2)
    assert len({bank.gateway.event(*came).id for came in bank.hook.came}) == 2


async def test_twice_is_the_same_event_twice(bank: Stand) -> None:
    await bank.choose(await bank.open(), "callback_twice")
    await bank.hook.has(2)
    assert len({bank.gateway.event(*came) for came in bank.hook.came}) == 1


async def test_late_is_half_a_minute_or_when_it_is_asked_for(bank: Stand, clock: QaClock) -> None:
    await bank.choose(await bank.open("1"), "callback_late")
    await bank.hook.has(0)
    assert (await bank.control(deliver=True))["delivered"] == 1
    await bank.hook.has(1)
    await bank.choose(await bank.open("2"), "callback_late")
    clock.advance(seconds=29)
    await bank.control()
    await bank.hook.has(1)
    clock.advance(seconds=1)
    await bank.hook.has(2)
    assert bank.gateway.event(*bank.hook.came[1]).id  # signed when it was sent, so not stale


async def test_lost_is_lost(bank: Stand, clock: QaClock) -> None:
    await bank.choose(await bank.open(), "callback_lost")
    clock.advance(hours=1)
    assert (await bank.control(deliver=True))["delivered"] == 0
    await bank.hook.has(0)
    assert bank.kinds(calls=False) == ["callback_lost"]


async def test_wrongly_signed_is_refused(bank: Stand) -> None:
    await bank.choose(await bank.open(), "callback_forged")
    await bank.hook.has(1)
    with pytest.raises(Forged, match="wrong signature"):
        bank.gateway.event(*bank.hook.came[0])


async def test_a_callback_that_the_shop_does_not_take_comes_again_and_again_but_not_for_ever(
    bank: Stand, clock: QaClock
) -> None:
    bank.hook.answers = [503] * 99
    await bank.choose(await bank.open(), "approve")
    for count, pause in enumerate(BACKOFF, start=1):
        await bank.hook.has(count)
        clock.advance(seconds=pause)
        await bank.control()  # looks at the clock now
    await bank.hook.has(len(BACKOFF) + 1)
    clock.advance(days=1)
    await bank.control(deliver=True)
    await bank.hook.has(len(BACKOFF) + 1)
    assert bank.kinds(calls=False) == ["callback_refused"] * 5 + ["callback_given_up"]
    assert len({body for _, body in bank.hook.came}) == 1


async def test_a_callback_that_is_taken_the_second_time_rests(bank: Stand, clock: QaClock) -> None:
    bank.hook.answers = [500]
    await bank.choose(await bank.open(), "approve")
    await bank.hook.has(1)
    clock.advance(seconds=1)
    await bank.control()
    await bank.hook.has(2)
    assert (await bank.control(deliver=True))["delivered"] == 0
    assert bank.kinds(calls=False) == ["callback_refused", "callback_sent"]


async def test_a_signed_callback_is_an_event(gateway: BogusGateway, clock: QaClock) -> None:
    headers = {"x-bogus-signature": sign(SECRET, BODY, clock.now().timestamp())}
    assert gateway.event(headers, BODY) == GatewayEvent("evt_1", "pay_1")


@pytest.mark.parametrize("off", [-301, 301, -86400, 10**9])
async def test_an_old_signature_is_refused(gateway: BogusGateway, clock: QaClock, off: int) -> None:
    headers = {"x-bogus-signature": sign(SECRET, BODY, clock.now().timestamp() + off)}
    with pytest.raises(Forged, match="another time"):
        gateway.event(headers, BODY)


@pytest.mark.parametrize("off", [-300, 0, 300])
async def test_clocks_may_differ_a_little(gateway: BogusGateway, clock: QaClock, off: int) -> None:
    headers = {"x-bogus-signature": sign(SECRET, BODY, clock.now().timestamp() + off)}
    assert gateway.event(headers, BODY).ref == "pay_1"


async def test_another_time_under_the_same_signature_is_refused(gateway: BogusGateway, clock: QaClock) -> None:
    old = sign(SECRET, BODY, clock.now().timestamp() - 9999)
    fresh = f"t={int(clock.now().timestamp())},{old.partition(',')[2]}"
    with pytest.raises(Forged, match="wrong signature"):
        gateway.event({"x-bogus-signature": fresh}, BODY)


@pytest.mark.parametrize(
    "header", [None, "", "t=", "t=1,v1=", "t=x,v1=" + "0" * 64, "v1=" + "0" * 64, "t=1,v1=" + "é" * 64, "t=" + "9" * 99]
)
async def test_a_garbled_signature_is_refused(gateway: BogusGateway, header: str | None) -> None:
    with pytest.raises(Forged):
        gateway.event({} if header is None else {"x-bogus-signature": header}, BODY)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b'{"id":1,"ref":"x"}', b'{"id":"x"}', b"<xml/>", b'"\xff"']
)
async def test_a_garbled_body_is_refused_though_it_is_signed(
    gateway: BogusGateway, clock: QaClock, body: bytes
) -> None:
    with pytest.raises(Forged):
        gateway.event({"x-bogus-signature": sign(SECRET, body, clock.now().timestamp())}, body)


async def test_a_changed_body_is_refused(gateway: BogusGateway, clock: QaClock) -> None:
    headers = {"x-bogus-signature": sign(SECRET, BODY, clock.now().timestamp())}
    other = msgspec.json.encode({"id": "evt_1", "ref": "pay_2"})
    with pytest.raises(Forged, match="wrong signature"):
        gateway.event(headers, other)
