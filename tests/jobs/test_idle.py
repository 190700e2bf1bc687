"""Idle transactions: on SQLite nobody looks for them, and on MySQL there are none (more in tests/split)."""

from __future__ import annotations

from hypermart.jobs import idle
from hypermart.jobs.chores import watches
from hypermart.services import Services


async def test_where_none_lies_idle_none_is_ended(services: Services) -> None:
    if services.settings.is_embedded:
        assert "watch_idle" not in watches(services.settings)
    else:
        assert await idle.end_idle(services) == 0
        assert await watches(services.settings)["watch_idle"].run(services) is None
