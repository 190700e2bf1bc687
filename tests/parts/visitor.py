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


def here(app: Litestar, host: str = "127.0.0.1") -> httpx.ASGITransport:
    """`host`: the address that the browser comes from."""
    return httpx.ASGITransport(
        cast("Any", app), client=(host, 123)
    )  # Litestar types its scopes more closely than httpx
