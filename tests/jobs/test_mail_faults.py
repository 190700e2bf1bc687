"""A mail server that fails at any word: what becomes of the mail, and that the ones behind it do not wait.

Docstrings are rows of docs/reliability.md (tests/topology/table.py). How workers die at each word: test_mail_smtp.py.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import limits
import msgspec
import pytest
from sqlalchemy import select, update

from hypermart.adapters.limiter import WindowLimiter
from hypermart.adapters.smtp import SmtpMail
from hypermart.db.outbox import Outbox
from hypermart.db.queue import retry_row
from hypermart.domain.orders.actions import cancel_order
from hypermart.jobs.delivery import deliver, due
from hypermart.qa.clock import QaClock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.jobs.mails import order
from tests.jobs.rows import add, row
from tests.parts.certificates import Authority
from tests.parts.smtp_server import SAFELY, Connection, MailServer, Once, Says, drips, hangs_up, is_silent, mail_server

PASSWORD = "secret of the shop"
WHOLE = 1.0
"""Seconds for a whole mail, of a server that takes too long."""
EARLY, LATE = SAFELY[:4], SAFELY[4:]
"""Before MAIL nothing was said about a mail."""


async def breaks_tls(connection: Connection) -> str:
    await connection.push("220 2.0.0 go ahead")
    connection.write(b"\x15 this is no TLS \r\n")
    return ""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def server(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with mail_server(authority.server(), password=PASSWORD) as server:
        yield server


@pytest.fixture
async def shop(settings: Settings, clock: QaClock, server: MailServer) -> AsyncIterator[Services]:
    """Two mails are owed."""
    async with opened(msgspec.structs.replace(settings, mail_url=server.url), clock) as shop:
        await order(shop, "pickup")  # of which nobody is reminded
        await add(shop, "mail_order_confirmation", order=1001)
        yield shop


def sending_by(shop: Services, server: MailServer, whole: float | None = None) -> Services:
    pace = WindowLimiter(limits.parse("1000 per minute"), "embedded:")
    return dataclasses.replace(shop, mail=SmtpMail(server.url, pace, whole=whole))


async def ids(shop: Services) -> list[int]:
    async with shop.db.fresh() as db:
        mails = select(Outbox.id).where(Outbox.job.startswith("mail_")).order_by(Outbox.id)
        return list((await db.execute(mails)).scalars())


async def a_round(shop: Services) -> None:
    """As a worker's lane goes by what is due."""
    for id_ in await due(shop, "mail"):
        await deliver(shop, id_, "mail")


def sent(server: MailServer) -> Counter[str]:
    return Counter(server.ids)


def once(*ids: int) -> Counter[str]:
    return Counter({f"<outbox.{id_}@127.0.0.1>": 1 for id_ in ids})


async def is_put_off(shop: Services, server: MailServer, *, heard: bool = False) -> tuple[int, int]:
    """The first mail has failed, the one behind it is there."""
    first, second = await ids(shop)
    await a_round(shop)
    found = await row(shop, first)
    assert (found.done_at, found.dead_at, found.attempts, found.leased_until) == (None, None, 1, None)
    assert found.last_error
    assert PASSWORD not in found.last_error
    assert (await row(shop, second)).done_at
    assert sent(server) == (once(first, second) if heard else once(second))
    return first, second


async def is_sent(shop: Services, clock: QaClock, id_: int) -> None:
    clock.advance(seconds=3)
    await a_round(shop)
    found = await row(shop, id_)
    assert (found.done_at, found.attempts, found.last_error) == (clock.now(), 2, None)


@pytest.mark.parametrize("code", ["421", "451"])
@pytest.mark.parametrize("state", SAFELY)
async def test_mail_server_says_not_now(
    shop: Services, server: MailServer, clock: QaClock, state: str, code: str
) -> None:
    """Nothing: the mail comes later, and the next one does not wait for it.

    Holds: each order is confirmed once.
    """
    server.steps[state] = Once(Says(f"{code} 4.3.0 not now"))
    first, second = await is_put_off(shop, server)
    await is_sent(shop, clock, first)
    assert sent(server) == once(first, second)


