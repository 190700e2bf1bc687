"""A browser without scripting, in the same process as the app it talks to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from hypermart.app import create_app
from hypermart.settings import Settings
from tests.parts.clock import SetClock


@pytest.fixture
async def client(demo_settings: Settings, clock: SetClock) -> AsyncIterator[httpx.AsyncClient]:
    """Looks at the demo shop, which many tests share."""
    app = create_app(demo_settings, clock=clock)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client,
    ):
        yield client
