"""A new password: whoever else is signed in with the old one is so no longer."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency

from hypermart.db.session import WriteSession
from hypermart.domain.cart.owned import own_token, rename
from hypermart.domain.customers import actions
from hypermart.domain.customers.queries import CustomerView, proof
from hypermart.passwords import hashed, problem
from hypermart.ports import SessionsAway
from hypermart.web.account.shown import SIGN_IN, refused, shown
from hypermart.web.render import Answer, Shop
from hypermart.web.sign_in import No, proven
from hypermart.web.visit import Visit, hash_of

PAGE = "account/password.html"


@get("/account/password")
async def show_password(visit: NamedDependency[Visit], customer: NamedDependency[CustomerView]) -> Answer:
    is_changed = "changed" in visit.request.query_params
    return await shown(visit, PAGE, customer, problems={}, is_changed=is_changed)


@post("/account/password")
async def change_password(
    visit: NamedDependency[Visit], shop: NamedDependency[Shop], customer: NamedDependency[CustomerView]
) -> Answer:
    form = await visit.form()
    current, wanted = form.secret("current"), form.secret("password")
    problems = dict(form.problems)
    if not current:
        problems["current"] = "Enter the password that you have now"
    if sentence := problem(wanted, email=customer.email):
        problems["password"] = sentence
    if not problems:
        found = await proven(visit, customer.email, current, proof)
        if isinstance(found, No) and found.status != 422:
            return await refused(visit, PAGE, customer, found, is_changed=False)
        if isinstance(found, No):
            problems["current"] = "This is not the password that you have now"
    if problems:
        return await shown(visit, PAGE, customer, status=422, problems=problems, is_changed=False)
    return await _change(visit, shop, customer, await hashed(wanted))


async def _change(visit: Visit, shop: Shop, customer: CustomerView, password_hash: str) -> Answer:
    async def work(db: WriteSession) -> str:
        epoch = await actions.change_password(db, customer.id, password_hash)
        token = own_token(shop.secret, customer.id, epoch)
        await rename(db, hash_of(visit.own_token(customer)), hash_of(token))
        return f"{epoch} {token}"

    epoch, _, token = (await shop.db.retried(work)).partition(" ")
    if visit.token == visit.own_token(customer):
        visit.take(token)
    try:
        await visit.session.begin(customer.id, int(epoch))
    except SessionsAway:
        return visit.leave(SIGN_IN)
    return visit.leave("/account/password?changed=1")
