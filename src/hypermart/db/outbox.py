"""The outbox: side effects as rows in the same commit. The queue is only the doorbell; these rows are the truth."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import JSON, Index, String, case, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, LongText, UtcDateTime

LaneName: TypeAlias = Literal["quick", "mail", "slow"]
"""Rows of one lane do not wait for those of another: neither a hundred new pictures nor a mail server that does not
answer holds up a purge."""
LANES: tuple[LaneName, ...] = ("quick", "mail", "slow")
SLOW = frozenset({"make_renditions"})


class Outbox(Base):
    """One side effect that is due. Done when `done_at` is set; dead when `dead_at` is."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_open", "done_at", "dead_at", "due_at"),)

    id: Mapped[Id]
    job: Mapped[str] = mapped_column(String(64))
    args: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[At]
    due_at: Mapped[At]
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """Attempts that ended with the process that made them."""
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dead_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[LongText | None]
    result: Mapped[str | None] = mapped_column(String(500))
    """What the job said when it was done."""
    request: Mapped[str | None] = mapped_column(String(64))
    """The id of the request that it comes from, as in the log."""
    trace: Mapped[str | None] = mapped_column(String(64))
    """And where in which trace, as a W3C traceparent."""


#: The lane of a row, in SQL.
LANE = case((Outbox.job.in_(SLOW), "slow"), (Outbox.job.startswith("mail_", autoescape=True), "mail"), else_="quick")


def later(db: AsyncSession, job: str, *, due_at: datetime | None = None, **args: Any) -> None:
    """`job` (see jobs/) runs with `args` once this transaction has committed and `due_at` has come, at least once."""
    db.info["later"].append((job, args, due_at))
