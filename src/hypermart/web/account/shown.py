"""What all pages of accounts have: the shop around them, the number on the cart, and who must be signed in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.di import NamedDependency

from hypermart.domain.browse.frame import frame
from hypermart.domain.customers.queries import CustomerView
from hypermart.web.csrf import SAFE
from hypermart.web.render import Answer, redirect
from hypermart.web.sign_in import No
from hypermart.web.visit import Template, Visit

HOME = "/account"
SIGN_IN = "/account/sign-in"


class SignInFirst(Exception):
    """Nobody is signed in, or no longer."""


async def signed_in(visit: NamedDependency[Visit]) -> CustomerView:
    """Who it is; for handlers that are somebody's own. Raises SignInFirst."""
    found = await visit.customer()
    if found is None:
        raise SignInFirst
    return found


def to_sign_in(request: Request[Any, Any, Any], _: SignInFirst) -> Response[bytes]:
    """And back to the same page. What was sent is not sent again."""
    path = request.scope["path"] if request.method in SAFE else HOME
    return redirect(f"{SIGN_IN}?{urlencode({'next': path})}", 303)


async def shown(visit: Visit, template: str, view: Any, *, status: int = 200, **extra: Any) -> Answer:
    """A page, with a form that the browser can prove to have got from here."""
    visit.session.have_id()
    async with visit.shop.db.fresh() as db:
        around = await frame(db)
    return visit.page(Template(template), view, status=status, count=await visit.count(), frame=around, **extra)


async def refused(visit: Visit, template: str, view: Any, no: No, **extra: Any) -> Answer:
    """The page again, with why not."""
    answer = await shown(visit, template, view, status=no.status, problems={"": no.sentence}, **extra)
    if no.retry_after:
        answer.headers["retry-after"] = str(no.retry_after)
    return answer
