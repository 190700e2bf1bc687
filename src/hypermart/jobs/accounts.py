"""Mails about accounts: what registering came to, which pages never say, and that a password was changed."""

from __future__ import annotations

from sqlalchemy import select

from hypermart.db.session import ReadSession
from hypermart.domain.customers.models import Customer
from hypermart.domain.customers.queries import CustomerView, customer, proof_by_id
from hypermart.domain.customers.resets import reset_token
from hypermart.errors import Refused
from hypermart.jobs.letters import Letter
from hypermart.jobs.mail import send
from hypermart.jobs.task import Task
from hypermart.services import Services


async def mail_registered(services: Services, task: Task, /, *, email_key: str, is_new: bool) -> str:
    """A welcome; or, to somebody who had an account, that somebody tried to open another with their address."""
    async with services.db.fresh() as db:
        found = await db.execute(select(Customer.id).where(Customer.email_key == email_key))
        who = await _customer(db, found.scalar_one_or_none())
    link = f"{services.settings.base_url}/account"
    template = "mail_welcome" if is_new else "mail_account_exists"
    return await send(services, task, Letter(template, who.name, who.email, who, link))


async def mail_reset(services: Services, task: Task, /, *, email_key: str) -> str:
    """To whoever has an account with this address; to nobody else. The link's time begins when it is sent."""
    async with services.db.fresh() as db:
        found = (await db.execute(select(Customer.id).where(Customer.email_key == email_key))).scalar_one_or_none()
        if found is None:
            return "not sent: nobody has an account with this address"
        who, proof = await _customer(db, found), await proof_by_id(db, found)
    if proof is None:
        return "not sent: the account is gone"
    token = reset_token(services.secret, proof, services.clock.now())
    link = f"{services.settings.base_url}/account/resets/{token}"
    return await send(services, task, Letter("mail_reset", who.name, who.email, who, link))


async def mail_password_changed(services: Services, task: Task, /, *, customer: int) -> str:
    async with services.db.fresh() as db:
        who = await _customer(db, customer)
    link = f"{services.settings.base_url}/account"
    return await send(services, task, Letter("mail_password_changed", who.name, who.email, who, link))


async def _customer(db: ReadSession, id_: int | None) -> CustomerView:
    found = await customer(db, id_) if id_ else None
    if found is None:
        raise Refused("there is no such account any more")
    return found
