"""Pictures are moved between stores whole, and what no row names is deleted, but never what is being imported."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hypermart import cli
from hypermart.domain.catalog.blobs import AT_ONCE, copy, delete_orphans, each, named, orphans
from hypermart.domain.catalog.models import Picture, Product
from hypermart.domain.catalog.pictures import rendition_key
from hypermart.domain.imports.actions import Order, import_shopify
from hypermart.errors import Refused
from hypermart.ports import Blobs, BlobsAway
from hypermart.services import Services, blobs_opened, opened
from hypermart.settings import Settings
from tests.jobs.samples import file, halves
from tests.parts.s3_server import ID, SECRET, settings_of, url_in
from tests.parts.server import free_port

Run = Callable[..., tuple[int, str, str]]
NAMES = ("blue-mug", "red-mug", "été")
KEYS = {name: f"originals/{sha256(name.encode() * 1000).hexdigest()[:20]}/{name}.jpg" for name in NAMES}
ORPHAN = "originals/99999999999999999999/old.jpg"
ALIEN = "backup/all-we-have.sql"
MUGS = "Handle,Title,Variant Price,Image Src,Status\nmug,Mug,1.00,mug.jpg,active\n"
HOUR, NOW = timedelta(hours=1), datetime.now(UTC)
LONG_AGO = NOW - 3 * HOUR


async def filled(services: Services, blobs: Blobs) -> list[str]:
    """Three products with a picture each, of which two have renditions; an orphan, and what is no picture. Gives what
    is needed."""
    needed = list(KEYS.values())
    async with services.db.write() as db:
        for name, key in KEYS.items():
            await blobs.put(key, name.encode() * 1000, "image/jpeg")
            widths = "" if name == "red-mug" else "320 480"
            now = services.clock.now()
            product = Product(slug=name, title=name, status="active", created_at=now, updated_at=now)
            db.add(product)
            await db.flush()
            db.add(Picture(product_id=product.id, blob_key=key, width=500, height=400, widths=widths))
            for width in map(int, widths.split()):
                await blobs.put(rendition_key(key, width), f"{name} {width}".encode(), "image/webp")
                needed.append(rendition_key(key, width))
    await blobs.put(ORPHAN, b"old", "image/jpeg")
    await blobs.put(ALIEN, b"precious", "text/plain")
    return sorted(needed)


def aged(settings: Settings, *keys: str, at: datetime = LONG_AGO) -> None:
    for key in keys:
        os.utime(settings.data / "blobs" / key, (at.timestamp(), at.timestamp()))


def nothing(_: str, __: float) -> None: ...


async def test_rows_name_their_blobs(services: Services) -> None:
    needed = await filled(services, services.blobs)
    async with services.db.fresh() as db:
        found = await named(db)
    assert sorted(found.needed) == needed
    red = KEYS["red-mug"]
    assert found.kept - found.needed == {rendition_key(red, 320), rendition_key(red, 480)}


async def test_there_and_back(services: Services, tmp_path: Path, s3: str) -> None:
    needed = await filled(services, services.blobs)
    keyed = settings_of(services.settings, "")
    async with (
        blobs_opened(url_in(s3), keyed) as bucket,
        blobs_opened(f"file:{tmp_path}/back", keyed) as back,
    ):
        shares: list[float] = []
        found = await copy(needed, services.blobs, bucket, lambda _, share: shares.append(share))
        assert {outcome: len(keys) for outcome, keys in found.items() if keys} == {"copied": len(needed)}
        assert shares[-1] == 1
        assert shares == sorted(shares)
        assert sorted((await copy(needed, bucket, back, nothing))["copied"]) == needed
        assert sorted([blob.key async for blob in back.listed()]) == needed
        for key in needed:
            assert await services.blobs.get(key) == await bucket.get(key) == await back.get(key)
        again = await copy(needed, services.blobs, bucket, nothing)
        assert sorted(again["there already"]) == needed


async def test_it_goes_on_where_it_stopped(services: Services, tmp_path: Path) -> None:
    """What was half done, or is of the right size and wrong, is done again."""
    needed = await filled(services, services.blobs)
    async with blobs_opened(f"file:{tmp_path}/to", services.settings) as target:
        for key, content in ((needed[0], b"half"), (needed[1], b"!" * len(await services.blobs.get(needed[1])))):
            await target.put(key, content, "image/jpeg")
        await target.put(needed[2], await services.blobs.get(needed[2]), "image/jpeg")
        found = await copy(needed, services.blobs, target, nothing)
        assert found["there already"] == [needed[2]]
        assert sorted(found["copied"]) == [key for key in needed if key != needed[2]]
        assert await target.get(needed[1]) == await services.blobs.get(needed[1])


async def test_the_first_failure_ends_it(services: Services) -> None:
    needed = await filled(services, services.blobs)
    asked = 0

    async def work(key: str) -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        raise BlobsAway(key)

    with pytest.raises(BlobsAway):
        await each(needed * 10, work)
    assert asked == AT_ONCE


async def test_only_old_pictures_that_nothing_names_are_orphans(services: Services) -> None:
    needed = await filled(services, services.blobs)
    lost = rendition_key(ORPHAN, 320)
    await services.blobs.put(lost, b"x", "image/webp")
    about_to_be_named = rendition_key(KEYS["red-mug"], 320)
    await services.blobs.put(about_to_be_named, b"x", "image/webp")
    aged(services.settings, *needed, ORPHAN, ALIEN, about_to_be_named)
    assert [blob.key for blob in await orphans(services.db, services.blobs, NOW - HOUR)] == [ORPHAN]
    aged(services.settings, lost)
    found = await orphans(services.db, services.blobs, NOW - HOUR)
    assert [blob.key for blob in found] == [ORPHAN, lost]
    assert await delete_orphans(services.blobs, found, NOW - HOUR) == found
    left = {blob.key async for blob in services.blobs.listed()}
    assert left == {*needed, ALIEN, about_to_be_named}


async def test_what_is_being_imported_stays(settings: Settings, services: Services, tmp_path: Path) -> None:
    """Its picture lies there as an orphan, is found as one, and then an import begins."""
    await filled(services, services.blobs)
    (tmp_path / "mug.jpg").write_bytes(file(halves(), "JPEG"))
    (tmp_path / "mugs.csv").write_text(MUGS)
    order = Order(tmp_path / "mugs.csv", "EUR", tmp_path)
    before = {blob.key async for blob in services.blobs.listed()}
    dropped = await import_shopify(services.db, services.blobs, order)
    assert not dropped.refused
    (key,) = {blob.key async for blob in services.blobs.listed()} - before
    async with services.db.write() as db:
        product = await db.get(Product, (await _product_id(services)))
        await db.delete(product)
    aged(settings, key, ORPHAN)
    found = await orphans(services.db, services.blobs, NOW - HOUR)
    assert {blob.key for blob in found} == {key, ORPHAN}

    class Watched:
        """The importer's database, asked for its transaction when the pictures are kept and no row names them."""

        clock, read = services.db.clock, services.db.read

        async def retried(self, work: object) -> object:
            assert [blob.key for blob in await delete_orphans(services.blobs, found, NOW - HOUR)] == [ORPHAN]
            assert await orphans(services.db, services.blobs, NOW - HOUR) == []
            return await services.db.retried(work)  # type: ignore[arg-type]

    assert not (await import_shopify(Watched(), services.blobs, order)).refused  # type: ignore[arg-type]
    assert await services.blobs.exists(key)
    async with services.db.fresh() as session:
        assert key in (await named(session)).needed