@pytest.mark.parametrize("state", EARLY)
async def test_mail_server_says_no_before_any_mail(
    shop: Services, server: MailServer, clock: QaClock, state: str
) -> None:
    """Nothing: the mail comes once the server is set up rightly.

    Holds: a server that was set up wrongly costs no mail; the log says so as an error.
    """
    server.steps[state] = Once(Says("550 5.7.1 not here"))
    first, second = await is_put_off(shop, server)
    await is_sent(shop, clock, first)
    assert sent(server) == once(first, second)


@pytest.mark.parametrize("state", LATE)
async def test_mail_server_says_no_to_a_mail(shop: Services, server: MailServer, clock: QaClock, state: str) -> None:
    """Nothing. Staff see the server's words, and may have the mail tried again.

    Holds: it is not tried again by itself, and then with the same Message-ID; the next mail does not wait for it.
    """
    first, second = await ids(shop)
    server.steps[state] = Once(Says("550 5.7.1 not that one"))
    await a_round(shop)
    found = await row(shop, first)
    assert found.dead_at
    assert "550 5.7.1 not that one" in found.last_error
    clock.advance(days=1)
    await a_round(shop)
    assert sent(server) == once(second)
    async with shop.db.write() as db:
        await retry_row(db, clock.now(), first)
    await a_round(shop)
    assert sent(server) == once(first, second)


@pytest.mark.parametrize("how", [is_silent, drips, hangs_up], ids=["silent", "a byte at a time", "hangs up"])
@pytest.mark.parametrize("state", SAFELY)
async def test_mail_server_stops_talking(
    shop: Services, server: MailServer, clock: QaClock, state: str, how: Any
) -> None:
    """Nothing: the mail comes later, and the next one within seconds.

    Holds: each order is confirmed once; twice, with the same Message-ID, only if the server had taken the message and
    its yes was not heard.
    """
    server.steps[state] = Once(how)
    first, second = await is_put_off(sending_by(shop, server, WHOLE), server, heard=state == "ack")
    await is_sent(shop, clock, first)
    assert sent(server) == once(first, second) + (once(first) if state == "ack" else Counter())


@pytest.mark.parametrize("how", ["refuses connections", "breaks TLS", "has a wrong certificate"])
async def test_mail_server(shop: Services, server: MailServer, clock: QaClock, authority: Authority, how: str) -> None:
    """Nothing: the mail comes once the server can be talked to safely.

    Holds: each order is confirmed once; no word of a mail, nor a password, before TLS.
    """
    first, second = await ids(shop)
    if how == "refuses connections":
        await a_round(sending_by(shop, MailServer(1, PASSWORD)))
    elif how == "breaks TLS":
        server.steps["starttls"] = breaks_tls
        await a_round(shop)
        server.steps.clear()
    else:
        async with mail_server(authority.server("127.0.0.2"), password=PASSWORD) as other:
            await a_round(sending_by(shop, other))
        assert not {"auth", "mail"} & set(other.reached)
    assert not {"auth", "mail"} & set(server.reached)
    assert [(await row(shop, id_)).attempts for id_ in (first, second)] == [1, 1]
    clock.advance(seconds=3)
    await a_round(shop)
    assert sent(server) == once(first, second)


@pytest.mark.parametrize("state", LATE)
async def test_order_cancelled_while_its_mail_is_put_off(
    shop: Services, server: MailServer, clock: QaClock, state: str
) -> None:
    """No mail of it.

    Holds: whether a mail is still right is asked anew at each attempt.
    """
    server.steps[state] = Says("451 4.3.0 not now")
    await a_round(shop)
    async with shop.db.write() as db:
        await cancel_order(db, 1001, clock.now())
    server.steps.clear()
    clock.advance(seconds=3)
    await a_round(shop)
    assert [(await row(shop, id_)).result for id_ in await ids(shop)] == ["not sent: cancelled"] * 2
    assert sent(server) == Counter()


async def test_new_mails_do_not_wait_for_those_that_fail(shop: Services, server: MailServer, clock: QaClock) -> None:
    """Each of those may take all its time again."""
    failed = await ids(shop)
    async with shop.db.write() as db:
        await db.execute(update(Outbox).values(attempts=1, last_error="TimeoutError"))
    clock.advance(seconds=5)
    fresh = await add(shop, "mail_order_confirmation", order=1001)
    assert await due(shop, "mail") == [fresh, *failed]
