"""Mail by SMTP. A refusal for good is told from a bad moment, after which the same message is handed over again."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib.errors import SMTPRecipientsRefused, SMTPResponseException

from hypermart.errors import Refused

PATIENCE = 20.0
"""Seconds for a whole delivery: a job has 60."""
AT_ONCE = 4
"""Connections of one process."""
PORTS = {"smtp": 25, "smtps": 465}


class SmtpMail:
    """`smtps:` is TLS from the first byte. `smtp:` uses STARTTLS where it is offered, and insists before a password."""

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        """Raises ValueError for what is no address of a mail server."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("use smtp://HOST:PORT or smtps://USER:PASSWORD@HOST")
        self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        self._is_tls = parts.scheme == "smtps"
        self._user, self._password = unquote(parts.username or "") or None, unquote(parts.password or "") or None
        self._patience, self._free = patience, asyncio.Semaphore(AT_ONCE)

    async def send(self, message: EmailMessage) -> None:
        """Raises Refused if the server will never take it, anything else if it may later."""
        try:
            async with self._free, asyncio.timeout(self._patience):
                await aiosmtplib.send(
                    message,
                    hostname=self._host,
                    port=self._port,
                    username=self._user,
                    password=self._password,
                    use_tls=self._is_tls,
                    start_tls=True if self._user and not self._is_tls else None,
                    timeout=self._patience,
                )
        except SMTPRecipientsRefused as error:
            raise self._for_good(error, min(refused.code for refused in error.recipients)) from error
        except SMTPResponseException as error:
            raise self._for_good(error, error.code) from error

    @staticmethod
    def _for_good(error: Exception, code: int) -> Exception:
        """5xx is an answer for good, but for 530 and 535: our own credentials may be mended."""
        return Refused(f"the mail server refused: {error}") if code >= 500 and code not in (530, 535) else error
