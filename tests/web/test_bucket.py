"""A shop whose pictures are in a bucket: it hands them out, and without them its pages stay whole."""

from __future__ import annotations

import re
import time

import httpx
import pytest

from hypermart.app import create_app
from hypermart.qa.clock import QaClock
from hypermart.services import opened
from hypermart.settings import Settings
from tests.parts.s3_server import Step, is_silent, refuses, says, settings_of, told_store, url_in
from tests.parts.server import free_port, serving
from tests.parts.visitor import visiting

KEY = "originals/0123456789abcdef0123/blue-mug.jpg"
ADDRESS = f"/media/{KEY}"


async def test_pictures_come_from_the_bucket(demo_settings: Settings, clock: QaClock, s3: str) -> None:
    settings = settings_of(demo_settings, url_in(s3))
    content = bytes(range(256)) * 1000
    async with opened(settings, clock) as services:
        await services.blobs.put(KEY, content, "image/jpeg")
    async with visiting(create_app(settings, clock=clock)) as client:
        answer = await client.get(ADDRESS)
        assert answer.content == content
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = await client.get(ADDRESS, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        missing = await client.get(ADDRESS.replace("blue", "red"))
        assert missing.status_code == 404


async def away(settings: Settings, clock: QaClock, url: str) -> None:
    """Pages are whole; a picture is put off."""
    async with visiting(create_app(settings_of(settings, url), clock=clock)) as client:
        home = await client.get("/")
        assert home.status_code == 200
        path = re.findall(r'href="(/p/[^"?]+)', home.text)[0]
        product = await client.get(path)
        assert product.status_code == 200
        assert re.search(r'<img[^>]+alt="[^"]+"', product.text)
        for headers in ({}, {"if-none-match": f'"{KEY}"'}):
            begun = time.monotonic()
            answer = await client.get(ADDRESS, headers=headers)
            assert answer.status_code == 503
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["retry-after"] == "10"
            assert "etag" not in answer.headers
            assert time.monotonic() - begun < 7  # Caddy waits for 8


async def test_without_a_bucket_pages_stay_whole(demo_settings: Settings, clock: QaClock) -> None:
    with free_port() as closed:
        port = closed.getsockname()[1]
    await away(demo_settings, clock, f"s3://pictures?endpoint=http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "step",
    [refuses("403 Forbidden", "AccessDenied"), refuses("404 Not Found", "NoSuchBucket")],
    ids=["403", "no bucket"],
)
async def test_with_a_bucket_that_says_no_pages_stay_whole(demo_settings: Settings, clock: QaClock, step: Step) -> None:
    async with told_store(step) as store:
        await away(demo_settings, clock, store.url)


async def test_a_bucket_that_is_silent_is_put_off_before_caddy_gives_up(
    demo_settings: Settings, clock: QaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with told_store(is_silent) as store:
        settings = settings_of(demo_settings, store.url)
        async with visiting(create_app(settings, clock=clock)) as client:
            begun = time.monotonic()
            answer = await client.get(ADDRESS)
            assert answer.status_code == 503
            assert 4 < time.monotonic() - begun < 6


async def test_a_picture_that_is_cut_off_does_not_look_whole(demo_settings: Settings, clock: QaClock) -> None:
    """Else a browser or a CDN would keep half of it for a year."""
    async with told_store(says("200 OK", b"x" * 100_000, length=300_000)) as store:
        app = create_app(settings_of(demo_settings, store.url), clock=clock)
        with serving(app, free_port()) as base:
            async with httpx.AsyncClient() as client:
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.get(f"{base}{ADDRESS}")
