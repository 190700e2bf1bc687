"""The shop's mails: each looks again whether it is still right, and is sent only by the worker that has its row."""

from __future__ import annotations

from functools import partial

from sqlalchemy import select

from hypermart import failpoints, traces
from hypermart.domain.orders.links import order_token
from hypermart.domain.orders.models import Order
from hypermart.domain.orders.pages import OrderPage
from hypermart.domain.orders.queries import attempt_email, attempt_view, order_page
from hypermart.domain.orders.rules import CANCELLED, OPEN, PENDING
from hypermart.domain.payments.models import PaymentAttempt
from hypermart.errors import NotFound, Refused
from hypermart.jobs.letters import Letter, written
from hypermart.jobs.task import Task
from hypermart.metrics import MAIL_SECONDS, timed
from hypermart.ports import NotNow
from hypermart.services import Services

FAILED = {"declined", "expired", "voided"}


async def mail_order_confirmation(services: Services, task: Task, /, *, order: int) -> str:
    """Also tells how to pay, so not of an order that was cancelled meanwhile."""
    page = await _order(services, order)
    if page.status == CANCELLED:
        return "not sent: cancelled"
    return await send(services, task, _about("mail_order_confirmation", services, page))


async def mail_payment_reminder(services: Services, task: Task, /, *, order: int) -> str:
    page = await _order(services, order)
    if (page.status, page.payment_status) != (OPEN, PENDING):
        return f"not sent: {page.status} and {page.payment_status}"
    return await send(services, task, _about("mail_payment_reminder", services, page))


async def mail_payment_failed(services: Services, task: Task, /, *, attempt: str) -> str:
    """Not if the shopper has long paid in another way."""
    async with services.db.fresh() as db:
        try:
            view, email = await attempt_view(db, attempt), await attempt_email(db, attempt)
        except NotFound:
            raise Refused("there is no such payment") from None  # its key opens a page
        others = select(Order.id).join(PaymentAttempt, PaymentAttempt.cart_id == Order.cart_id)
        is_bought = (await db.execute(others.where(PaymentAttempt.key == attempt))).first() is not None
    if is_bought or view.state not in FAILED:
        return f"not sent: {'ordered' if is_bought else view.state}"
    link = f"{services.settings.base_url}/checkout/attempts/{view.key}"
    return await send(services, task, Letter("mail_payment_failed", "", email, view, link))


async def _order(services: Services, number: int) -> OrderPage:
    async with services.db.fresh() as db:  # the primary: a replica may not have the order yet
        try:
            return await order_page(db, number)
        except NotFound:
            raise Refused(f"there is no order {number}") from None


def _about(template: str, services: Services, page: OrderPage) -> Letter:
    token = order_token(services.secret, page.number)
    link = f"{services.settings.base_url}/orders/{page.number}?t={token}"
    return Letter(template, page.name, page.email, page, link)


async def send(services: Services, task: Task, letter: Letter) -> str:
    """How it ended, as the log of mails keeps it: nothing of the mail but its id, and no address. Raises LeaseLost."""
    mail = written(services, task, letter)
    failpoints.reach("mail.written")
    with traces.span("send mail"), timed(MAIL_SECONDS, refused=Refused, put_off=NotNow):
        await services.mail.send(mail, partial(task.hold, services))
    failpoints.reach("mail.sent")
    return f"sent to {letter.email.rpartition('@')[2]} as {mail['Message-ID']}"
