"""A browser without scripting, in the process of the app it talks to."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
from litestar import Litestar

ORIGIN = "http://shop.test"


@contextlib.asynccontextmanager
async def visiting(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """The app is started, and stopped at the end of the block."""
    async with app.lifespan(), httpx.AsyncClient(transport=here(app), base_url=ORIGIN) as client:
        yield client


def here(app: Litestar) -> httpx.ASGITransport:
    return httpx.ASGITransport(cast("Any", app))  # Litestar types its scopes more closely than httpx
