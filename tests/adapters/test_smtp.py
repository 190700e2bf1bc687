"""Mail by SMTP: yes, no for good, no for now; never longer than it may, and nothing but the mail is said."""

from __future__ import annotations

import asyncio
import time
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

import limits
import pytest
import structlog
from aiosmtplib import SMTPException, SMTPResponseException

from hypermart.adapters import smtp
from hypermart.adapters.limiter import WindowLimiter
from hypermart.adapters.smtp import SmtpMail
from hypermart.errors import Refused
from hypermart.ports import NotNow
from tests.parts.smtp_server import COMMANDS, Says, Step, drips, hangs_up, is_silent, mail_server

NOBODY = "smtp://127.0.0.1:1"


async def fine() -> None:
    """Nothing speaks against sending."""


def letter(id_: str = "outbox.7", to: str = "ada@example.com", body: str = "Hello\n") -> EmailMessage:
    local, _, domain = to.rpartition("@")
    message = EmailMessage(policy=SMTP if local.isascii() else SMTPUTF8)
    message["From"] = "Plate & Paper <shop@shop.example>"
    message["To"] = Address("Ada", local, domain)
    message["Subject"] = "Your order 1001"
    message["Message-ID"] = f"<{id_}@shop.example>"
    message.set_content(body, cte="quoted-printable")
    return message


def mail(url: str, pace: str = "1000 per minute", whole: float = 30.0) -> SmtpMail:
    return SmtpMail(url, WindowLimiter(limits.parse(pace), "embedded:"), whole=whole)


async def test_a_mail_arrives_as_it_is() -> None:
    body = "Hello\n.\n.dot\n..two\nFrom me\n" + "long " * 400 + "\nGrüße\n"
    async with mail_server() as server:
        await mail(server.url).send(letter(body=body), fine)
        (taken,) = server.taken
    assert (taken.sender, taken.recipient) == ("shop@shop.example", "ada@example.com")
    assert taken.mail.get_content().replace("\r\n", "\n") == body
    assert taken.mail["Message-ID"] == "<outbox.7@shop.example>"


@pytest.mark.parametrize("command", ["mail", "rcpt", "data", "ack"])
async def test_no_for_good_is_told_from_no_for_now(command: str) -> None:
    async with mail_server() as server:
        server.steps[command] = Says("550 5.7.1 we do not want it")
        with pytest.raises(Refused, match=r"^the mail server refused .*: 550 5.7.1 we do not want it$"):
            await mail(server.url).send(letter(), fine)
        for code in (421, 450, 451, 452):
            server.steps[command] = Says(f"{code} 4.0.0 later")
            with pytest.raises(SMTPResponseException) as later:
                await mail(server.url).send(letter(), fine)
            assert later.value.code == code
        assert server.taken == []


@pytest.mark.parametrize(
    ("command", "answer"), [("greeting", "421 busy"), ("ehlo", "421 busy"), ("greeting", "554 no mail service here")]
)
async def test_who_does_not_talk_to_us_refuses_no_mail(command: str, answer: str) -> None:
    """A server that was set up wrongly must not cost every mail of the day."""
    async with mail_server() as server:
        server.steps[command] = Says(answer)
        with structlog.testing.capture_logs() as logs, pytest.raises(SMTPResponseException):
            await mail(server.url).send(letter(), fine)
    assert [log["event"] for log in logs] == (["mail.server_unusable"] if answer.startswith("5") else [])


@pytest.mark.parametrize("code", [530, 535])
async def test_our_credentials_may_be_mended(code: int) -> None:
    async with mail_server() as server:
        server.steps["mail"] = Says(f"{code} 5.7.0 Authentication required")
        with structlog.testing.capture_logs() as logs, pytest.raises(SMTPResponseException):
            await mail(server.url).send(letter(), fine)
    assert [(log["event"], log["log_level"]) for log in logs] == [("mail.server_unusable", "error")]


async def test_nobody_there_is_no_for_now() -> None:
    with pytest.raises(SMTPException, match="Error connecting"):
        await mail(NOBODY).send(letter(), fine)


@pytest.mark.parametrize("step", [is_silent, drips], ids=["silent", "drips"])
@pytest.mark.parametrize("command", COMMANDS)
async def test_nobody_holds_us_longer_than_the_whole(command: str, step: Step) -> None:
    async with mail_server() as server:
        server.steps[command] = step
        began = time.perf_counter()
        with pytest.raises(TimeoutError):
            await mail(server.url, whole=0.3).send(letter(), fine)
        assert time.perf_counter() - began < 1


@pytest.mark.parametrize("name", ["CONNECT", "COMMAND"])
async def test_each_wait_has_its_end(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, name, 0.2)
    async with mail_server() as server:
        server.steps["greeting" if name == "CONNECT" else "rcpt"] = is_silent
        began = time.perf_counter()
        with pytest.raises(TimeoutError):
            await mail(server.url).send(letter(), fine)
        assert time.perf_counter() - began < 1


