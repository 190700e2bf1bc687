"""Signing in and out of the staff's rooms, apart from the shop's customers."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency

from hypermart.domain.staff.actions import rehash
from hypermart.domain.staff.queries import proof
from hypermart.passwords import is_weak
from hypermart.ports import SessionsAway
from hypermart.web.render import Answer, Shop
from hypermart.web.sign_in import AWAY, RETRY_AFTER, No, new_hash, proven
from hypermart.web.staff.shown import HOME, SIGN_IN, shown
from hypermart.web.visit import Visit

PAGE = "staff/sign_in.html"


@get("/staff/sign-in")
async def show_sign_in(visit: NamedDependency[Visit]) -> Answer:
    return shown(visit, PAGE, "", problems={})


@post("/staff/sign-in")
async def sign_in(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    form = await visit.form()
    email, password = form.text("email"), form.secret("password")
    if form.problems or not (email and password):
        problems = form.problems or {"email": "Enter your e-mail address and your password"}
        return shown(visit, PAGE, email, status=422, problems=problems)
    found = await proven(visit, email, password, proof)
    if isinstance(found, No):
        return _refused(visit, email, found)
    try:
        await visit.session.begin(found.person, found.epoch)
    except SessionsAway:
        return _refused(visit, email, No(503, AWAY, RETRY_AFTER))
    if is_weak(found) and isinstance(stronger := await new_hash(password), str):  # or else next time
        await shop.db.retried(lambda db: rehash(db, found.person, stronger, was=found.password_hash))
    return visit.leave(HOME)


@post("/staff/sign-out")
async def sign_out(visit: NamedDependency[Visit]) -> Answer:
    form = await visit.form()
    if not form.problems:
        await visit.session.end()
    return visit.leave(SIGN_IN)


def _refused(visit: Visit, email: str, no: No) -> Answer:
    answer = shown(visit, PAGE, email, status=no.status, problems={"": no.sentence})
    if no.retry_after:
        answer.headers["retry-after"] = str(no.retry_after)
    return answer
