"""A bucket that is away, slow, silent, forbidden or not there: bounded, clear, and without a word of our keys."""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from hypermart.adapters.s3 import AT_ONCE, HANGS, Keys, Patience, S3Blobs, place
from hypermart.ports import BlobsAway
from hypermart.services import blobs_opened, opened
from hypermart.settings import BadSetting, Settings
from tests.jobs.rows import until
from tests.parts.s3_server import (
    ID,
    SECRET,
    begins,
    drips,
    is_silent,
    refuses,
    says,
    settings_of,
    told_store,
    url_in,
)
from tests.parts.server import free_port

KEY = "originals/0123456789abcdef0123/blue-mug.jpg"
SHORT = Patience(answer=0.4, whole=1.0, pause=0.5)
ASKED: dict[str, Callable[[S3Blobs], Awaitable[Any]]] = {
    "put": lambda blobs: blobs.put(KEY, b"x" * 100_000, "image/jpeg"),
    "renew": lambda blobs: blobs.renew(KEY, "image/jpeg"),
    "get": lambda blobs: blobs.get(KEY),
    "stream": lambda blobs: anext(blobs.stream(KEY)),
    "find": lambda blobs: blobs.find(KEY),
    "exists": lambda blobs: blobs.exists(KEY),
    "delete": lambda blobs: blobs.delete(KEY),
    "listed": lambda blobs: anext(blobs.listed()),
}


@contextlib.asynccontextmanager
async def bucket(url: str, patience: Patience = SHORT) -> AsyncIterator[S3Blobs]:
    blobs = S3Blobs(place(url), Keys(ID, SECRET), patience)
    try:
        yield blobs
    finally:
        await blobs.close()


async def failures(blobs: S3Blobs) -> dict[str, Any]:
    """What becomes of each way to ask, all at once."""
    results = await asyncio.gather(*(ask(blobs) for ask in ASKED.values()), return_exceptions=True)
    return dict(zip(ASKED, results, strict=True))


def is_discreet(error: BaseException) -> bool:
    said = "".join(traceback.format_exception(error))
    return SECRET not in said and ID not in said and "Signature" not in said


async def test_an_answer_is_that_of_the_store(s3: str) -> None:
    async with bucket(url_in(s3), Patience()) as blobs:
        await blobs.put(KEY, b"x", "image/jpeg")
        for _ in range(2):  # also once it has been renewed
            async with blobs._asked(KEY, 5) as (client, name):
                found = await client.head_object(**name)
            assert found["ContentType"] == "image/jpeg"
            assert found["CacheControl"] == "public, max-age=31536000, immutable"
            await blobs.renew(KEY, "image/jpeg")


async def test_a_bucket_that_is_not_there_is_no_missing_picture(s3: str) -> None:
    async with bucket(f"s3://another?endpoint={s3}", Patience()) as blobs:
        found = await failures(blobs)
    assert found.pop("find") is None  # HEAD has no words
    assert found.pop("exists") is False
    for error in found.values():
        assert isinstance(error, BlobsAway)
        assert str(error) == "the bucket another answers 404 NoSuchBucket"
        assert is_discreet(error)


async def test_nobody_there() -> None:
    with free_port() as closed:
        port = closed.getsockname()[1]
    begun = time.monotonic()
    async with bucket(f"s3://pictures?endpoint=http://127.0.0.1:{port}", Patience()) as blobs:
        found = await failures(blobs)
    for error in found.values():
        assert isinstance(error, BlobsAway)
        assert str(error) == "the bucket pictures cannot be reached: EndpointConnectionError"
        assert is_discreet(error)
    assert time.monotonic() - begun < 5


async def test_no_answer() -> None:
    async with told_store(is_silent) as store, bucket(store.url) as blobs:
        begun = time.monotonic()
        found = await failures(blobs)
        assert time.monotonic() - begun < 4
    for error in found.values():
        assert isinstance(error, BlobsAway)
        assert str(error) == "the bucket pictures did not answer in time"
        assert is_discreet(error)


