"""Idle transactions: on SQLite nobody looks for them, and on MySQL there are none (more in tests/split)."""

from __future__ import annotations

import asyncio

from hypermart.jobs import idle
from hypermart.services import Services


async def test_where_none_lies_idle_none_is_ended(services: Services) -> None:
    if services.settings.is_embedded:
        await asyncio.wait_for(idle.ending_idle(services), 1)
    else:
        assert await idle.end_idle(services) == 0
