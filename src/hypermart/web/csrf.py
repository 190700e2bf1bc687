"""Whether an unsafe request comes from our own pages: by the browser's word, else by a token in the form.

The rule is Go 1.25's http.CrossOriginProtection, and for browsers that send neither header (text browsers), a
token: an HMAC over the visitor's cookie and an expiry. No cached page carries one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal, TypeAlias

Origin: TypeAlias = Literal["own", "foreign", "unknown"]
SAFE = ("GET", "HEAD", "OPTIONS")
LIFETIME = 12 * 3600
"""Seconds that a form may stay open."""


def origin(headers: Mapping[str, str], base_url: str) -> Origin:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return "own" if site in ("same-origin", "none") else "foreign"
    sender = headers.get("origin")
    if sender is not None:
        return "own" if sender == base_url else "foreign"
    return "unknown"


def token(secret: bytes, cookie: str, now: float) -> str:
    expires = int(now) + LIFETIME
    return f"{expires}.{_sign(secret, cookie, expires)}"


def is_valid(given: str, secret: bytes, cookie: str, now: float) -> bool:
    expires, _, signature = given.partition(".")
    if not (cookie and expires.isascii() and expires.isdigit() and len(expires) < 15):
        return False
    is_ours = hmac.compare_digest(signature.encode(), _sign(secret, cookie, int(expires)).encode())
    return is_ours and now < int(expires)


def _sign(secret: bytes, cookie: str, expires: int) -> str:
    return hmac.new(secret, f"form:{cookie}:{expires}".encode(), hashlib.sha256).hexdigest()
