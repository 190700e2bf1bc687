"""A bucket behind a line that fails: visitors, imports, jobs and copies, while it fails and once it is well again.

Docstrings are rows of docs/reliability.md (tests/topology/table.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from hypermart.app import create_app
from hypermart.domain.catalog.blobs import named
from hypermart.domain.catalog.models import Picture
from hypermart.jobs.delivery import deliver, due
from hypermart.ports import Blobs
from hypermart.qa.clock import QaClock
from hypermart.services import Services, blobs_opened, opened
from hypermart.settings import ROOT, Settings
from tests.jobs.samples import file, halves
from tests.parts.proxy import FAULTS, Proxy, proxy
from tests.parts.s3_server import ID, SECRET, settings_of, url_in
from tests.parts.server import free_port, serving

pytestmark = pytest.mark.stack  # minutes: commands are processes
LONGEST = 8.0
"""Seconds that Caddy waits for an app."""
MUGS = ("blue", "red", "green")
PRODUCTS = "Handle,Title,Variant Price,Image Src,Status\n" + "".join(f"{m},{m},1.00,{m}.jpg,active\n" for m in MUGS)


@pytest.fixture
async def line(s3: str) -> AsyncIterator[Proxy]:
    async with proxy(int(s3.rpartition(":")[2])) as line:
        yield line


@pytest.fixture
def bucket(s3: str) -> str:
    """As it is reached without the line."""
    return url_in(s3)


def by(line: Proxy, bucket: str) -> str:
    return re.sub(r"endpoint=[^&]*", f"endpoint=http://127.0.0.1:{line.port}", bucket)


async def needed(services: Services, blobs: Blobs) -> set[str]:
    """What rows name; each of them is in the store, and originals are what their names say."""
    async with services.db.fresh() as db:
        keys = set((await named(db)).needed)
    for key in keys:
        content = await blobs.get(key)
        if key.startswith("originals/"):
            assert hashlib.sha256(content).hexdigest().startswith(key.split("/")[1]), key
    return keys


@pytest.mark.parametrize("fault", [each for each in FAULTS if each not in ("cut up", "wrong")])
async def test_bucket_while_browsing(
    demo_settings: Settings, clock: QaClock, line: Proxy, bucket: str, fault: str
) -> None:
    """Pages are whole. A picture that nobody has kept is put off with 503, or breaks off; then it is there again.

    Holds: no answer takes 8 s; half a picture never looks like a whole one; no restart is needed.
    """
    settings, content = settings_of(demo_settings, by(line, bucket)), os.urandom(200_000)
    key = f"originals/{hashlib.sha256(content).hexdigest()[:20]}/blue-mug.jpg"
    async with blobs_opened(bucket, settings) as blobs:
        await blobs.put(key, content, "image/jpeg")
    app = create_app(settings, clock=clock)
    with serving(app, free_port()) as base:
        async with httpx.AsyncClient(base_url=base, timeout=20) as client:
            assert (await client.get(f"/media/{key}")).content == content
            line.set(fault)
            for page in ("/", re.findall(r'href="(/p/[^"?]+)', (await client.get("/")).text)[0]):
                answer = await client.get(page)
                assert (answer.status_code, answer.text.rstrip()[-7:]) == (200, "</html>")
            began = time.monotonic()
            if fault == "cut down":
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.get(f"/media/{key}")
            else:
                answer = await client.get(f"/media/{key}")
                assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")
            assert time.monotonic() - began < LONGEST
            line.set("")
            assert (await client.get(f"/media/{key}")).content == content


async def command(settings: Settings, *words: str) -> asyncio.subprocess.Process:
    environ = os.environ | {
        "MODE": "qa",
        "DATA_DIR": str(settings.data),
        "DATABASE_URL": settings.database_url,
        "BLOBS_URL": settings.blobs_url,
        "AWS_ACCESS_KEY_ID": ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hypermart", *words), cwd=ROOT, env=environ, stdout=-1, stderr=-1
    )


async def said(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), 100)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("fault", ["down", "slow", "forbidden", "cut up"])
async def test_bucket_during_an_import(
    settings: Settings, clock: QaClock, line: Proxy, bucket: str, tmp_path: Path, *, fault: str
) -> None:
    """Nothing: the import ends with one line that says why, and changes nothing. Run again, it comes to its end.

    Holds: no row names a picture that is not there.
    """
    noise = random.Random(7)  # noqa: S311
    for mug in MUGS:
        image = halves((300, 200))
        image.putdata([(noise.randrange(256),) * 3 for _ in range(60_000)])  # 60 kB and more, each another one
        (tmp_path / f"{mug}.jpg").write_bytes(file(image, "JPEG", quality=95))
    (tmp_path / "mugs.csv").write_text(PRODUCTS)
    shop = settings_of(settings, by(line, bucket))
    words = ("import", "shopify", str(tmp_path / "mugs.csv"), "--pictures", str(tmp_path))
    async with opened(shop, clock) as services, blobs_opened(bucket, shop) as blobs:
        line.set(fault)
        code, out, err = await said(await command(shop, *words))
        assert (code, out) == (2, "")
        last = err.splitlines()[-1]
        assert last.startswith("hypermart: the bucket pictures ")
        assert "Traceback" not in err
        assert await needed(services, blobs) == set()
        line.set("")
        assert (await said(await command(shop, *words)))[0] == 0
        assert len(await needed(services, blobs)) == len(MUGS)


@pytest.mark.parametrize("fault", FAULTS)
async def test_bucket_while_renditions_are_made(
    settings: Settings, clock: QaClock, line: Proxy, bucket: str, tmp_path: Path, *, fault: str
) -> None:
    """The original, until the renditions are there: they are tried again every minute.

    Holds: no row names a picture that is not there; nothing is made of wrong bytes, and nothing is given up.
    """
    image = halves((640, 480))
    image.putdata([(n * 7919 % 251, n % 241, n * n % 239) for n in range(640 * 480)])
    (tmp_path / "blue.jpg").write_bytes(file(image, "JPEG", quality=90))
    (tmp_path / "mugs.csv").write_text(PRODUCTS.splitlines()[0] + "\nblue,blue,1.00,blue.jpg,active\n")
    shop = settings_of(settings, by(line, bucket))
    words = ("import", "shopify", str(tmp_path / "mugs.csv"), "--pictures", str(tmp_path))
    async with opened(shop, clock) as services, blobs_opened(bucket, shop) as blobs:
        code, _, err = await said(await command(shop, *words))
        assert code == 0, err
        clock.at = services.clock.now().replace(year=2100)  # the command's clock is the one on the wall
        line.set(fault)
        (id_,) = await due(services, "slow")
        assert await deliver(services, id_, "slow")
        assert await widths(services) == [""]
        assert len(await needed(services, blobs)) == 1
        line.set("")
        clock.advance(minutes=1)
        assert await due(services, "slow") == [id_]
        await deliver(services, id_, "slow")
        assert await widths(services) == ["320 480 640"]
        assert len(await needed(services, blobs)) == 4


async def widths(services: Services) -> list[str]:
    async with services.db.fresh() as db:
        return list((await db.execute(select(Picture.widths))).scalars())


@pytest.mark.parametrize("way", ["to the bucket", "from the bucket"])
async def test_copy_of_pictures_killed(
    demo_copy_settings: Settings, line: Proxy, bucket: str, tmp_path: Path, way: str
) -> None:
    """Nothing. Run again, it goes on where it stopped.

    Holds: in the end every picture that a row names is there, byte for byte; what broke off is not taken for whole.
    """
    shop = settings_of(demo_copy_settings, f"file:{demo_copy_settings.data}/blobs")
    here, there, back = shop.blobs_url, by(line, bucket), f"file:{tmp_path}/back"
    words = (here, there) if way == "to the bucket" else (there, back)
    async with opened(shop) as services, blobs_opened(bucket, shop) as kept, blobs_opened(back, shop) as target:
        async with services.db.fresh() as db:
            all_ = len((await named(db)).needed)
        if way == "from the bucket":
            assert (await said(await command(shop, "blobs", "copy", here, bucket)))[0] == 0
        store = kept if way == "to the bucket" else target
        line.pause = 0.01
        process = await command(shop, "blobs", "copy", *words)
        async with asyncio.timeout(60):
            while len([blob async for blob in store.listed()]) < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        await said(process)
        line.pause = 0
        line.set("cut up" if way == "to the bucket" else "cut down")
        code, out, err = await said(await command(shop, "blobs", "copy", *words))
        assert (code, out) == (2, ""), err
        assert err.splitlines()[-1].startswith("hypermart: the bucket pictures cannot be reached")
        line.set("")
        code, out, err = await said(await command(shop, "blobs", "copy", *words))
        assert code == 0, err
        copied, there_already = map(int, re.findall(r"(\d+) (?:copied|there)", out))
        assert 5 <= there_already < all_
        assert copied + there_already == all_
        for key in await needed(services, services.blobs):
            assert await store.get(key) == await services.blobs.get(key)


async def test_wrong_bytes_are_not_copied(
    demo_copy_settings: Settings, line: Proxy, bucket: str, tmp_path: Path
) -> None:
    """Nothing: the copy ends with exit code 1 and names the pictures. Run again, it is whole.

    Holds: originals are what their names say.
    """
    shop = settings_of(demo_copy_settings, f"file:{demo_copy_settings.data}/blobs")
    back = f"file:{tmp_path}/back"
    assert (await said(await command(shop, "blobs", "copy", shop.blobs_url, bucket)))[0] == 0
    line.set("wrong")
    code, _, err = await said(await command(shop, "blobs", "copy", by(line, bucket), back))
    assert code == 1
    assert "different: originals/" in err
    line.set("")
    assert (await said(await command(shop, "blobs", "copy", by(line, bucket), back)))[0] == 0
    async with opened(shop) as services, blobs_opened(back, shop) as target:
        for key in await needed(services, services.blobs):
            assert await target.get(key) == await services.blobs.get(key)
