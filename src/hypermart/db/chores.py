"""What runs by the clock, as rows: when each was last begun, how it ended, when it is due. Knows no chore."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import msgspec
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, UtcDateTime
from hypermart.db.session import AnySession

State: TypeAlias = Literal["new", "well", "failed", "running", "lost", "late"]
"""`lost`: its process ended, or stood still, before it did. `late`: nobody has begun it, so no worker is at work."""
LATE = timedelta(minutes=2)


class Chore(Base):
    """One chore: a row that whoever begins it first has for this period (jobs/chores.py)."""

    __tablename__ = "chores"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    about: Mapped[str] = mapped_column(String(200))
    """What it is for, in a sentence."""
    period: Mapped[int]
    """Seconds."""
    due_at: Mapped[At]
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Somebody is at it until then at most; None: nobody is."""
    began_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)
    """In a row, up to the last end."""
    words: Mapped[str | None] = mapped_column(String(500))
    """What it said in the end, or why it failed."""


class ChoreView(msgspec.Struct, frozen=True):
    name: str
    about: str
    period: timedelta
    state: State
    began_at: datetime | None
    ended_at: datetime | None
    due_at: datetime
    failures: int
    words: str


async def chore_views(db: AnySession, now: datetime) -> list[ChoreView]:
    return [_view(row, now) for row in await db.execute(select(*Chore.__table__.c).order_by(Chore.name))]


def _view(row: Any, now: datetime) -> ChoreView:
    return ChoreView(
        name=row.name,
        about=row.about,
        period=timedelta(seconds=row.period),
        state=_state(row, now),
        began_at=row.began_at,
        ended_at=row.ended_at,
        due_at=row.due_at,
        failures=row.failures,
        words=row.words or "",
    )


def _state(row: Any, now: datetime) -> State:
    if row.leased_until and row.leased_until > now:
        return "running"
    if row.due_at + LATE < now:
        return "late"
    if row.leased_until:
        return "lost"
    if row.ended_at is None:
        return "new"
    return "failed" if row.failures else "well"
