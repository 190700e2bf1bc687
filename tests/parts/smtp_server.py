"""A mail server that does as it is told at each command: answers, waits, is silent, drips, hangs up."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, TypeAlias
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

#: Done when a command has come. What it gives is the answer instead of the usual one; "" is none: it has said enough.
Step: TypeAlias = Callable[["Connection"], Awaitable[str | None]]
COMMANDS = ("greeting", "ehlo", "mail", "rcpt", "data", "ack")
"""Where a step can stand. `ack`: the message is the server's, and it has not said so."""
SAFELY = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "ack")
"""The same of a server with TLS that asks for a password."""


@dataclass
class Taken:
    sender: str
    recipient: str
    content: bytes
    is_tls: bool
    options: list[str]

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)


@dataclass
class MailServer:
    port: int = 0
    password: str = ""
    """Of ada, who alone is let in. Said by TLS alone."""
    taken: list[Taken] = field(default_factory=list)
    steps: dict[str, Step | Once] = field(default_factory=dict)
    reached: list[str] = field(default_factory=list)
    most_at_once: int = 0
    connections: set[Connection] = field(default_factory=set)

    @property
    def url(self) -> str:
        kind = f"smtp+starttls://ada:{quote(self.password)}@" if self.password else "smtp://"
        return f"{kind}127.0.0.1:{self.port}"

    @property
    def ids(self) -> list[str]:
        return [str(taken.mail["Message-ID"]) for taken in self.taken]


class Connection(SMTP):
    def __init__(self, told: MailServer, **options: Any) -> None:
        super().__init__(self, hostname="mail.test", enable_SMTPUTF8=True, data_size_limit=5_000_000, **options)
        self.told = told

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.told.connections.add(self)
        self.told.most_at_once = max(self.told.most_at_once, len(self.told.connections))

    def connection_lost(self, error: Exception | None) -> None:
        self.told.connections.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.abort()

    def write(self, words: bytes) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.write(words)

    async def _is_answered(self, command: str) -> bool:
        self.told.reached.append(command)
        answer = await step(self) if (step := self._step(command)) else None
        if answer:
            await self.push(answer)
        return answer is not None

    def _step(self, command: str) -> Step | None:
        step = self.told.steps.get(command)
        if isinstance(step, Once):
            step.who = step.who or self
            return step.step if step.who is self else None
        return step

    async def _handle_client(self) -> None:
        if not await self._is_answered("greeting"):
            await super()._handle_client()

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802  (aiosmtpd's names)
        if not await self._is_answered("ehlo"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        if not await self._is_answered("starttls"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        if not await self._is_answered("auth"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        if not await self._is_answered("mail"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        if not await self._is_answered("rcpt"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if not await self._is_answered("data"):
            await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        if not await self._is_answered("quit"):
            await super().smtp_QUIT(arg)

    async def handle_DATA(self, _: SMTP, __: Any, envelope: Envelope) -> str:  # noqa: N802
        self.told.reached.append("ack")
        step = self._step("ack")
        taken = Taken(
            str(envelope.mail_from),
            envelope.rcpt_tos[0],
            envelope.original_content or b"",
            bool(self.transport and self.transport.get_extra_info("ssl_object")),
            envelope.mail_options,
        )
        if not isinstance(step, Says):
            self.told.taken.append(taken)
        return (await step(self) if step else None) or "250 2.0.0 taken"


@dataclass
class Says:
    """A step: an answer, by which nothing is taken."""

    answer: str

    async def __call__(self, _: Connection) -> str:
        return self.answer


async def hangs_up(connection: Connection) -> str:
    connection.cut()
    await asyncio.sleep(60)  # until it is cancelled with its connection
    return ""


async def is_silent(_: Connection) -> str:
    await asyncio.sleep(60)
    return ""


async def drips(connection: Connection) -> str:
    """An answer that never ends, with a byte often enough for who counts between bytes."""
    while connection in connection.told.connections:
        connection.write(b"2")
        await asyncio.sleep(0.05)
    return ""


@dataclass
class Once:
    """A step of the first connection that comes by; the others have their way."""

    step: Step
    who: Connection | None = None


@dataclass
class Gate:
    """A step: connections wait here until it is opened."""

    here: asyncio.Event = field(default_factory=asyncio.Event)
    is_open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _: Connection) -> None:
        self.here.set()
        await self.is_open.wait()


@contextlib.asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext | None = None, *, is_tls_from_the_start: bool = False, password: str = "", **options: Any
) -> AsyncIterator[MailServer]:
    """With `tls` it offers STARTTLS, unless it speaks TLS from the start. With `password` it lets in ada alone."""
    told = MailServer(password=password)
    if password:

        def let_in(*given: Any) -> AuthResult:
            login = given[-1]
            is_right = isinstance(login, LoginPassword) and login == LoginPassword(b"ada", password.encode())
            return AuthResult(success=is_right, handled=False)

        options |= {"authenticator": let_in, "auth_required": True}
    if tls and not is_tls_from_the_start:
        options["tls_context"] = tls
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(told, **options), "127.0.0.1", 0, ssl=tls if is_tls_from_the_start else None
    )
    told.port = server.sockets[0].getsockname()[1]
    try:
        yield told
    finally:
        server.close()
        for connection in list(told.connections):
            connection.cut()
        await server.wait_closed()
        await asyncio.sleep(0)
