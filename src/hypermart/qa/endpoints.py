"""/qa: what testers may ask of a shop in QA mode, JSON behind a secret. Other shops have none of these addresses."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ClientException, NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody
from litestar.status_codes import HTTP_400_BAD_REQUEST

from hypermart.demo.accounts import CUSTOMERS, known, seed_sessions
from hypermart.demo.carts import CARTS
from hypermart.demo.checkouts import VISITORS
from hypermart.qa.desk import ORDERED, Desk, MadeOrder
from hypermart.qa.mails import Mail
from hypermart.web.sessions import ACCOUNT

PATH = "/qa"
NAMES = {*CARTS, *CUSTOMERS, *(visitor.name for visitor in VISITORS)}
LONGEST_WAIT = 30.0
"""Seconds that somebody may wait for a mail."""


class Now(msgspec.Struct, frozen=True):
    now: datetime


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either a moment, or how much later it shall be."""

    at: datetime | None = None
    seconds: float = 0


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: str
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=200)] = "zoe@example.com"


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    visitor: str


class Cookie(msgspec.Struct, frozen=True):
    name: str
    value: str


class Reset(msgspec.Struct, frozen=True):
    changed: list[str]
    """Tables that were not as they began."""


def router(desk: Desk, secret: str) -> Router:
    """Nobody gets in without `secret`; to everybody else these addresses do not exist."""

    def secret_known(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        given = connection.headers.get("authorization", "").encode()
        if not (secret and hmac.compare_digest(given, f"Bearer {secret}".encode())):
            raise NotFoundException

    return Router(
        path=PATH,
        route_handlers=[show_time, reset, set_time, make_order, list_mails, log_in],
        guards=[secret_known],
        dependencies={"desk": Provide(lambda: desk, sync_to_thread=False)},
        exception_handlers={HTTP_400_BAD_REQUEST: _problem},
    )


@get("/clock")
async def show_time(desk: NamedDependency[Desk]) -> Now:
    return Now(desk.clock.now())


@post("/clock", status_code=200)
async def set_time(data: JSONBody[Time], desk: NamedDependency[Desk]) -> Now:
    """Time stands there from now on. What has become due is done at once."""
    at = data.at or desk.clock.now()
    if at.tzinfo is None:
        raise ClientException("give the time with its zone, like 2026-11-02T12:00:00Z")
    desk.clock.at = at + timedelta(seconds=data.seconds)
    if desk.services.db.bell:
        await desk.services.db.bell([])
    return Now(desk.clock.now())


@post("/reset", status_code=200)
async def reset(desk: NamedDependency[Desk]) -> Reset:
    return Reset(await desk.reset())


@post("/orders")
async def make_order(data: JSONBody[Wanted], desk: NamedDependency[Desk]) -> MadeOrder:
    if data.status not in ORDERED:
        raise ClientException(f"status is one of {', '.join(ORDERED)}")
    return await desk.make_order(data.status, data.email)


@get("/mails")
async def list_mails(request: Request[Any, Any, Any], desk: NamedDependency[Desk]) -> list[Mail]:
    """?to=ada@example.com&subject=Your+order&wait=5"""
    query = request.query_params
    try:
        wait = min(LONGEST_WAIT, float(query.get("wait", "0")))
    except ValueError:
        raise ClientException("wait is a number of seconds") from None
    return await desk.mails(query.get("to", ""), query.get("subject", ""), wait)


@post("/login-as", status_code=200)
async def log_in(data: JSONBody[Login], desk: NamedDependency[Desk]) -> Response[Cookie]:
    """This browser is that of a seeded visitor or customer from now on."""
    if data.visitor not in NAMES:
        raise ClientException(f"visitor is one of {', '.join(sorted(NAMES))}")
    is_https = desk.services.settings.base_url.startswith("https:")
    cookie = Cookie("__Host-cart" if is_https else "cart", desk.cookie_of(data.visitor))
    if data.visitor in CUSTOMERS:
        await seed_sessions(desk.services)
        cookie = Cookie(ACCOUNT.cookie_name(is_https=is_https), known(data.visitor).session)
    answer = Response(cookie)
    answer.set_cookie(cookie.name, cookie.value, path="/", secure=is_https, httponly=True, samesite="lax")
    return answer


def _problem(_: object, error: ClientException) -> Response[dict[str, str]]:
    extra = error.extra if isinstance(error.extra, list) else []
    details = "; ".join(str(row.get("message", row)) for row in extra if isinstance(row, dict))
    return Response({"detail": details or error.detail}, status_code=error.status_code)
