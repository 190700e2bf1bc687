"""Proving who one is by a password, for customers and staff alike: tries are counted, and every no is the same no."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import unquote

import msgspec
import structlog

from hypermart.db.session import AnySession
from hypermart.emails import email_key
from hypermart.metrics import SIGN_INS
from hypermart.passwords import Busy, Proof, hashed, is_right
from hypermart.ports import LimiterAway
from hypermart.web.guards import network
from hypermart.web.visit import Visit

log = structlog.get_logger(__name__)
WRONG = "The e-mail address or the password is wrong. Check both and try again"
AWAY = "Signing in is not possible at the moment. Please try again in a few minutes."
RETRY_AFTER = 60
"""Seconds until it is worth trying again, while Valkey is away or too many sign in."""
LONGEST = 500
OUTCOMES = {422: "wrong", 429: "too_many", 503: "away"}
_PATH = re.compile(r"/|(/(?!\.)[A-Za-z0-9_.~:@!$&'()*+,;=%-]+)+/?")
Find: TypeAlias = Callable[[AnySession, str], Awaitable[Proof | None]]


class No(msgspec.Struct, frozen=True):
    """Nobody was signed in. `sentence` is for the form as a whole."""

    status: int
    sentence: str
    retry_after: int = 0


async def proven(visit: Visit, email: str, password: str, find: Find) -> Proof | No:
    """Whose address and password these are. What is unknown costs as much time as what is wrong."""
    found = await _proven(visit, email, password, find)
    outcome = OUTCOMES[found.status] if isinstance(found, No) else "ok"
    SIGN_INS.labels(visit.session.room.name, outcome).inc()
    return found


async def _proven(visit: Visit, email: str, password: str, find: Find) -> Proof | No:
    if no := await counted(visit, "sign-in", email):
        return no
    async with visit.shop.db.fresh() as db:
        found = await find(db, email)
    try:
        return found if await is_right(password, found) and found else No(422, WRONG)
    except Busy:
        return No(503, AWAY, RETRY_AFTER)


async def new_hash(password: str) -> str | No:
    """Of a password that somebody has chosen."""
    try:
        return await hashed(password)
    except Busy:
        return No(503, AWAY, RETRY_AFTER)


async def counted(visit: Visit, what: str, email: str) -> No | None:
    """A try of `what`; None if it may be made.

    Strictly for this account from this network, so that somebody elsewhere does not lock its owner out; loosely for the
    network, and for the account, which many networks together would have to lock.
    """
    client = visit.request.client
    who, whose = network(client.host if client else ""), _of(email)
    tries = visit.shop.sign_ins
    room = f"{visit.session.room.name}:{what}"
    try:
        seconds = await tries.loose.wait(f"{room}:{who}") if who else 0
        seconds = seconds or await tries.strict.wait(f"{room}:{whose}:{who}")
        seconds = seconds or await tries.loose.wait(f"{room}:{whose}")
    except LimiterAway:
        return No(503, AWAY, RETRY_AFTER)
    if not seconds:
        return None
    minutes = -(-seconds // 60)
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    return No(429, f"Those were too many tries. Wait {wait}, then try again", seconds)


async def may_mail(visit: Visit, what: str, email: str) -> bool:
    """Whether `what` may be mailed to this address once more. No answer says so: strangers can have it sent."""
    return not await visit.shop.sign_ins.mails.wait(f"mail:{what}:{_of(email)}")


def _of(email: str) -> str:
    """What an account is counted by: its address stands nowhere in Valkey."""
    return hashlib.sha256(email_key(email).encode()).hexdigest()


def local(to: str, otherwise: str) -> str:
    """`to`, if it is an address of this shop and of nobody else, however a browser reads it."""
    path = to.partition("?")[0]
    is_plain = to.isascii() and to.isprintable() and not {*" \\"} & {*to} and len(to) <= LONGEST
    return to if is_plain and all(map(_is_path, (path, unquote(path), unquote(unquote(path))))) else otherwise


def _is_path(text: str) -> bool:
    """With one slash at a time and no way up, so that nothing in it can be read as a host."""
    return bool(_PATH.fullmatch(text))
