"""What the queue runs, by the name that outbox rows carry. A job may run twice: it must come to the same end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from hypermart.db.outbox import SLOW
from hypermart.jobs.accounts import mail_password_changed, mail_registered, mail_reset
from hypermart.jobs.mail import mail_order_confirmation, mail_payment_failed, mail_payment_reminder
from hypermart.jobs.pictures import make_renditions
from hypermart.jobs.purge import purge_pages
from hypermart.jobs.stock import restate_stock

#: Called with the services, the task (which row, and whether it is still ours) and the row's args by name. What it
#: returns is kept with the row. Raising errors.Refused gives the row up at once, ports.NotNow puts it off, which is no
#: failure; any other exception is tried again later.
JobFunction: TypeAlias = Callable[..., Awaitable[str | None]]

JOBS: dict[str, JobFunction] = {
    job.__name__: job
    for job in (
        mail_order_confirmation,
        mail_payment_failed,
        mail_payment_reminder,
        mail_registered,
        mail_password_changed,
        mail_reset,
        make_renditions,
        purge_pages,
        restate_stock,
    )
}


class Patience(msgspec.Struct, frozen=True):
    """How long a job that fails is tried again."""

    attempts: int = 10
    longest: float = 600
    """Seconds between two attempts; ten attempts spread over about a quarter of an hour."""


MAILS = Patience(attempts=90, longest=3600)
"""Two to three days: as long as mail servers themselves try to hand a mail on."""


def patience(job: str) -> Patience:
    return MAILS if job.startswith("mail_") else Patience()


__all__ = ["JOBS", "SLOW", "JobFunction", "Patience", "patience"]
