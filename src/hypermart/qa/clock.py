"""The clock of a QA shop: it stands until a tester moves it, so that every run sees the same prices and dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
"""The hour for which the seeds are written."""


class QaClock:
    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, **delta: float) -> None:
        """advance(minutes=5)"""
        self.at += timedelta(**delta)
