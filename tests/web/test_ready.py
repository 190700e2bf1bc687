"""/readyz and /readyz/write: 503, and the reason in words, on shutdown, without a database, and by a wrong clock."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from litestar import Litestar

from hypermart.app import create_app
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.parts.visitor import visiting

BOTH = ("/readyz", "/readyz/write")


async def said(client: httpx.AsyncClient, path: str) -> tuple[int, str]:
    answer = await client.get(path)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.text.strip()


def app_at(settings: Settings, **ahead: float) -> Litestar:
    """A shop in production whose clock is so far ahead of the machine's."""
    real = msgspec.structs.replace(settings, mode="production")
    return create_app(real, clock=QaClock(datetime.now(UTC) + timedelta(**ahead)))


async def test_ready_until_it_leaves(demo_settings: Settings) -> None:
    app = create_app(demo_settings, clock=QaClock())
    async with visiting(app) as client:
        for path in BOTH:
            assert await said(client, path) == (200, "ready")
        app.state.shop.is_leaving = True
        for path in BOTH:
            assert await said(client, path) == (503, "shutting down")
        assert (await client.get("/")).status_code == 200, "it still answers whoever comes"


@pytest.mark.parametrize("seconds", [1.0, -1.0])
async def test_a_clock_that_is_nearly_right_will_do(demo_settings: Settings, seconds: float) -> None:
    async with visiting(app_at(demo_settings, seconds=seconds)) as client:
        for path in BOTH:
            assert await said(client, path) == (200, "ready")


@pytest.mark.parametrize(("seconds", "words"), [(600, "ahead of"), (-3, "behind")])
async def test_a_wrong_clock_on_mysql(demo_settings: Settings, seconds: float, words: str) -> None:
    if demo_settings.is_embedded:
        async with visiting(app_at(demo_settings, seconds=seconds)) as client:
            assert await said(client, "/readyz") == (200, "ready"), "SQLite has no clock but ours"
        return
    async with visiting(app_at(demo_settings, seconds=seconds)) as client:
        for path in BOTH:
            status, reason = await said(client, path)
            assert status == 503
            assert words in reason


async def test_a_database_that_never_answers_is_given_a_second(demo_settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql+asyncmy://nobody:nothing@127.0.0.1:{silent.getsockname()[1]}/none"
        lost = msgspec.structs.replace(demo_settings, database_url=url, database_read_url=url)
        async with visiting(create_app(lost, clock=QaClock())) as client:
            began = time.monotonic()
            assert await said(client, "/readyz") == (503, "no database answers")
            assert await said(client, "/readyz/write") == (503, "the primary database does not answer")
            assert time.monotonic() - began < 2.5
            assert (await client.get("/livez")).status_code == 200
