"""Mail that goes into a folder of .eml files: the mailbox of the embedded default, written and read."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from hypermart.errors import NotFound
from hypermart.ports import Check

_ID = re.compile(r"[0-9a-f]{32}")


class MailFolder:
    """One file per Message-ID: a message handed over twice is there once. A file appears whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, message: EmailMessage, check: Check) -> None:
        await check()
        await self.keep(message)

    async def keep(self, message: EmailMessage) -> None:
        await asyncio.to_thread(self._write, message)

    async def newest(self, limit: int) -> list[tuple[str, EmailMessage]]:
        """The messages that came last; the newest first, each with its id."""
        return await asyncio.to_thread(self._newest, limit)

    async def read(self, id_: str) -> EmailMessage:
        """Raises errors.NotFound."""
        if not _ID.fullmatch(id_):
            raise NotFound("mail")
        try:
            content = await asyncio.to_thread(self._path(id_).read_bytes)
        except FileNotFoundError:
            raise NotFound("mail") from None
        return _parsed(content)

    async def forget(self, id_: str) -> None:
        """The message is gone, if it was there."""
        await asyncio.to_thread(self._path(id_).unlink, missing_ok=True)

    def _path(self, id_: str) -> Path:
        return self.folder / f"{id_}.eml"

    def _write(self, message: EmailMessage) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(hashlib.sha256(message["Message-ID"].encode()).hexdigest()[:32])
        part = path.with_suffix(f".{secrets.token_hex(8)}")  # of this call alone
        try:
            with part.open("wb") as file:
                file.write(message.as_bytes(policy=message.policy.clone(linesep="\r\n")))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)  # a full disk would fill up with what did not fit
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # a mail that was reported as sent is there after a power cut
        finally:
            os.close(folder)

    def _newest(self, limit: int) -> list[tuple[str, EmailMessage]]:
        paths = sorted(self.folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)[:limit]
        return [(path.stem, _parsed(path.read_bytes())) for path in paths]


def _parsed(content: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(content)
