"""The outbox: side effects as rows in the same commit. The queue is only the doorbell; these rows are the truth."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, LongText, UtcDateTime

SLOW = frozenset({"make_renditions"})
"""Run one at a time in a lane of their own, so that a hundred new pictures do not hold up a purge or a mail."""


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


def later(db: AsyncSession, job: str, *, due_at: datetime | None = None, **args: Any) -> None:
    """`job` (see jobs/) runs with `args` once this transaction has committed and `due_at` has come, at least once."""
    db.info["later"].append((job, args, due_at))
