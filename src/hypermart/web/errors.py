"""What each way to say no means in HTTP: a page with a way on, or a plain file when there is nothing to make one of."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, ExceptionHandlersMap, Receive, Scope, Send
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hypermart.addresses import list_url, product_url
from hypermart.domain.browse.frame import frame
from hypermart.domain.browse.pages import Frame
from hypermart.domain.browse.product import NoSuchVariant
from hypermart.errors import Gone, Moved, NotFound, PageBeyondEnd, Refused
from hypermart.ports import BlobsAway
from hypermart.web.away import RETRY_AFTER, away_page, is_private
from hypermart.web.caching import NO_STORE
from hypermart.web.render import HTML, Answer, AnyRequest, Shop, redirect

log = structlog.get_logger(__name__)
#: The database is away or too slow: nothing is wrong with the request, and asking again is right.
AWAY = (OperationalError, InterfaceError, PoolTimeout, ConnectionError, TimeoutError)
#: Titles of refusals that say themselves what is wrong.
SAID = {403: "This was not accepted", 413: "That is too much", 429: "Too many tries"}
#: Addresses whose slugs are always lower case, however somebody wrote them down.
LOWER = re.compile(r"/(p|c|collections|pages)/")


class ErrorPage(msgspec.Struct, frozen=True):
    frame: Frame
    status: int
    title: str
    message: str
    way_on: str = ""
    """Address of the nearest thing that exists; without one the departments are the way on."""
    way_on_label: str = ""


class _ErrorAnswer(Response[bytes]):
    """An answer that reads the departments while it is sent: Litestar's exception handlers themselves cannot wait."""

    def __init__(self, shop: Shop, error: Exception) -> None:
        super().__init__(b"", media_type=HTML, status_code=500)
        self._shop, self._error = shop, error

    def to_asgi_response(self, app: Any = None, request: Any = None, **_: Any) -> Any:  # noqa: ARG002
        async def send_answer(scope: Scope, receive: Receive, send: Send) -> None:
            answer = await _answer(request, self._shop, self._error)
            ready: ASGIApp = answer.to_asgi_response(app=None, request=request)
            await ready(scope, receive, send)

        return send_answer


def handlers() -> ExceptionHandlersMap:
    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        return _ErrorAnswer(request.app.state.shop, error)

    return {Exception: handle, HTTPException: handle}


async def _answer(request: AnyRequest, shop: Shop, error: Exception) -> Answer:
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    query = f"?{query}" if query else ""
    if isinstance(error, Moved):
        return redirect(f"{quote(path.rpartition('/')[0])}/{quote(error.slug)}{query}", 301)
    if isinstance(error, NotFound) and LOWER.match(path) and path != path.lower():
        return redirect(quote(path.lower()) + query, 301)
    if isinstance(error, NotFound | Refused) or (isinstance(error, HTTPException) and error.status_code < 500):
        try:
            async with shop.read() as db:
                around = await frame(db)
        except AWAY as away:
            return _plain(shop, away)
        page = _page(request, shop, error, around)
        answer = shop.page(request, "errors/not_here.html", page, status=page.status)
        answer.headers.update(getattr(error, "headers", None) or {})  # 405 names what is allowed
        return answer
    if isinstance(error, AWAY) and is_private(request):
        log.warning("database.away", error=str(error))
        return await away_page(request, shop)
    return _plain(shop, error)


def _plain(shop: Shop, error: Exception) -> Answer:
    """A static file, because what makes pages is what failed."""
    is_away = isinstance(error, (*AWAY, BlobsAway))
    if is_away:
        log.warning("blobs.away" if isinstance(error, BlobsAway) else "database.away", error=str(error))
    else:
        log.error("request.failed", exc_info=error)
    headers = {"cache-control": NO_STORE} | ({"retry-after": RETRY_AFTER} if is_away else {})
    status = 503 if is_away else 500
    return Response(shop.error_file(status), media_type=HTML, status_code=status, headers=headers)


def _page(request: AnyRequest, shop: Shop, error: Exception, around: Frame) -> ErrorPage:
    path = request.scope["path"]
    if isinstance(error, Gone):
        message = f"{error.title} was withdrawn and will not come back."
        return ErrorPage(around, 410, "No longer for sale", message)
    if isinstance(error, NoSuchVariant):
        message = f"{error.title} is not made in that version."
        return ErrorPage(around, 404, "No such version", message, product_url(error.slug), f"See {error.title}")
    if isinstance(error, PageBeyondEnd):
        pages = "only one page" if error.last == 1 else f"{error.last} pages"
        last = list_url(path, request.state.filters, shop.currency, page=error.last)
        label = "Show the list" if error.last == 1 else f"Show page {error.last}"
        return ErrorPage(around, 404, "No such page", f"This list has {pages}.", last, label)
    if isinstance(error, Refused):
        return ErrorPage(around, 409, "This cannot be done now", str(error), "/cart", "See your cart")
    if isinstance(error, HTTPException) and error.status_code != 404:
        return _refusal(around, error)
    return ErrorPage(around, 404, "Page not found", "Nothing stands under this address, or no longer.")


def _refusal(around: Frame, error: HTTPException) -> ErrorPage:
    if error.status_code in SAID:
        return ErrorPage(around, error.status_code, SAID[error.status_code], error.detail, "/cart", "See your cart")
    return ErrorPage(around, error.status_code, "This cannot be done here", "The address does not take that.")
