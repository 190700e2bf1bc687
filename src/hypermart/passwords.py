"""Passwords of customers and of staff alike: what one must be, and its hash. Knows no noun.

Hashing takes tens of milliseconds of one core by design, so it has a thread of its own: however many sign in at once,
pages keep the other core. So many may wait for it as are done in a second or two; who comes then is told so at once.
"""

from __future__ import annotations

import asyncio
import re
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

LEAST, MOST = 15, 128
#: The least that OWASP allows for argon2id: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2")
AT_ONCE = 40
"""Hashes that one process has begun or keeps waiting."""
_PLACES = threading.BoundedSemaphore(AT_ONCE)
#: Of no password: what is compared where nobody has the address, so that the answer takes as long.
_NOBODYS = _HASHER.hash("nobody has this password, whatever it says here")

#: Of the lists of leaked passwords, those that are long enough to be typed here, without blanks.
COMMON = frozenset(
    """
    123456789012345 1234567890123456 12345678901234567890 123456789123456789 987654321098765 098765432109876
    1q2w3e4r5t6y7u8i 1q2w3e4r5t6y7u8i9o0p 1qaz2wsx3edc4rfv 1qaz2wsx3edc4rfv5tgb qwertyuiop12345 qwertyuiop123456
    qwertyuiop1234567890 qwertyuiopasdfgh qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwertzuiopasdfghjkl
    azertyuiopqsdfghjklm asdfghjklzxcvbnm zxcvbnmasdfghjkl abcdefghijklmno abcdefghijklmnop
    abcdefghijklmnopqrstuvwxyz abcdefghijklmno123 passwordpassword password123456789 password12345678
    mypasswordisgood thisismypassword thisisapassword thisispassword1 letmeinletmeinletmein iloveyouiloveyou
    correcthorsebatterystaple correct-horse-battery-staple administrator123 administratoradministrator
    changemechangeme welcomewelcome1 unbelievable123 supercalifragilisticexpialidocious
    """.split()
)
_REPEATED = re.compile(r"(.{1,8}?)\1+.{0,3}", re.DOTALL)


class Busy(Exception):
    """Too many wait for their hashes already."""


class Proof(msgspec.Struct, frozen=True):
    """What a password of somebody is compared with."""

    person: int
    epoch: int
    """Counts what ends all earlier sessions of theirs: a new password."""
    password_hash: str
    email: str = ""
    """Of a customer: what a new password must not be."""


def problem(password: str, *, email: str) -> str:
    """Why it cannot be somebody's password, as a sentence for its field; '' if it can. Any letters will do."""
    text = unicodedata.normalize("NFC", password)
    if not text:
        return "Enter a password"
    if len(text) < LEAST:
        return f"Use {LEAST} characters or more. Three or four words that do not belong together are easy to remember"
    if len(text) > MOST:
        return f"Use {MOST} characters or fewer"
    bare = "".join(text.casefold().split())
    if bare in COMMON or _REPEATED.fullmatch(bare) or len(set(bare)) < 5:
        return "This password is one of the first that others try. Choose another one"
    if bare == email.strip().casefold():
        return "Your e-mail address is known to others. Choose another password"
    return ""


async def hashed(password: str) -> str:
    return await _beside(_HASHER.hash, unicodedata.normalize("NFC", password))


async def is_right(password: str, proof: Proof | None) -> bool:
    """Takes as long where there is nobody to prove anything about, and then is False."""
    known = proof.password_hash if proof else _NOBODYS
    return await _beside(_is_of, password, known) and proof is not None


def is_weak(proof: Proof) -> bool:
    """Whether it was hashed with less than is asked for today."""
    return _HASHER.check_needs_rehash(proof.password_hash)


def _is_of(password: str, known: str) -> bool:
    text = unicodedata.normalize("NFC", password)
    try:
        return _HASHER.verify(known, text)
    except (VerificationError, InvalidHashError):
        return False


async def _beside(work: Callable[..., T], *arguments: str) -> T:
    """Raises Busy, as do those who call it."""
    if not _PLACES.acquire(blocking=False):
        raise Busy
    try:
        return await asyncio.get_running_loop().run_in_executor(_THREAD, work, *arguments)
    finally:
        _PLACES.release()
