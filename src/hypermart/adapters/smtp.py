"""Mail by SMTP: what the server says, told apart as yes, as no for good, and as no for now."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Iterator
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as ASCII
from email.policy import SMTPUTF8
from urllib.parse import unquote, urlsplit

import msgspec
import structlog
from aiosmtplib import SMTP, SMTPException, SMTPResponseException
from aiosmtplib.errors import SMTPAuthenticationError, SMTPDataError

from hypermart.errors import Refused
from hypermart.ports import Check, Limiter, NotNow

log = structlog.get_logger(__name__)

CONNECT, COMMAND, WHOLE = 5.0, 10.0, 30.0
"""Seconds: to the server's greeting; for the answer to a command; for all of it. The answer to the message itself has
all that is left: who hangs up on a slow server sends twice. jobs/delivery.py stops a job after RUN = 60."""
AT_ONCE = 4
"""Connections of one process."""
LONGEST = 1_000_000
"""Bytes of a message."""
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
OURS = (530, 534, 535, 538)
"""Codes that speak of our credentials, at whatever command: they may be mended."""
_SAFE = re.compile(r"[^\s<>\x00-\x1f\x7f-\x9f]+@[A-Za-z0-9.\-\[\]:]+")


class Envelope(msgspec.Struct, frozen=True):
    sender: str
    recipient: str
    content: bytes
    """As it goes over the wire, but for the dot at its end."""

    @property
    def is_utf8(self) -> bool:
        return not (self.sender + self.recipient).isascii()


class SmtpMail:
    """`smtps:` is TLS from the first byte, `smtp+starttls:` insists on STARTTLS. `smtp:` takes it where it is offered,
    and insists before a password. Certificates are always checked."""

    def __init__(self, url: str, pace: Limiter, *, whole: float | None = None) -> None:
        """`pace` counts by recipient domain. Raises ValueError for what is no address of a mail server."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("use smtp://HOST:PORT, smtp+starttls://USER:PASSWORD@HOST or smtps://USER:PASSWORD@HOST")
        self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        self.place = f"{self._host}:{self._port}"
        self._user, self._password = unquote(parts.username or "") or None, unquote(parts.password or "") or None
        self._is_tls = parts.scheme == "smtps"
        self._needs_starttls = parts.scheme == "smtp+starttls" or (self._user is not None and not self._is_tls)
        self._pace, self._whole, self._free = pace, whole or WHOLE, asyncio.Semaphore(AT_ONCE)

    async def send(self, message: EmailMessage, check: Check) -> None:
        """Raises Refused if the server will never take it, NotNow if its domain has had enough for now."""
        envelope = _envelope(message)
        domain = envelope.recipient.rpartition("@")[2].lower()
        if seconds := await self._pace.wait(f"mail:{domain}"):
            raise NotNow(f"{domain} has had its mails for now", seconds)
        client = self._client(envelope.sender)
        try:
            async with asyncio.timeout(self._whole), self._free:
                await _connect(client)
                await _hand_over(client, envelope, check)
            _say_goodbye(client)
        finally:
            client.close()

    async def try_as(self, sender: str) -> bool:
        """As far as to where a recipient would be named, and no further. Gives whether that was over TLS."""
        client = self._client(sender)
        try:
            async with asyncio.timeout(self._whole):
                await _connect(client)
                await client.mail(sender)
                await client.rset()
            _say_goodbye(client)
            return client.get_transport_info("ssl_object") is not None
        finally:
            client.close()

    def _client(self, sender: str) -> SMTP:
        return SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._is_tls,
            start_tls=True if self._needs_starttls else None if not self._is_tls else False,
            local_hostname=sender.rpartition("@")[2],
            timeout=COMMAND,
        )


async def _connect(client: SMTP) -> None:
    """To where a message may be said. What goes wrong here is no message's fault, so it is tried again; but loudly,
    where it will not mend itself."""
    try:
        await client.connect(timeout=CONNECT)
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
    except (SMTPException, ssl.SSLError) as error:
        is_refused = isinstance(error, SMTPResponseException) and error.code >= 500
        is_unsafe = isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError)
        if is_refused or is_unsafe or type(error) is SMTPException:  # the last one: no STARTTLS, or no AUTH, is offered
            log.error("mail.server_unusable", host=client.hostname, reason=str(error))  # noqa: TRY400  (no traceback)
        raise


async def _hand_over(client: SMTP, envelope: Envelope, check: Check) -> None:
    options = [f"SIZE={len(envelope.content)}"] if client.supports_extension("size") else []
    if envelope.is_utf8:
        if not client.supports_extension("smtputf8"):
            raise Refused("the mail server takes no addresses beyond ASCII")
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    with _judged("MAIL"):
        await client.mail(envelope.sender, options=options, encoding="utf-8")
    with _judged("RCPT"):
        await client.rcpt(envelope.recipient, encoding="utf-8")
    with _judged("DATA"):
        begun = await client.execute_command(b"DATA")
        if begun.code != 354:
            raise SMTPDataError(begun.code, begun.message)
    await check()  # as late as can be: an answer may have taken long, and who hangs up now has sent nothing
    with _judged("the message"):
        protocol = client.protocol
        if protocol is None:
            raise ConnectionResetError("the mail server hung up")
        protocol.write(envelope.content + b".\r\n")
        ended = await protocol.read_response()
        if ended.code >= 300:
            raise SMTPDataError(ended.code, ended.message)


@contextlib.contextmanager
def _judged(command: str) -> Iterator[None]:
    """5xx is an answer for good, but for those about our own credentials."""
    try:
        yield
    except SMTPResponseException as error:
        if isinstance(error, SMTPAuthenticationError) or error.code in OURS:
            log.error("mail.server_unusable", reason=f"{error.code} {error.message}")  # noqa: TRY400  (no traceback)
        elif error.code >= 500:
            raise Refused(f"the mail server refused {command}: {error.code} {error.message}") from error
        raise


def _say_goodbye(client: SMTP) -> None:
    """Nobody waits for the answer: the mail is the server's."""
    with contextlib.suppress(SMTPException, OSError):
        if client.protocol is not None:
            client.protocol.write(b"QUIT\r\n")


def _envelope(message: EmailMessage) -> Envelope:
    sender, recipient = _address(message, "From"), _address(message, "To")
    is_utf8 = not (sender + recipient).isascii()
    content = message.as_bytes(policy=SMTPUTF8 if is_utf8 else ASCII)
    if len(content) > LONGEST:
        raise Refused(f"the mail has {len(content)} bytes, over {LONGEST}")
    # However it was written: servers disagree about what a lone CR or LF ends, so a message could hold another one.
    lines = re.split(rb"\r\n|\r|\n", content.rstrip(b"\r\n"))
    return Envelope(sender, recipient, b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines))


def _address(message: EmailMessage, header: str) -> str:
    """The one address of `header`. It becomes part of a command, so nothing may stand in it that ends one."""
    found: tuple[Address, ...] = message[header].addresses if message[header] else ()
    if len(found) != 1 or not _SAFE.fullmatch(found[0].addr_spec):
        raise Refused(f"the mail has not one usable address in {header}")
    return found[0].addr_spec
