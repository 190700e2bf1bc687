"""Who may keep a response, and for how long: no-store unless a handler says otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec

#: Seconds that a CDN may serve a page that nobody purged, serve it stale while it asks again, and while we are down.
SHARED, REVALIDATE, IF_ERROR = 300, 600, 86400
NO_STORE = "no-store"
IMMUTABLE = "public, max-age=31536000, immutable"


class Public(msgspec.Struct, frozen=True):
    """The same bytes for everybody, until what `keys` name changes or the moment `until` comes."""

    keys: tuple[str, ...]
    until: datetime | None = None
    shared: int = SHARED

    def headers(self, now: datetime, cdn_url: str = "") -> dict[str, str]:
        seconds, extra = self.shared, f", stale-while-revalidate={REVALIDATE}"
        if self.until is not None and (left := (self.until - now).total_seconds()) < seconds + REVALIDATE:
            seconds, extra = max(0, min(seconds, int(left))), ""  # a page past its moment must not be served stale
        policy = f"public, max-age=0, s-maxage={seconds}{extra}, stale-if-error={IF_ERROR}"
        # Varnish and Fastly read the one, Cloudflare the other; each takes it off the answer.
        if cdn_url.startswith("cloudflare:"):
            return {"cache-control": policy, "cache-tag": ",".join(self.keys)}
        return {"cache-control": policy, "surrogate-key": " ".join(self.keys)}


def etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the browser's If-None-Match names `etag` (weak comparison, RFC 9110 13.1.2)."""
    if not if_none_match:
        return False
    known = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in ("*", etag) for tag in known)


def listed(kind: str, ids: Iterable[int]) -> tuple[str, ...]:
    return tuple(f"{kind}:{id_}" for id_ in ids)