async def _product_id(services: Services) -> int:
    async with services.db.fresh() as db:
        return int((await db.execute(select(Product.id).where(Product.slug == "mug"))).scalar_one())


async def test_a_store_of_another_shop_is_left_alone(services: Services) -> None:
    for key in (ORPHAN, rendition_key(ORPHAN, 320)):
        await services.blobs.put(key, b"x", "image/jpeg")
        aged(services.settings, key)
    with pytest.raises(Refused, match="no picture there is of this shop"):
        await orphans(services.db, services.blobs, NOW - HOUR)


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    environ = {
        "MODE": "qa",
        "DATA_DIR": str(settings.data),
        "DATABASE_URL": settings.database_url,
        "AWS_ACCESS_KEY_ID": ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(["blobs", *words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def fill(settings: Settings) -> list[str]:
    async def work() -> list[str]:
        async with opened(settings) as services:
            return await filled(services, services.blobs)

    return asyncio.run(work())


def test_the_command_copies(settings: Settings, run: Run, s3: str) -> None:
    needed = fill(settings)
    here, there = f"file:{settings.data}/blobs", url_in(s3)
    total = f"; {len(needed)} in all\n"
    code, out, err = run("copy", here, there)
    assert (code, out) == (0, f"{len(needed)} copied, 0 there already, 0 missing, 0 different{total}")
    assert err.endswith("copying 100 %\n")
    (settings.data / "blobs" / needed[0]).unlink()
    code, out, err = run("copy", here, there)
    assert (code, out) == (1, f"0 copied, {len(needed) - 1} there already, 1 missing, 0 different{total}")
    assert f"missing: {needed[0]}\n" in err


def test_the_command_deletes_orphans(settings: Settings, run: Run) -> None:
    needed = fill(settings)
    assert run("orphans") == (0, "0 orphans, 0 bytes\n", "")
    aged(settings, *needed, ORPHAN, ALIEN)
    code, out, _ = run("orphans")
    assert (code, out.splitlines()[1:]) == (0, ["1 orphans, 3 bytes"])
    assert out.splitlines()[0].endswith(f"           3  {ORPHAN}")
    assert run("orphans", "--hours", "24")[1] == "0 orphans, 0 bytes\n"
    assert "1 deleted, 3 bytes" in run("orphans", "--delete")[1]
    assert run("orphans") == (0, "0 orphans, 0 bytes\n", "")


def test_an_import_without_its_store_changes_nothing(
    settings: Settings, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with free_port() as closed:
        monkeypatch.setenv("BLOBS_URL", f"s3://pictures?endpoint=http://127.0.0.1:{closed.getsockname()[1]}")
    (tmp_path / "mug.jpg").write_bytes(file(halves(), "JPEG"))
    (tmp_path / "mugs.csv").write_text(MUGS)
    assert cli.main(["import", "shopify", str(tmp_path / "mugs.csv"), "--pictures", str(tmp_path)]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("hypermart: the bucket pictures cannot be reached: ")

    async def products() -> list[Any]:
        async with opened(settings) as services, services.db.fresh() as db:
            return list(await db.execute(select(Product.id)))

    assert asyncio.run(products()) == []


def test_what_cannot_be_is_said_in_one_line(settings: Settings, run: Run, s3: str) -> None:
    fill(settings)
    with free_port() as closed:
        port = closed.getsockname()[1]
    here = f"file:{settings.data}/blobs"
    for words, line in (
        (("copy", here, here), "FROM_URL and TO_URL are the same"),
        (("copy", "s3://A:B@c", here), "FROM_URL cannot be used: use s3://"),
        (("copy", here, "ftp://c"), "TO_URL cannot be used: use s3://"),
        (("copy", here, f"s3://another?endpoint={s3}"), "the bucket another answers 404 NoSuchBucket"),
        (("copy", here, f"s3://pictures?endpoint=http://127.0.0.1:{port}"), "the bucket pictures cannot be reached: "),
        (("orphans", "--hours", "0.5"), "--hours must be 1 or more"),
    ):
        code, _, err = run(*words)
        assert code == 2
        assert err.startswith(f"hypermart: {line}")
        assert err.count("\n") == 1
