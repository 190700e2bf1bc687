"""Signing in and out. What the browser had in its cart comes along, and stays with the customer."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.di import NamedDependency

from hypermart.db.session import WriteSession
from hypermart.domain.cart.owned import own_token
from hypermart.domain.customers.actions import rehash
from hypermart.domain.customers.queries import proof
from hypermart.domain.orders.joining import join_carts
from hypermart.passwords import Proof, is_weak
from hypermart.ports import SessionsAway
from hypermart.web.account.shown import HOME, SIGN_IN, refused, shown
from hypermart.web.render import Answer, Shop
from hypermart.web.sign_in import AWAY, RETRY_AFTER, No, local, new_hash, proven
from hypermart.web.visit import Visit, hash_of

PAGE = "account/sign_in.html"


class SignInPage(msgspec.Struct, frozen=True):
    email: str = ""
    next: str = HOME
    """Where it goes on."""
    is_registered: bool = False
    """Comes from registering."""
    is_reset: bool = False
    """Comes from choosing a new password."""


@get("/account/sign-in")
async def show_sign_in(visit: NamedDependency[Visit]) -> Answer:
    asked = visit.request.query_params
    page = SignInPage(
        next=local(asked.get("next", ""), HOME), is_registered="registered" in asked, is_reset="reset" in asked
    )
    if await visit.customer():
        return visit.leave(page.next)
    return await shown(visit, PAGE, page, problems={})


@post("/account/sign-in")
async def sign_in(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    form = await visit.form()
    page = SignInPage(form.text("email"), local(form.typed("next", limit=2000), HOME))
    password = form.secret("password")
    problems = form.problems | _missing(page.email, password)
    if problems:
        return await shown(visit, PAGE, page, status=422, problems=problems)
    found = await proven(visit, page.email, password, proof)
    if isinstance(found, No):
        return await refused(visit, PAGE, page, found)
    try:
        await visit.session.begin(found.person, found.epoch)
    except SessionsAway:
        return await refused(visit, PAGE, page, No(503, AWAY, RETRY_AFTER))
    await bring_cart(visit, shop, found)
    if is_weak(found) and isinstance(stronger := await new_hash(password), str):  # or else next time
        await shop.db.retried(lambda db: rehash(db, found.person, stronger, was=found.password_hash))
    return visit.leave(page.next, count=await visit.count())


@post("/account/sign-out")
async def sign_out(visit: NamedDependency[Visit]) -> Answer:
    """Somebody else at this browser finds nothing: neither the account nor its cart."""
    form = await visit.form()
    if form.problems:
        return visit.leave(HOME)
    await visit.session.end()
    visit.take("")
    return visit.leave(f"{SIGN_IN}?out=1", count=0)


async def bring_cart(visit: Visit, shop: Shop, found: Proof) -> None:
    """The browser has the customer's cart, with what was in its own."""
    token = own_token(shop.secret, found.person, found.epoch)
    hashes = visit.token_hash, hash_of(token)

    async def work(db: WriteSession) -> str:
        return await join_carts(db, found.person, hashes, shop.now())

    if await shop.db.retried(work) == hashes[1]:
        visit.take(token)


def _missing(email: str, password: str) -> dict[str, str]:
    found = {} if email else {"email": "Enter your e-mail address"}
    return found if password else found | {"password": "Enter your password"}
