"""Opening an account. The answer is the same for an address that has one already: what is true is said by mail."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
from litestar import get, post
from litestar.di import NamedDependency

from hypermart.db.session import WriteSession
from hypermart.domain.customers.actions import Registration, register
from hypermart.emails import is_email
from hypermart.passwords import problem
from hypermart.web.account.shown import HOME, SIGN_IN, refused, shown
from hypermart.web.forms import Form
from hypermart.web.render import Answer, Shop
from hypermart.web.sign_in import No, counted, local, may_mail, new_hash
from hypermart.web.visit import Visit

PAGE = "account/register.html"


class RegisterPage(msgspec.Struct, frozen=True):
    email: str = ""
    name: str = ""
    wants_news: bool = False
    next: str = HOME


@get("/account/register")
async def show_register(visit: NamedDependency[Visit]) -> Answer:
    page = RegisterPage(next=local(visit.request.query_params.get("next", ""), HOME))
    if await visit.customer():
        return visit.leave(page.next)
    return await shown(visit, PAGE, page, problems={})


@post("/account/register")
async def open_account(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    form = await visit.form()
    page = RegisterPage(
        form.text("email"),
        form.text("name", limit=100),
        form.is_ticked("wants_news"),
        local(form.typed("next", limit=2000), HOME),
    )
    password = form.secret("password")
    if problems := _problems(form, page, password):
        return await shown(visit, PAGE, page, status=422, problems=problems)
    if no := await counted(visit, "register", page.email):
        return await refused(visit, PAGE, page, no)
    password_hash = await new_hash(password)
    if isinstance(password_hash, No):
        return await refused(visit, PAGE, page, password_hash)
    given = Registration(page.email, page.name, password_hash, page.wants_news)
    is_told = await may_mail(visit, "register", page.email)

    async def work(db: WriteSession) -> None:
        await register(db, given, shop.now(), is_told=is_told)

    await shop.db.retried(work)
    return visit.leave(f"{SIGN_IN}?{urlencode({'registered': 1, 'next': page.next})}")


def _problems(form: Form, page: RegisterPage, password: str) -> dict[str, str]:
    found = dict(form.problems)
    if not is_email(page.email):
        found.setdefault("email", "Enter an e-mail address, like name@example.com")
    if not page.name:
        found.setdefault("name", "Enter your name")
    if sentence := problem(password, email=page.email):
        found["password"] = sentence
    return found