async def test_visitors_do_not_wait_for_what_was_silent_again_and_again() -> None:
    whole = says("200 OK", b"picture")
    patience = Patience(answer=1.0, whole=2.0, pause=0.5)  # the first call also loads what botocore knows of S3
    async with told_store(*[is_silent] * HANGS, whole) as store, bucket(store.url, patience) as blobs:
        for _ in range(HANGS):
            with pytest.raises(BlobsAway, match="in time"):
                await anext(blobs.stream(KEY))
        begun = time.monotonic()
        with pytest.raises(BlobsAway, match="a moment ago"):
            await anext(blobs.stream(KEY))
        assert time.monotonic() - begun < patience.answer / 2
        assert len(store.asked) == HANGS
        assert await blobs.get(KEY) == b"picture"  # jobs do ask
        await asyncio.sleep(patience.pause)
        assert await anext(blobs.stream(KEY)) == b"picture"


NO = (
    (refuses("403 Forbidden", "AccessDenied"), "answers 403 AccessDenied"),
    (refuses("403 Forbidden", "InvalidAccessKeyId"), "answers 403 InvalidAccessKeyId"),
    (refuses("503 Slow Down", "SlowDown"), "answers 503 SlowDown"),
    (refuses("500 Oh", "<b>\n"), "answers 500"),
    (says("502 Bad Gateway", b"<html>no</html>", kind="text/html"), "answers 502"),
    (says("301 Moved", kind="text/html"), "cannot be reached: RecursionError"),
)


async def test_no(caplog: pytest.LogCaptureFixture) -> None:
    async with told_store(is_silent) as store, bucket(store.url, Patience()) as blobs:
        for step, words in NO:
            store.steps = [step]
            for name in ("get", "put", "stream") if "403" in words else ("get",):  # others are asked twice
                with pytest.raises(BlobsAway) as refused:
                    await ASKED[name](blobs)
                assert str(refused.value).startswith(f"the bucket pictures {words}")
                assert "\n" not in str(refused.value)
                assert is_discreet(refused.value)
    assert caplog.text == ""


async def test_a_forbidden_head() -> None:
    async with told_store(says("403 Forbidden")) as store, bucket(store.url) as blobs:
        with pytest.raises(BlobsAway, match=r"^the bucket pictures answers 403$"):
            await blobs.exists(KEY)


async def test_it_is_asked_twice_before_it_counts_as_away() -> None:
    steps = (refuses("503 Slow Down", "SlowDown"), says("200 OK", b"picture"))
    async with told_store(*steps) as store, bucket(store.url, Patience()) as blobs:
        assert await blobs.get(KEY) == b"picture"
        assert len(store.asked) == 2


async def test_nonsense_is_no_list() -> None:
    async with (
        told_store(says("200 OK", b"welcome to the hotel", kind="text/html")) as store,
        bucket(store.url, Patience()) as blobs,
    ):
        with pytest.raises(BlobsAway, match="the bucket pictures answers 500"):
            await anext(blobs.listed())


async def test_a_stream_that_is_cut_does_not_end_well() -> None:
    async with told_store(says("200 OK", b"x" * 1000, length=200_000)) as store, bucket(store.url) as blobs:
        got = b""
        with pytest.raises(BlobsAway, match="cannot be reached"):
            async for piece in blobs.stream(KEY):
                got += piece
        assert got == b"x" * 1000
        with pytest.raises(BlobsAway):
            await blobs.get(KEY)


async def test_a_store_that_drips_is_bounded() -> None:
    async with told_store(drips) as store, bucket(store.url) as blobs:
        for ask in (ASKED["get"], _all):
            begun = time.monotonic()
            with pytest.raises(BlobsAway, match="in time"):
                await ask(blobs)
            assert time.monotonic() - begun < 3