async def test_a_slow_yes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who hangs up before it sends the mail again, though it has arrived."""
    monkeypatch.setattr(smtp, "COMMAND", 0.2)

    async def think(_: object) -> None:
        await asyncio.sleep(0.5)

    async with mail_server() as server:
        server.steps["ack"] = think
        await mail(server.url).send(letter(), fine)


@pytest.mark.parametrize("command", COMMANDS)
async def test_who_hangs_up_is_asked_again(command: str) -> None:
    async with mail_server() as server:
        server.steps[command] = hangs_up
        with pytest.raises((SMTPException, ConnectionError)):
            await mail(server.url).send(letter(), fine)
        assert len(server.taken) == (command == "ack")
        server.steps.clear()
        await mail(server.url).send(letter(), fine)
        assert set(server.ids) == {"<outbox.7@shop.example>"}


async def test_after_the_yes_nothing_can_fail() -> None:
    async with mail_server() as server:
        server.steps["quit"] = is_silent
        began = time.perf_counter()
        await mail(server.url).send(letter(), fine)
        assert time.perf_counter() - began < 1
        server.steps["quit"] = hangs_up
        await mail(server.url).send(letter("outbox.8"), fine)
        assert len(server.taken) == 2


async def test_it_is_asked_at_the_last_moment() -> None:
    asked: list[list[str]] = []

    async def forbid() -> None:
        asked.append(list(server.reached))
        raise PermissionError("somebody else has it")

    async with mail_server() as server:
        with pytest.raises(PermissionError):
            await mail(server.url).send(letter(), forbid)
        await asyncio.sleep(0.05)
        assert server.taken == []
    assert asked == [["greeting", "ehlo", "mail", "rcpt", "data"]]


async def test_few_connections_at_once() -> None:
    async def slow(_: object) -> None:
        await asyncio.sleep(0.02)

    async with mail_server() as server:
        server.steps["data"] = slow
        sender = mail(server.url)
        await asyncio.gather(*(sender.send(letter(f"{n}"), fine) for n in range(20)))
        assert len(set(server.ids)) == 20
        assert 1 < server.most_at_once <= smtp.AT_ONCE + 1  # one that is being closed


async def test_a_domain_gets_so_many_a_minute() -> None:
    async with mail_server() as server:
        sender = mail(server.url, "2 per minute")
        for to in ("a@big.example", "b@BIG.example", "a@small.example"):
            await sender.send(letter(to=to), fine)
        with pytest.raises(NotNow, match=r"^big\.example has had its mails for now$") as later:
            await sender.send(letter(to="c@big.example"), fine)
        assert 0 < later.value.seconds <= 60
        await sender.send(letter(to="b@small.example"), fine)
        assert len(server.taken) == 4


async def test_a_recipient_in_any_script() -> None:
    async with mail_server() as server:
        await mail(server.url).send(letter(to="dörte@xn--bcher-kva.example"), fine)
        (taken,) = server.taken
        assert taken.recipient == "dörte@xn--bcher-kva.example"
        assert "SMTPUTF8" in taken.options
        await mail(server.url).send(letter(to="ada@xn--bcher-kva.example"), fine)
        assert "SMTPUTF8" not in server.taken[1].options
        assert server.taken[1].content.isascii()
        server.steps["ehlo"] = Says("250 mail.test")
        with pytest.raises(Refused, match="no addresses beyond ASCII"):
            await mail(server.url).send(letter(to="dörte@example.com"), fine)


class Forged(EmailMessage):
    """A message whose bytes are what somebody else made of it."""

    content = b""

    def as_bytes(self, unixfrom: bool = False, policy: object = None) -> bytes:  # noqa: ARG002
        return self.content


async def test_no_message_holds_another() -> None:
    """Servers disagree about what a lone CR or LF ends."""
    forged = Forged(policy=SMTP)
    forged["From"], forged["To"], forged["Message-ID"] = "shop@shop.example", "ada@example.com", "<7@shop.example>"
    forged.content = (
        b"Message-ID: <7@shop.example>\r\n\r\nHello\n.\n"
        b"MAIL FROM:<evil@example.com>\r.\r\nRCPT TO:<b@example.com>\r\n.\r\n"
        b"DATA\r\n\n.\r\nsmuggled\r\r\n"
    )
    async with mail_server() as server:
        await mail(server.url).send(forged, fine)
        await asyncio.sleep(0.05)
        (taken,) = server.taken
    assert taken.content.count(b"\r\n.") == 4
    assert b"\n" not in taken.content.replace(b"\r\n", b"")
    assert b"\r" not in taken.content.replace(b"\r\n", b"")


@pytest.mark.parametrize("header", ["From", "To"])
@pytest.mark.parametrize(
    "value", ["", "ada", "a@x.example, b@x.example", '"a b"@x.example', '"a>b"@x.example', "undisclosed:;"]
)
async def test_one_address_and_no_command_in_it(header: str, value: str) -> None:
    message = letter()
    del message[header]
    if value:
        message[header] = value
    async with mail_server() as server:
        with pytest.raises(Refused, match=f"not one usable address in {header}"):
            await mail(server.url).send(message, fine)
        assert server.reached == []


async def test_a_mail_of_any_size_is_not_sent() -> None:
    with pytest.raises(Refused, match=r"^the mail has \d+ bytes, over 1000000$"):
        await mail(NOBODY).send(letter(body="x" * 1_000_001), fine)
    async with mail_server() as server:  # which takes less than we do
        server.steps["ehlo"] = Says("250-mail.test\r\n250 SIZE 1000")
        server.steps["mail"] = Says("552 5.3.4 Message too big")
        with pytest.raises(Refused, match="552"):
            await mail(server.url).send(letter(body="x" * 2000), fine)


@pytest.mark.parametrize(
    "url",
    ["smtp://", "http://mail.example", "smtp://mail.example/x", "smtp:mail", "smtps://mail.example?tls=no", "mail"],
)
def test_what_is_no_mail_server(url: str) -> None:
    with pytest.raises(ValueError, match="use smtp://"):
        mail(url)
