"""A browser without scripting, in the same process as the app it talks to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from hypermart.app import create_app
from hypermart.settings import Settings
from tests.parts.clock import SetClock
from tests.parts.visitor import visiting


@pytest.fixture
async def client(demo_settings: Settings, clock: SetClock) -> AsyncIterator[httpx.AsyncClient]:
    """Looks at the demo shop, which many tests share."""
    async with visiting(create_app(demo_settings, clock=clock)) as client:
        yield client
