"""The page for a private request while the primary is away: what is true of it, and what was typed, for another try."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException

from hypermart.domain.browse.frame import frame
from hypermart.domain.browse.pages import Frame
from hypermart.web.caching import NO_STORE
from hypermart.web.forms import SECRETS, parsed
from hypermart.web.guards import same_origin
from hypermart.web.render import HTML, Answer, AnyRequest, Shop

RETRY_AFTER = "10"
FRAME_LIMIT = 1.0
"""Seconds to read the departments; the shopper has waited for the primary already."""
ATTEMPT = re.compile(r"/checkout/attempts/[^/]+")
#: Steps in which no money moves, neither by us nor at the gateway.
BEFORE_PAYMENT = re.compile(r"/cart(/lines)?|/checkout/(address|delivery|payment|review)")


class Said(msgspec.Struct, frozen=True):
    title: str
    message: str


SHOWN_LATER = Said(
    "This page is away for a moment", "Our till does not answer. That rarely takes longer than a minute."
)
SENT_AGAIN = Said(
    "We could not confirm this",
    "Our till did not answer in time, so this may not have been saved. What you sent is kept here for another try.",
)
NOT_CHARGED = Said(
    "We could not confirm this",
    "Our till did not answer in time, so this may not have been saved. You have not been charged for this. What you "
    "sent is kept here for another try.",
)
PLACING = Said(
    "Your order is not confirmed yet",
    "Our till did not answer in time, so we cannot say yet whether your order is placed. Try again: the same cart "
    "becomes one order, however often it is sent. If it is placed already, you will see that order.",
)
CHECKING = Said(
    "We are checking your payment",
    "Our till does not answer at this moment, so we cannot say yet what became of it. Please do not pay again: this "
    "page looks again by itself every few seconds.",
)


class AwayPage(msgspec.Struct, frozen=True):
    frame: Frame
    said: Said
    url: str
    """Where to try again."""
    fields: tuple[tuple[str, str], ...] | None = None
    """What was posted there; None for a page that is only looked at."""
    has_password: bool = False
    """One was typed, which is not sent back."""
    looks_again: bool = False


def is_private(request: AnyRequest) -> bool:
    """Whether the request has reached a page of one visitor's own."""
    handler: Any = request.scope.get("route_handler")  # a 404 has none
    guards = handler.resolve_guards() if handler else ()
    return any(getattr(guard, "func", guard) is same_origin for guard in guards)


async def away_page(request: AnyRequest, shop: Shop) -> Answer:
    body = shop.render("errors/away.html", await _page(request, await _frame(shop)), path=request.scope["path"])
    headers = {"cache-control": NO_STORE, "retry-after": RETRY_AFTER, "referrer-policy": "same-origin"}
    return Response(body, media_type=HTML, status_code=503, headers=headers)


async def _frame(shop: Shop) -> Frame:
    """Of the replica, or of nothing."""
    try:
        async with asyncio.timeout(FRAME_LIMIT), shop.read() as db:
            return await frame(db)
    except Exception:  # noqa: BLE001  (what was typed matters more)
        return Frame((), (), ())


async def _page(request: AnyRequest, around: Frame) -> AwayPage:
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    url = quote(path) + (f"?{query}" if query else "")
    if attempt := ATTEMPT.match(path):
        looked_at = quote(attempt[0]) if request.method == "POST" else url
        return AwayPage(around, CHECKING, looked_at, looks_again=True)
    if request.method != "POST":
        return AwayPage(around, SHOWN_LATER, url)
    said = SENT_AGAIN
    if path == "/checkout/orders":
        said = PLACING
    elif BEFORE_PAYMENT.fullmatch(path):
        said = NOT_CHARGED
    fields = await _posted(request)
    kept = tuple((name, value) for name, value in fields if name not in SECRETS)
    return AwayPage(around, said, url, kept, has_password=len(kept) < len(fields))


async def _posted(request: AnyRequest) -> list[tuple[str, str]]:
    try:
        return parsed(await request.body()).fields
    except HTTPException:  # more than any form of ours holds
        return []
