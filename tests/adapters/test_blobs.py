"""What every store of blobs keeps to, be it a folder or a bucket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hypermart.adapters.blobs import LocalBlobs
from hypermart.adapters.s3 import AT_ONCE, Keys, S3Blobs, place
from hypermart.errors import NotFound
from hypermart.ports import Blobs, BlobsAway
from tests.parts.s3_server import ID, SECRET, url_in

MB = 1_000_000
KEY = "originals/0123456789abcdef0123/blue-mug.jpg"
ODD = ("", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".a", "a/.b", "a\\b", "a\0b", "a\nb", "\ud800")
USABLE = (
    "originals/ключ/été 花.jpg",
    "a b+c%2Fd?e&f=g#h",
    'it\'s "<x>" & ~(y)!*;:@$,=',
    "a" * 255,
    "é" * 127,
)


@pytest.fixture(scope="module")
async def bucket(s3: str) -> AsyncIterator[S3Blobs]:
    blobs = S3Blobs(place(url_in(s3)), Keys(ID, SECRET))
    yield blobs
    await blobs.close()


@pytest.fixture(params=["local", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "local":
        return LocalBlobs(tmp_path / "blobs")
    bucket: S3Blobs = request.getfixturevalue("bucket")
    bucket._place = place(url_in(request.getfixturevalue("s3")))  # a client is a fifth of a second's work
    return bucket


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def streamed(blobs: Blobs, key: str) -> bytes:
    return b"".join([piece async for piece in blobs.stream(key)])


@pytest.mark.parametrize("content", [b"", b"x", os.urandom(200_000)], ids=["empty", "a byte", "200 kB"])
async def test_what_is_put_is_there(blobs: Blobs, content: bytes) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    await blobs.put(KEY, content, "image/jpeg")
    assert await blobs.get(KEY) == await streamed(blobs, KEY) == content
    assert await blobs.exists(KEY)
    found = await blobs.find(KEY)
    assert found
    assert (found.key, found.size) == (KEY, len(content))
    assert before < found.modified_at <= datetime.now(UTC)
    assert [(blob.key, blob.size) async for blob in blobs.listed()] == [(KEY, len(content))]


async def test_what_is_missing_is_not_found(blobs: Blobs) -> None:
    with pytest.raises(NotFound):
        await blobs.get(KEY)
    with pytest.raises(NotFound):
        await anext(blobs.stream(KEY))
    assert not await blobs.exists(KEY)
    assert await blobs.find(KEY) is None
    assert not await blobs.renew(KEY, "image/jpeg")
    await blobs.delete(KEY)
    assert [blob async for blob in blobs.listed()] == []


async def test_what_is_deleted_is_gone(blobs: Blobs) -> None:
    for key in (KEY, f"{KEY}.jpg"):
        await blobs.put(key, b"x", "image/jpeg")
    await blobs.delete(KEY)
    assert not await blobs.exists(KEY)
    assert [blob.key async for blob in blobs.listed()] == [f"{KEY}.jpg"]


async def test_what_is_put_again_is_replaced(blobs: Blobs) -> None:
    await blobs.put(KEY, b"old", "image/jpeg")
    await blobs.put(KEY, b"newer", "image/jpeg")
    assert await blobs.get(KEY) == b"newer"


async def test_a_blob_is_renewed(blobs: Blobs) -> None:
    await blobs.put(KEY, b"x", "image/jpeg")
    first = await blobs.find(KEY)
    await asyncio.sleep(1.1)  # HTTP counts seconds
    assert await blobs.renew(KEY, "image/jpeg")
    second = await blobs.find(KEY)
    assert first
    assert second
    assert second.modified_at > first.modified_at
    assert await blobs.get(KEY) == b"x"


@pytest.mark.parametrize("key", [*ODD, "x" * 256, "é" * 128], ids=ascii)
async def test_an_odd_key_is_never_there_nor_put(blobs: Blobs, key: str) -> None:
    for asked in (blobs.get(key), anext(blobs.stream(key)), blobs.put(key, b"x", "image/jpeg")):
        with pytest.raises(NotFound):
            await asked
    assert not await blobs.exists(key)
    assert not await blobs.renew(key, "image/jpeg")
    await blobs.delete(key)


async def test_any_other_key_is_one_of_its_own(blobs: Blobs) -> None:
    for key in USABLE:
        await blobs.put(key, key.encode(), "image/jpeg")
    for key in USABLE:
        assert await blobs.get(key) == key.encode()
        assert await blobs.exists(key)
        assert await blobs.renew(key, "image/jpeg")
    assert {blob.key async for blob in blobs.listed()} == set(USABLE)


async def test_all_are_listed(blobs: Blobs) -> None:
    keys = {f"renditions/{number:02}/a-320.webp" for number in range(23)}
    await asyncio.gather(*(blobs.put(key, b"x", "image/webp") for key in keys))
    listed = [blob.key async for blob in blobs.listed()]
    assert len(listed) == len(keys)
    assert set(listed) == keys


async def test_a_large_blob_passes_in_pieces(blobs: Blobs) -> None:
    content = os.urandom(20 * MB)
    await blobs.put(KEY, content, "image/jpeg")
    async with contextlib.aclosing(blobs.stream(KEY)) as pieces:
        at = len(await anext(pieces))  # what a client itself needs is there by now
        tracemalloc.start()
        try:
            async for piece in pieces:
                assert piece == content[at : at + len(piece)]
                at += len(piece)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert at == len(content)
    assert most < 2 * MB


async def test_several_put_one_key(blobs: Blobs) -> None:
    """As two workers may. Nobody ever sees a part of it."""
    content = os.urandom(500_000)
    await blobs.put(KEY, content, "image/jpeg")
    puts = [blobs.put(KEY, content, "image/jpeg") for _ in range(20)]
    gets = [blobs.get(KEY) for _ in range(20)]
    results = await asyncio.gather(*(each for pair in zip(puts, gets, strict=True) for each in pair))
    assert all(each == content for each in results[1::2])
    assert await blobs.get(KEY) == content
    assert [blob.key async for blob in blobs.listed()] == [KEY]


async def test_streams_that_nobody_reads_to_their_end_hold_nothing(blobs: Blobs) -> None:
    await blobs.put(KEY, os.urandom(2 * MB), "image/jpeg")
    begun = time.monotonic()
    for _ in range(AT_ONCE + 5):
        async with contextlib.aclosing(blobs.stream(KEY)) as pieces:
            await anext(pieces)
    assert time.monotonic() - begun < 4
    assert await blobs.exists(KEY)


async def test_a_folder_that_cannot_be_written_is_said_as_such(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file")
    blobs = LocalBlobs(tmp_path / "blobs")
    with pytest.raises(BlobsAway, match=r"^the folder of pictures: "):
        await blobs.put(KEY, b"x", "image/jpeg")
    assert not await blobs.exists(KEY)


async def test_a_put_that_fails_leaves_nothing(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path)
    (tmp_path / KEY).mkdir(parents=True)  # what no file can replace
    with pytest.raises(BlobsAway):
        await blobs.put(KEY, b"x", "image/jpeg")
    assert files(tmp_path) == []
