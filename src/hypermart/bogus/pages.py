"""What the shopper sees of the bogus gateway: one plain form a page. Whoever knows the address may act: no sign-in."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from litestar import MediaType, Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.bogus.bank import NoSuchPayment
from hypermart.bogus.desk import Desk, Page, see_other
from hypermart.bogus.outcomes import FAILED, FIRST, GROUPS, OUTCOMES, PASSED

AnyRequest = Request[Any, Any, State]
#: What the challenge page offers. Who walks away decides nothing.
ANSWERS = {"pass": PASSED, "fail": FAILED, "leave": None}


@get("/bank.css", media_type=MediaType.CSS)
async def show_style(desk: NamedDependency[Desk]) -> Response[bytes]:
    content = (desk.setup.templates / "bank.css").read_bytes()
    return Response(content, media_type=MediaType.CSS, headers={"cache-control": "max-age=300"})


@get("/pay/{ref:str}")
async def show_payment(ref: FromPath[str], desk: NamedDependency[Desk]) -> Page:
    return _payment_page(desk, ref)


@post("/pay/{ref:str}")
async def decide_payment(request: AnyRequest, ref: FromPath[str], desk: NamedDependency[Desk]) -> Page:
    payment, form = desk.bank.find(ref), await _form(request)
    if "cancel" in form:
        desk.bank.cancel(ref)
    elif outcome := OUTCOMES.get(form.get("outcome", "")):
        if desk.bank.decide(ref, outcome).state == "open":
            return see_other(f"{desk.pay_url(ref)}/challenge")
    else:
        return _payment_page(desk, ref, status=422)
    desk.courier.ring()
    return see_other(payment.return_url)


@get("/pay/{ref:str}/challenge")
async def show_challenge(ref: FromPath[str], desk: NamedDependency[Desk]) -> Page:
    return _challenge_page(desk, ref)


@post("/pay/{ref:str}/challenge")
async def answer_challenge(request: AnyRequest, ref: FromPath[str], desk: NamedDependency[Desk]) -> Page:
    payment, answer = desk.bank.find(ref), (await _form(request)).get("answer")
    if answer not in ANSWERS:
        return _challenge_page(desk, ref, status=422)
    if outcome := ANSWERS[answer]:
        desk.bank.decide(ref, outcome)
        desk.courier.ring()
    return see_other(payment.return_url)


def _payment_page(desk: Desk, ref: str, *, status: int = 200) -> Page:
    payment = desk.bank.find(ref)
    if payment.state != "open":
        return desk.page("decided.html", payment)
    return desk.page("pay.html", payment, status=status, groups=GROUPS, first=FIRST)


def _challenge_page(desk: Desk, ref: str, *, status: int = 200) -> Page:
    payment = desk.bank.find(ref)
    template = "challenge.html" if payment.state == "open" else "decided.html"
    return desk.page(template, payment, status=status if payment.state == "open" else 200)


async def _form(request: AnyRequest) -> dict[str, str]:
    """The posted fields; none at all of a form that is not ours."""
    try:
        return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=20))
    except ValueError:
        return {}


def show_missing(request: AnyRequest, _: Exception) -> Page:
    desk: Desk = request.app.state.desk
    return desk.page("missing.html", None, status=404)


def router() -> Router:
    handlers = [show_style, show_payment, decide_payment, show_challenge, answer_challenge]
    return Router(path="/", route_handlers=handlers, exception_handlers={NoSuchPayment: show_missing})
