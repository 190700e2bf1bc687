"""A forgotten password: a link by mail leads to a new one. Nobody learns here who has an account."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.db.outbox import later
from hypermart.db.session import WriteSession
from hypermart.domain.cart.owned import own_token, rename
from hypermart.domain.customers import actions
from hypermart.domain.customers.queries import proof_by_id
from hypermart.domain.customers.resets import is_reset_token, person_of
from hypermart.emails import email_key, is_email
from hypermart.errors import NotFound
from hypermart.passwords import Proof, problem
from hypermart.web.account.shown import SIGN_IN, refused, shown
from hypermart.web.render import Answer, Shop
from hypermart.web.sign_in import No, counted, may_mail, new_hash
from hypermart.web.visit import Visit, hash_of

ASK, CHOOSE = "account/forgotten.html", "account/reset.html"


@get("/account/forgotten")
async def show_forgotten(visit: NamedDependency[Visit]) -> Answer:
    return await shown(visit, ASK, "", problems={}, is_sent="sent" in visit.request.query_params)


@post("/account/forgotten")
async def send_reset(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    """The same answer and the same work for every address; the job that sends the mail looks whose it is."""
    form = await visit.form()
    email = form.text("email")
    if not is_email(email):
        form.problems.setdefault("email", "Enter an e-mail address, like name@example.com")
    if form.problems:
        return await shown(visit, ASK, email, status=422, problems=form.problems, is_sent=False)
    if no := await counted(visit, "reset", email):
        return await refused(visit, ASK, email, no, is_sent=False)
    if await may_mail(visit, "reset", email):
        async with shop.db.write() as db:
            later(db, "mail_reset", email_key=email_key(email))
    return visit.leave("/account/forgotten?sent=1")


@get("/account/resets/{token:str}")
async def show_reset(token: FromPath[str], visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    await _opened(shop, token)
    return await shown(visit, CHOOSE, token, problems={})


@post("/account/resets/{token:str}")
async def reset(token: FromPath[str], visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    """Once: the link is bound to the password that it replaces."""
    form = await visit.form()
    wanted = form.secret("password")
    found = await _opened(shop, token)
    problems = dict(form.problems)
    if sentence := problem(wanted, email=found.email):
        problems["password"] = sentence
    if problems:
        return await shown(visit, CHOOSE, token, status=422, problems=problems)
    password_hash = await new_hash(wanted)
    if isinstance(password_hash, No):
        return await refused(visit, CHOOSE, token, password_hash)

    async def work(db: WriteSession) -> None:
        epoch = await actions.change_password(db, found.person, password_hash, was=found.password_hash)
        old, new = (hash_of(own_token(shop.secret, found.person, each)) for each in (found.epoch, epoch))
        await rename(db, old, new)

    await shop.db.retried(work)
    return visit.leave(f"{SIGN_IN}?reset=1")


async def _opened(shop: Shop, token: str) -> Proof:
    """Whose password may be replaced. Raises NotFound for what is wrong, old or used."""
    async with shop.db.fresh() as db:
        found = await proof_by_id(db, person_of(token))
    if not is_reset_token(token, shop.secret, found, shop.now()):
        raise NotFound("reset")
    assert found is not None  # noqa: S101  (or else the token were wrong)
    return found
