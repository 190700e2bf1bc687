"""A new password: whoever else is signed in with the old one is so no longer."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency

from hypermart.db.session import WriteSession
from hypermart.domain.cart.owned import own_token, rename
from hypermart.domain.customers import actions
from hypermart.domain.customers.queries import CustomerView, proof
from hypermart.passwords import Proof, problem
from hypermart.ports import SessionsAway
from hypermart.web.account.shown import SIGN_IN, refused, shown
from hypermart.web.render import Answer, Shop
from hypermart.web.sign_in import No, new_hash, proven
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
    if problems:
        return await shown(visit, PAGE, customer, status=422, problems=problems, is_changed=False)
    found = await proven(visit, customer.email, current, proof)
    if isinstance(found, Proof):
        password_hash = await new_hash(wanted)
        if isinstance(password_hash, str):
            return await _change(visit, shop, customer, (found.password_hash, password_hash))
        found = password_hash
    elif found.status == 422:
        found = No(422, "The password that you have now is another one")
    return await refused(visit, PAGE, customer, found, is_changed=False)


async def _change(visit: Visit, shop: Shop, customer: CustomerView, hashes: tuple[str, str]) -> Answer:
    """`hashes`: of the old one, and of the new one."""

    async def work(db: WriteSession) -> str:
        epoch = await actions.change_password(db, customer.id, hashes[1], was=hashes[0])
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
