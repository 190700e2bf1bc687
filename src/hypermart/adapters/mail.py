"""Mail that goes into a folder of .eml files: the mailbox of the embedded default."""

from __future__ import annotations

import asyncio
import hashlib
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path


class MailFolder:
    """One file per Message-ID, so that a message handed over twice is there once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, message: EmailMessage) -> None:
        await asyncio.to_thread(self._write, message)

    def _write(self, message: EmailMessage) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{hashlib.sha256(message['Message-ID'].encode()).hexdigest()[:32]}.eml"
        part = path.with_suffix(".part")
        part.write_bytes(message.as_bytes(policy=SMTP))
        part.replace(path)
