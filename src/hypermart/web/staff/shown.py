"""What all pages of staff have: nobody keeps them, and nobody but staff is let in."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.di import NamedDependency

from hypermart.domain.staff.queries import PersonView, person
from hypermart.web.render import Answer, AnyRequest, Shop, redirect
from hypermart.web.sessions import STAFF
from hypermart.web.visit import Template, Visit

HOME, SIGN_IN = "/staff", "/staff/sign-in"


class StaffOnly(Exception):
    """Nobody of the staff is signed in, or no longer."""


def staff_visit(request: AnyRequest, shop: NamedDependency[Shop]) -> Visit:
    return Visit(request, shop, STAFF)


async def signed_in(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> PersonView:
    """Raises StaffOnly."""
    known = await visit.session.who()
    if known:
        async with shop.db.fresh() as db:
            found = await person(db, known.person)
        if found and found.epoch == known.epoch:
            return found
    raise StaffOnly


def to_sign_in(request: Request[Any, Any, Any], _: StaffOnly) -> Response[bytes]:  # noqa: ARG001
    return redirect(SIGN_IN, 303)


def shown(visit: Visit, template: str, view: Any, *, status: int = 200, **extra: Any) -> Answer:
    visit.session.have_id()
    answer = visit.page(Template(template), view, status=status, **extra)
    answer.headers["x-robots-tag"] = "noindex"
    return answer
