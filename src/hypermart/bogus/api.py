"""What the shop asks of the bogus gateway: JSON, with the shared secret, each change under an idempotency key."""

from __future__ import annotations

import hmac
import re
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, post
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, JSONBody

from hypermart.bogus import journal
from hypermart.bogus.bank import Order, Payment
from hypermart.bogus.desk import Desk
from hypermart.bogus.faults import Fault
from hypermart.bogus.journal import Entry
from hypermart.bogus.outcomes import State
from hypermart.money import exponent

AnyRequest = Request[Any, Any, Any]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
#: Goes into a header: no blanks, no control characters, and a host that a policy may name.
RETURN_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[!-~]*)?")


class Ordered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: Text
    amount: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
    currency: str
    return_url: Annotated[str, msgspec.Meta(max_length=2000)]
    description: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Answer(msgspec.Struct, frozen=True):
    ref: str
    key: str
    state: State
    amount: int
    currency: str
    pay_url: str
    reason: str


class Orders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a test wants; see the package's docstring."""

    faults: list[Fault] | None = None
    settle: bool = False
    deliver: bool = False


class Done(msgspec.Struct, frozen=True):
    faults: list[Fault]
    settled: list[str]
    delivered: int


def secret_known(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    wanted = b"Bearer " + connection.app.state.desk.setup.secret
    if not hmac.compare_digest(connection.headers.get("authorization", "").encode(), wanted):
        raise NotAuthorizedException("send Authorization: Bearer and the shared secret")


def idempotency_key(request: AnyRequest) -> str:
    key = request.headers.get("idempotency-key", "")
    if not 0 < len(key) <= 200:
        raise ClientException("send an Idempotency-Key of up to 200 characters")
    return key


@post("/payments", status_code=200)
async def open_payment(request: AnyRequest, data: JSONBody[Ordered], desk: NamedDependency[Desk]) -> Answer:
    key = idempotency_key(request)
    if not RETURN_URL.fullmatch(data.return_url):
        raise ClientException("return_url is no address of a shop")
    try:
        exponent(data.currency)
    except ValueError as error:
        raise ClientException(str(error)) from None
    order = Order(**msgspec.structs.asdict(data))
    return _answer(desk, await desk.faults.around("open", lambda: desk.bank.open(key, order)))


@get("/payments/{ref:str}")
async def find_payment(ref: FromPath[str], desk: NamedDependency[Desk]) -> Answer:
    return _answer(desk, await desk.faults.around("find", lambda: desk.bank.find(ref)))


@post("/payments/{ref:str}/captures", status_code=200)
async def capture_payment(request: AnyRequest, ref: FromPath[str], desk: NamedDependency[Desk]) -> Answer:
    key, ordered = idempotency_key(request), desk.bank.find(ref).capture
    return _answer(desk, await desk.faults.around("capture", lambda: desk.bank.capture(key, ref), ordered))


@post("/payments/{ref:str}/voids", status_code=200)
async def void_payment(request: AnyRequest, ref: FromPath[str], desk: NamedDependency[Desk]) -> Answer:
    key = idempotency_key(request)
    return _answer(desk, await desk.faults.around("void", lambda: desk.bank.void(key, ref)))


@post("/control", status_code=200)
async def control(data: JSONBody[Orders], desk: NamedDependency[Desk]) -> Done:
    if data.faults is not None:
        desk.faults.ordered = data.faults
    settled = desk.bank.settle(everything=True) if data.settle else []
    desk.courier.ring()
    delivered = await desk.courier.deliver(everything=True) if data.deliver else 0
    return Done(desk.faults.ordered, settled, delivered)


@get("/journal")
async def show_journal(desk: NamedDependency[Desk]) -> list[Entry]:
    """All that ever happened, in order."""
    return journal.entries(desk.setup.journal)


def _answer(desk: Desk, payment: Payment) -> Answer:
    reason = payment.reason if payment.state == "declined" else ""
    pay_url = desk.pay_url(payment.ref)
    return Answer(payment.ref, payment.key, payment.state, payment.amount, payment.currency, pay_url, reason)


def router() -> Router:
    handlers = [open_payment, find_payment, capture_payment, void_payment, control, show_journal]
    return Router(path="/", route_handlers=handlers, guards=[secret_known])
