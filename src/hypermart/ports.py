"""What the inside may hold of the outside world: Protocols only, no implementation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from email.message import EmailMessage
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from hypermart.money import Money


class Clock(Protocol):
    """The one shop clock. Everything that asks for the time takes it from here."""

    def now(self) -> datetime:
        """Now, aware, in UTC."""
        ...


Progress: TypeAlias = Callable[[str, float], None]
"""Told (what is done now, share of it done)."""


class BlobsAway(Exception):
    """Where blobs are did not answer in time, or not sensibly. What was asked may have been done, or not."""


class Blob(msgspec.Struct, frozen=True):
    """What is known of a blob without its bytes."""

    key: str
    size: int
    modified_at: datetime
    """When it was put, or renewed."""


class Blobs(Protocol):
    """Pictures and other files by key. Keys are immutable: a key once put always holds the same bytes.

    Raises BlobsAway. Blobs that no row names are deleted once they are old (domain/catalog/blobs.py): whoever is about
    to write a row puts or renews its blob first.
    """

    async def put(self, key: str, content: bytes, content_type: str) -> None: ...

    async def renew(self, key: str, content_type: str) -> bool:
        """The blob is as if it had been put now. False if there is none."""
        ...

    async def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises errors.NotFound."""
        ...

    def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        """The bytes under `key` in pieces. Raises errors.NotFound before the first piece."""
        ...

    async def find(self, key: str) -> Blob | None: ...

    async def exists(self, key: str) -> bool: ...

    async def delete(self, key: str) -> None:
        """The blob is gone, if it was there."""
        ...

    def listed(self) -> AsyncIterator[Blob]:
        """All there are, in no order to count on."""
        ...


class Cdn(Protocol):
    async def purge(self, keys: Iterable[str]) -> None:
        """Every cached response that carries one of the surrogate `keys` is gone when this returns."""
        ...


Check: TypeAlias = Callable[[], Awaitable[None]]
"""Raises if what it stands before must not be done any more."""


class NotNow(Exception):
    """Whoever is asked takes no more just now, which is nobody's failure."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds
        """After which to ask again."""


class Mail(Protocol):
    async def send(self, message: EmailMessage, check: Check) -> None:
        """Hands the message over; `check` is asked at the last moment before that. The same Message-ID twice is
        delivered once, as far as the mailbox can tell. Raises NotNow, and errors.Refused for what will never be taken.
        """
        ...


@runtime_checkable
class Mailbox(Protocol):
    """A Mail whose messages stay here and can be looked at: in demo shops and tests."""

    async def newest(self, limit: int) -> list[tuple[str, EmailMessage]]:
        """The messages that came last; the newest first, each with its id."""
        ...

    async def read(self, id_: str) -> EmailMessage:
        """Raises errors.NotFound."""
        ...

    async def forget(self, id_: str) -> None:
        """The message is gone, if it was there."""
        ...


class LimiterAway(Exception):
    """What counts does not answer, and what is counted is nothing that may go on uncounted."""


class Limiter(Protocol):
    async def wait(self, key: str) -> int:
        """Counts a try of `key`: 0 if it may, else the seconds after which it surely may (and nothing is counted).

        Raises LimiterAway, where the limiter is one that fails closed.
        """
        ...


class SessionsAway(Exception):
    """Nobody can be known, or get to be known, at the moment."""


class Sessions(Protocol):
    """Who is signed in, by keys of our own making. All of it may be lost at any moment. Raises SessionsAway."""

    async def load(self, key: str) -> dict[str, str]:
        """Its fields; none if there is no such session."""
        ...

    async def make(self, key: str, fields: Mapping[str, str], seconds: int) -> None:
        """A new one, which ends by itself after so many seconds."""
        ...

    async def put(self, key: str, fields: Mapping[str, str], seconds: int) -> bool:
        """These fields have these values, the others stay; it ends after so many seconds from now.

        False if it has ended: then nothing is written.
        """
        ...

    async def drop(self, key: str) -> None: ...


IntentState = Literal["open", "pending", "authorised", "captured", "declined", "voided"]
"""The shopper must act; the bank takes its time; money is held, taken, refused, let go."""


class Intent(msgspec.Struct, frozen=True):
    """What a gateway says of one payment."""

    ref: str
    """The gateway's own name for it."""
    key: str
    """Ours: the key of the attempt that it was opened for."""
    state: IntentState
    amount: Money
    pay_url: str = ""
    """Where the shopper acts."""
    reason: str = ""
    """Why it was declined: a code like insufficient_funds."""


class GatewayEvent(msgspec.Struct, frozen=True):
    """A callback whose signature was right. It says that something happened to `ref`; what, is asked for."""

    id: str
    ref: str


class GatewayAway(Exception):
    """The gateway did not answer, or not sensibly. What was asked may have been done, or not."""


class GatewayRefused(Exception):
    """The gateway will not open this payment, however often it is asked. Nothing was done."""


class Forged(Exception):
    """A callback is not signed by the gateway, or long ago."""


class Gateway(Protocol):
    """A payment provider. Every call may be repeated: the same `key` has its effect once. Raises GatewayAway."""

    async def open(self, key: str, amount: Money, *, return_url: str) -> Intent:
        """A payment of `amount` that the shopper can act on. Authorises only; capture() takes the money.

        Raises GatewayRefused.
        """
        ...

    async def find(self, ref: str) -> Intent: ...

    async def capture(self, ref: str, *, key: str) -> Intent:
        """The money is taken, or the intent says why not."""
        ...

    async def void(self, ref: str, *, key: str) -> Intent:
        """Nothing will be taken any more; what was held is let go. A captured payment stays captured."""
        ...

    def event(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        """The callback in `body`. Raises Forged."""
        ...
