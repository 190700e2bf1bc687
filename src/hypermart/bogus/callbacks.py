"""Callbacks to the shop: signed, sent in the background, tried again when the shop does not take them.

The header x-bogus-signature is `t=SECONDS,v1=HEX`: when it was signed, and the HMAC-SHA256 of `SECONDS.BODY` by the
secret that both know.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import sqlite3
from collections.abc import AsyncIterator

import httpx
import msgspec
import structlog

from hypermart.bogus import journal
from hypermart.bogus.bank import Bank

log = structlog.get_logger("hypermart.bogus")
BACKOFF = (1.0, 5.0, 30.0, 120.0)
"""Seconds before a callback that the shop did not take is tried again, and again."""
TIMEOUT = httpx.Timeout(10.0, connect=2.0)
LOOK = 1.0
"""Seconds between two looks at the clock while anything waits for it."""


def sign(secret: bytes, body: bytes, at: float) -> str:
    stamp = str(int(at))
    return f"t={stamp},v1={hmac.new(secret, stamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


class Courier:
    """Settles what is pending and carries callbacks to `hook`, each when its time has come."""

    def __init__(self, bank: Bank, hook: str, secret: bytes, transport: httpx.AsyncBaseTransport | None) -> None:
        self._bank, self._hook, self._secret = bank, hook, secret
        self._client = httpx.AsyncClient(transport=transport, timeout=TIMEOUT)
        self._bell, self._one_at_a_time = asyncio.Event(), asyncio.Lock()

    def ring(self) -> None:
        """There may be something to do. Returns at once."""
        self._bell.set()

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """What was left when the process last ended is taken up again."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._client.aclose()

    def at_rest(self) -> asyncio.Lock:
        """While this is held no callback is under way."""
        return self._one_at_a_time

    async def deliver(self, *, everything: bool = False) -> int:
        """Sends what is due, or all that waits; gives how much the shop took."""
        async with self._one_at_a_time:
            rows = self._bank.db.execute(
                "SELECT * FROM callbacks WHERE due_at <= ? OR (? AND due_at IS NOT NULL) ORDER BY id",
                [self._bank.now, everything],
            ).fetchall()
            return sum(await asyncio.gather(*map(self._send, rows)))

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            try:
                self._bank.settle()
                await self.deliver()
            except sqlite3.OperationalError as error:  # a full or locked disk: it is still due at the next look
                log.warning("bogus.courier_waits", reason=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK if self._is_anything_to_come() else None):
                    await self._bell.wait()

    def _is_anything_to_come(self) -> bool:
        waiting = "EXISTS (SELECT 1 FROM callbacks WHERE due_at IS NOT NULL)"
        pending = "EXISTS (SELECT 1 FROM payments WHERE settles_at IS NOT NULL AND state = 'pending')"
        return bool(self._bank.db.execute(f"SELECT {waiting} OR {pending}").fetchone()[0])

    async def _send(self, row: sqlite3.Row) -> bool:
        body = msgspec.json.encode({"id": row["event"], "ref": row["ref"]})
        secret = b"not " + self._secret if row["is_forged"] else self._secret
        headers = {"content-type": "application/json", "x-bogus-signature": sign(secret, body, self._bank.now)}
        try:
            answer = await self._client.post(self._hook, content=body, headers=headers)
        except httpx.HTTPError as error:
            self._tried(row, type(error).__name__, is_taken=False)
            return False
        self._tried(row, str(answer.status_code), is_taken=answer.is_success)
        return answer.is_success

    def _tried(self, row: sqlite3.Row, came: str, *, is_taken: bool) -> None:
        tries: int = row["tries"]
        due_at = None if is_taken or tries == len(BACKOFF) else self._bank.now + BACKOFF[tries]
        detail, payment = f"{row['event']} {came}", self._bank.find(row["ref"])
        with journal.turn(self._bank.db):
            self._bank.db.execute(
                "UPDATE callbacks SET tries = ?, due_at = ? WHERE id = ?", [tries + 1, due_at, row["id"]]
            )
            self._bank.note(payment, "callback_sent" if is_taken else "callback_refused", detail=detail)
            if not is_taken and due_at is None:
                self._bank.note(payment, "callback_given_up", detail=row["event"])
