"""The shop's mails: each looks again whether it is still right, and is sent only by the worker that has its row."""

from __future__ import annotations

import structlog
from sqlalchemy import select

from hypermart import failpoints
from hypermart.domain.orders.links import order_token
from hypermart.domain.orders.models import Order
from hypermart.domain.orders.pages import OrderPage
from hypermart.domain.orders.queries import attempt_email, attempt_view, order_page
from hypermart.domain.orders.rules import CANCELLED, OPEN, PENDING
from hypermart.domain.payments.models import PaymentAttempt
from hypermart.errors import NotFound, Refused
from hypermart.jobs.letters import Letter, written
from hypermart.jobs.task import LeaseLost, Task
from hypermart.services import Services

log = structlog.get_logger(__name__)
FAILED = {"declined", "expired", "voided"}


async def mail_order_confirmation(services: Services, task: Task, /, *, order: int) -> None:
    """Also tells how to pay, so not of an order that was cancelled meanwhile."""
    page = await _order(services, order)
    if page.status == CANCELLED:
        _skip(task, "cancelled")
    else:
        await send(services, task, _about("mail_order_confirmation", services, page))


async def mail_payment_reminder(services: Services, task: Task, /, *, order: int) -> None:
    page = await _order(services, order)
    if (page.status, page.payment_status) != (OPEN, PENDING):
        _skip(task, f"{page.status} and {page.payment_status}")
    else:
        await send(services, task, _about("mail_payment_reminder", services, page))


async def mail_payment_failed(services: Services, task: Task, /, *, attempt: str) -> None:
    """Not if the shopper has long paid in another way."""
    async with services.db.fresh() as db:
        try:
            view, email = await attempt_view(db, attempt), await attempt_email(db, attempt)
        except NotFound:
            raise Refused(f"there is no payment {attempt}") from None
        others = select(Order.id).join(PaymentAttempt, PaymentAttempt.cart_id == Order.cart_id)
        is_bought = (await db.execute(others.where(PaymentAttempt.key == attempt))).first() is not None
    if is_bought or view.state not in FAILED:
        _skip(task, "ordered" if is_bought else view.state)
        return
    link = f"{services.settings.base_url}/checkout/attempts/{view.key}"
    await send(services, task, Letter("mail_payment_failed", "", email, view, link))


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


async def send(services: Services, task: Task, letter: Letter) -> None:
    """Unless the task has gone to another worker."""
    mail = written(services, task, letter)
    failpoints.reach("mail.written")
    if not await task.is_held(services):
        raise LeaseLost("another worker may be sending this mail")
    await services.mail.send(mail)
    failpoints.reach("mail.sent")


def _skip(task: Task, why: str) -> None:
    log.info("mail.not_sent", id=task.id, why=why)
