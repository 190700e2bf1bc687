"""The mail server of a stack: takes every message and puts it into a folder, where the demo shop's /mail shows it.

The folder keeps a mail that comes twice once; `accepted.log` beside the mails has a line of each time.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

from hypermart.adapters.clock import SystemClock
from hypermart.adapters.mail import MailFolder

LIMIT = 10_000_000
"""Bytes of a message."""


class Sink:
    def __init__(self, folder: Path) -> None:
        self._folder, self._log = MailFolder(folder), folder / "accepted.log"

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's name)
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message: EmailMessage = BytesParser(policy=policy.default).parsebytes(content)
        if not message["Message-ID"]:
            return "550 5.6.0 no Message-ID"
        await self._folder.keep(message)
        await asyncio.to_thread(self._note, str(message["Message-ID"]), envelope.rcpt_tos)
        return "250 2.0.0 kept"

    def _note(self, id_: str, recipients: list[str]) -> None:
        words = (id_, ",".join(recipients), SystemClock().now().isoformat())
        with self._log.open("a") as file:
            file.write("\t".join(words) + "\n")


async def serve(port: int, folder: Path, host: str = "127.0.0.1") -> None:
    """Until SIGTERM."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    sink = Sink(folder)
    server = await loop.create_server(
        lambda: SMTP(
            sink, hostname="localhost", ident="hypermart mail sink", data_size_limit=LIMIT, enable_SMTPUTF8=True
        ),
        host,
        port,
    )
    async with server:
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]))
