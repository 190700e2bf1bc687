"""The secret in the link of a forgotten password: bound to the password that it replaces, so it works once. Pure.

Nothing of it is stored: who reads the database cannot make one without the shop's key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from hypermart.passwords import Proof

LIFETIME = timedelta(minutes=30)
_TOKEN = re.compile(r"([0-9]{1,15})-([0-9]{1,12})-[0-9a-f]{64}")


def reset_token(secret: bytes, proof: Proof, now: datetime) -> str:
    return _made(secret, proof, int((now + LIFETIME).timestamp()))


def person_of(token: str) -> int:
    """Whose password it is said to replace; 0 for what is no token."""
    found = _TOKEN.fullmatch(token)
    return int(found[1]) if found else 0


def is_reset_token(token: str, secret: bytes, proof: Proof | None, now: datetime) -> bool:
    found = _TOKEN.fullmatch(token)
    if found is None or proof is None:
        return False
    expires = int(found[2])
    return hmac.compare_digest(token, _made(secret, proof, expires)) and now.timestamp() < expires


def _made(secret: bytes, proof: Proof, expires: int) -> str:
    bound = f"reset:{proof.person}:{expires}:{proof.epoch}:{proof.password_hash}"
    return f"{proof.person}-{expires}-{hmac.new(secret, bound.encode(), hashlib.sha256).hexdigest()}"