async def test_a_first_byte_that_does_not_come_is_no_answer() -> None:
    """Caddy waits for it, and not for the head of the bucket's answer."""
    patience = Patience(answer=0.4, whole=4)
    async with told_store(begins) as store, bucket(store.url, patience) as blobs:
        begun = time.monotonic()
        with pytest.raises(BlobsAway, match="in time"):
            await anext(blobs.stream(KEY))
        assert time.monotonic() - begun < 3


async def test_a_slow_visitor_is_not_held_against_the_bucket(s3: str) -> None:
    async with bucket(url_in(s3), Patience(whole=1.5)) as blobs:
        await blobs.put(KEY, b"x" * 300_000, "image/jpeg")
        size, begun = 0, time.monotonic()
        async for piece in blobs.stream(KEY):
            size += len(piece)
            await asyncio.sleep(0.4)
        assert size == 300_000
        assert time.monotonic() - begun > 1.5


async def test_requests_that_are_broken_off_hold_no_connection() -> None:
    async with told_store(is_silent) as store, bucket(store.url, Patience()) as blobs:
        for _ in range(2):
            asking = [asyncio.create_task(blobs.get(KEY)) for _ in range(AT_ONCE)]
            asked = len(store.asked)
            await until(lambda: len(store.asked) == asked + AT_ONCE)  # noqa: B023  (it ends in this turn)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        store.steps = [says("200 OK", b"picture")]
        assert await blobs.get(KEY) == b"picture"


async def test_without_keys_it_says_so(monkeypatch: pytest.MonkeyPatch, s3: str, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    blobs = S3Blobs(place(url_in(s3)), Keys())
    with pytest.raises(BlobsAway, match="AWS_ACCESS_KEY_ID"):
        await blobs.exists(KEY)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ID)  # a role may come later than the shop
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert not await blobs.exists(KEY)
    await blobs.close()


async def test_a_shop_opens_without_its_bucket(settings: Settings) -> None:
    async with told_store(is_silent) as store:
        begun = time.monotonic()
        async with opened(settings_of(settings, store.url)):
            pass
        assert time.monotonic() - begun < 4
        assert store.asked == []


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://pictures", "pictures", ""),
        ("s3://pictures/", "pictures", ""),
        ("s3://my.shop-1/a/b/", "my.shop-1", "a/b/"),
    ],
)
def test_a_place(url: str, bucket: str, prefix: str) -> None:
    found = place(f"{url}?endpoint=https://s3.example:9000&region=eu-central-1")
    assert (found.bucket, found.prefix) == (bucket, prefix)
    assert (found.endpoint, found.region) == ("https://s3.example:9000", "eu-central-1")
    assert place(url).endpoint is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:",
        "ftp://pictures",
        "s3:pictures",
        "s3://",
        "s3:///prefix",
        "s3://A-SECRET:A-SECRET@pictures",
        "s3://pictures:9000",
        "s3://Pictures",
        "s3://p",
        "s3://pictures/a b",
        "s3://pictures#A-SECRET",
        "s3://pictures?A-SECRET",
        "s3://pictures?secret=A-SECRET",
        "s3://pictures?region=A-SECRET",
        "s3://pictures?endpoint=s3.example",
        "s3://pictures?endpoint=https://A-SECRET@s3.example",
        "s3://pictures?endpoint=https://s3.example/A-SECRET",
        "s3://pictures?endpoint=ftp://s3.example",
        "s3://[A-SECRET",
    ],
)
async def test_an_address_that_is_none(url: str, settings: Settings) -> None:
    with pytest.raises(BadSetting, match=r"^BLOBS_URL cannot be used: .*use s3://BUCKET/PREFIX") as refused:
        async with blobs_opened(url, settings):
            pass
    assert "A-SECRET" not in "".join(traceback.format_exception(refused.value))
    assert "\n" not in str(refused.value)


async def _all(blobs: S3Blobs) -> bytes:
    return b"".join([piece async for piece in blobs.stream(KEY)])
