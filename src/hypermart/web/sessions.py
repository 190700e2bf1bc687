"""Our own sessions: who is signed in at this browser. Nothing is asked before a handler looks, nor written unchanged.

The cookie holds an id that we made, 256 bits of chance; Valkey knows it by its hash alone. An id that Valkey does not
know is nobody's, whoever made it up. Valkey may lose all of it, or be away: then nobody is signed in, and that is all.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import msgspec
import structlog

from hypermart.ports import Sessions, SessionsAway
from hypermart.web.render import Answer, AnyRequest, Shop

log = structlog.get_logger(__name__)
NOTED = timedelta(hours=1)
"""How exactly it is known when somebody was here last: a write each hour instead of one at each request."""


class Room(msgspec.Struct, frozen=True):
    """Where one signs in apart from elsewhere: a cookie of its own, and how long one stays."""

    name: str
    cookie: str
    path: str
    idle: timedelta
    """Without coming back."""
    absolute: timedelta
    """However often one comes back."""

    def cookie_name(self, *, is_https: bool) -> str:
        """Browsers hold a cookie to what its prefix promises."""
        prefix = "__Host-" if self.path == "/" else "__Secure-"
        return prefix + self.cookie if is_https else self.cookie


ACCOUNT = Room("account", "session", "/", timedelta(days=14), timedelta(days=60))
STAFF = Room("staff", "staff_session", "/staff", timedelta(hours=8), timedelta(hours=24))


class SignedIn(msgspec.Struct, frozen=True):
    """Who proved themselves, and in which epoch of their sessions. Whether that is over is known to the database."""

    person: int
    epoch: int


class Session:
    """That of one request, in one room."""

    def __init__(self, request: AnyRequest, shop: Shop, room: Room) -> None:
        self.room = room
        self._store: Sessions = shop.sign_ins.sessions
        self._now: datetime = shop.now()
        self._is_https = shop.settings.base_url.startswith("https:")
        self._cookie = room.cookie_name(is_https=self._is_https)
        self.id = request.cookies.get(self._cookie, "")[:100]
        self._looked = False
        self._found: SignedIn | None = None
        self._says: str | None = None
        """What the cookie shall be; None: as it is."""

    async def who(self) -> SignedIn | None:
        """Asks Valkey once, and only where there is a cookie."""
        if not self._looked:
            self._looked = True
            try:
                self._found = await self._read() if self.id else None
            except SessionsAway as error:
                log.warning("sessions.away", reason=str(error))
        return self._found

    async def begin(self, person: int, epoch: int) -> None:
        """This browser is that person's, under a new id; whatever the browser had is over. Raises SessionsAway."""
        old, new = self.id, secrets.token_urlsafe(32)
        now = self._now.isoformat()
        fields = {"self": self._key(new), "person": str(person), "epoch": str(epoch), "made_at": now, "seen_at": now}
        await self._store.make(self._key(new), fields, self._seconds)
        if old:
            await self._store.drop(self._key(old))
        self.id, self._says = new, new
        self._looked, self._found = True, SignedIn(person, epoch)

    async def end(self) -> None:
        """Nobody is signed in at this browser. Where Valkey is away, the browser forgets the id at least."""
        try:
            if self.id:
                await self._store.drop(self._key(self.id))
        except SessionsAway as error:
            log.warning("sessions.away", reason=str(error))
        self.id, self._says, self._found, self._looked = "", "", None, True

    def have_id(self) -> None:
        """The browser has an id that forms can be bound to, though nobody is signed in by it."""
        if not self.id:
            self.id = self._says = secrets.token_urlsafe(32)

    def finish(self, answer: Answer) -> None:
        """Tells the browser what has changed."""
        if self._says is not None:
            age = self._seconds if self._says else 0
            answer.set_cookie(
                self._cookie,
                self._says,
                max_age=age,
                path=self.room.path,
                secure=self._is_https,
                httponly=True,
                samesite="lax",
            )

    async def _read(self) -> SignedIn | None:
        key = self._key(self.id)
        fields = await self._store.load(key)
        if not fields:
            return None
        try:
            # What was read must say that it is what was asked for: an answer meant for another is nobody's here.
            is_ours = hmac.compare_digest(fields["self"], key)
            made_at, seen_at = (datetime.fromisoformat(fields[name]) for name in ("made_at", "seen_at"))
            found = SignedIn(int(fields["person"]), int(fields["epoch"]))
        except (KeyError, ValueError):
            is_ours = False
        if not is_ours:
            log.error("sessions.crossed", key=key[:8], of=fields.get("self", "")[:8])
            return None
        if self._now >= min(made_at + self.room.absolute, seen_at + self.room.idle):
            await self._store.drop(key)
            return None
        if self._now - seen_at >= NOTED and await self._store.put(
            key, {"seen_at": self._now.isoformat()}, self._seconds
        ):
            self._says = self.id
        return found

    @property
    def _seconds(self) -> int:
        return int(self.room.idle.total_seconds())

    def _key(self, id_: str) -> str:
        return hashlib.sha256(f"{self.room.name}:{id_}".encode()).hexdigest()
