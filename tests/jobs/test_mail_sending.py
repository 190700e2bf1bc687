"""Mails are sent while they are right, by who has the row, and arrive once whatever dies on the way."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hypermart.adapters import valkey
from hypermart.adapters.mail import MailFolder
from hypermart.db.outbox import Outbox
from hypermart.domain.orders.actions import cancel_order
from hypermart.domain.orders.links import is_order_token
from hypermart.domain.orders.models import Order
from hypermart.domain.payments.models import DECLINED, RELEASED, VOIDED, WAITING
from hypermart.jobs.delivery import LEASE, deliver, due
from hypermart.jobs.letters import written
from hypermart.qa.clock import QaClock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from hypermart.worker import inline, ringing
from tests.jobs.mails import attempt, mails, moved, order, ordered
from tests.jobs.rows import add, row, until_done
from tests.jobs.workers import start


async def owed(services: Services, job: str) -> int:
    async with services.db.read() as db:
        return int((await db.execute(select(Outbox.id).where(Outbox.job == job))).scalar_one())


async def run(services: Services, job: str) -> Any:
    id_ = await owed(services, job)
    assert await deliver(services, id_, "mail")
    return await row(services, id_)


async def test_an_order_is_confirmed(services: Services) -> None:
    number = await order(services)
    assert (await run(services, "mail_order_confirmation")).done_at
    (mail,) = await mails(services)
    assert (str(mail["To"]), str(mail["Subject"])) == (
        "Ada Beispiel <ada@example.com>",
        f"Your order {number} at Plate & Paper",
    )
    text = mail.get_body(("plain",))
    assert text is not None
    (link,) = (line for line in text.get_content().split() if "/orders/" in line)
    assert link.startswith(f"{services.settings.base_url}/orders/{number}?t=")
    assert is_order_token(link.partition("?t=")[2], services.secret, number)


async def test_an_order_that_is_not_there_is_not_confirmed(services: Services) -> None:
    for job, args in (
        ("mail_order_confirmation", {"order": 404}),
        ("mail_payment_reminder", {"order": 404}),
        ("mail_payment_failed", {"attempt": "no such"}),
    ):
        await add(services, job, **args)
        dead = await run(services, job)
        assert dead.dead_at, job
        assert dead.last_error.startswith("there is no ")
    assert await mails(services) == []


async def test_a_cancelled_order_is_neither_confirmed_nor_reminded_of(services: Services, clock: QaClock) -> None:
    number = await order(services)
    async with services.db.write() as db:
        await cancel_order(db, number, clock.now())
    clock.advance(days=30)
    assert (await run(services, "mail_order_confirmation")).done_at
    assert (await run(services, "mail_payment_reminder")).done_at
    assert await mails(services) == []


@pytest.mark.parametrize("is_paid", [False, True])
async def test_only_who_owes_is_reminded(services: Services, clock: QaClock, is_paid: bool) -> None:
    number = await order(services)
    id_ = await owed(services, "mail_payment_reminder")
    assert id_ not in await due(services, "mail")
    if is_paid:
        async with services.db.write() as db:
            found = (await db.scalars(select(Order).where(Order.number == number))).one()
            found.payment_status, found.paid_at = "paid", clock.now()
    clock.advance(days=30)
    assert (await run(services, "mail_payment_reminder")).done_at
    assert [str(mail["Subject"]) for mail in await mails(services)] == (
        [] if is_paid else [f"Order {number} is not paid yet"]
    )


@pytest.mark.parametrize(("state", "is_told"), [(DECLINED, True), (RELEASED, True), (VOIDED, True), (WAITING, False)])
async def test_only_what_failed_is_told_as_failed(services: Services, state: str, is_told: bool) -> None:
    key = await attempt(services)
    await moved(services, key, state)
    await add(services, "mail_payment_failed", attempt=key)
    assert (await run(services, "mail_payment_failed")).done_at
    sent = await mails(services)
    assert [str(mail["To"]) for mail in sent] == (["ada@example.com"] if is_told else [])
    assert all(f"/checkout/attempts/{key}" in mail.as_string() for mail in sent)


async def test_who_has_bought_meanwhile_is_not_told_of_a_failure(services: Services) -> None:
    key = await attempt(services)
    await moved(services, key, DECLINED)
    await ordered(services, key)  # of the same cart
    await add(services, "mail_payment_failed", attempt=key)
    assert (await run(services, "mail_payment_failed")).done_at
    assert await mails(services) == []


async def test_without_the_lease_nothing_is_sent(
    services: Services, clock: QaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was frozen between taking the row and sending, while another one sent the mail."""
    await order(services)
    id_ = await owed(services, "mail_order_confirmation")
    handed_over: list[str] = []
    keep = MailFolder.keep

    async def count(self: MailFolder, message: Any) -> None:
        handed_over.append(str(message["Message-ID"]))
        await keep(self, message)

    def freeze(*given: Any) -> Any:
        clock.advance(seconds=LEASE.total_seconds() + 1)
        return written(*given)

    monkeypatch.setattr(MailFolder, "keep", count)
    monkeypatch.setattr("hypermart.jobs.mail.written", freeze)
    await deliver(services, id_, "mail")
    assert handed_over == []
    assert "LeaseLost" in (await row(services, id_)).last_error
    monkeypatch.setattr("hypermart.jobs.mail.written", written)
    clock.advance(minutes=1)
    await deliver(services, id_, "mail")
    assert len(handed_over) == 1


async def test_a_mail_sent_twice_is_there_once(services: Services, clock: QaClock, tmp_path: Path) -> None:
    """The worker died after sending, before it could say so."""
    await order(services)
    id_ = await owed(services, "mail_order_confirmation")
    for _ in range(2):
        async with services.db.write() as db:
            found = await db.get(Outbox, id_)
            assert found is not None
            found.done_at = found.leased_until = None
        await deliver(services, id_, "mail")
        clock.advance(minutes=5)
    (mail,) = await mails(services)
    assert mail["Message-ID"] == f"<outbox.{id_}@127.0.0.1>"
    assert len(list((services.settings.data / "mail").iterdir())) == 1


@pytest.mark.slow
@pytest.mark.parametrize("crash_at", ["mail.written", "mail.sent"])
async def test_a_worker_killed_at_the_mail_and_valkey_wiped(settings: Settings, tmp_path: Path, crash_at: str) -> None:
    clock = QaClock()
    async with opened(settings, clock) as services:
        async with ringing(services) as url:
            await order(services, "pickup")  # of which nobody is reminded
            id_ = await owed(services, "mail_order_confirmation")
            worker = start(settings, tmp_path / "mark", 0, crash_at)
            try:
                assert await asyncio.to_thread(worker.wait, 30) == -signal.SIGKILL
            finally:
                worker.kill()
                worker.wait()
            client = valkey.client(url, timeout=2)
            await client.flushall()
            await client.aclose()
        left = await row(services, id_)
        assert (left.done_at, left.attempts) == (None, 1)
        before = [str(mail["Message-ID"]) for mail in await mails(services)]
        assert len(before) == (1 if crash_at == "mail.sent" else 0)
        clock.at = left.leased_until
        async with inline(services):
            await until_done(services, id_)
            await asyncio.sleep(0.2)
        assert [str(mail["Message-ID"]) for mail in await mails(services)] == [f"<outbox.{id_}@127.0.0.1>"]
        assert (await row(services, id_)).attempts == 2
