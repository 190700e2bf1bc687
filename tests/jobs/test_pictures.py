"""Renditions are made once, shown when they exist, and a trap leaves the original on the page."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image
from sqlalchemy import delete, select

from hypermart.adapters.s3 import Keys, S3Blobs, place
from hypermart.db.outbox import Outbox, later
from hypermart.domain.catalog.models import Picture, Product
from hypermart.domain.catalog.pictures import Probe, original_key, probe, rendition_key
from hypermart.domain.catalog.renditions import owe_renditions
from hypermart.errors import NotFound
from hypermart.jobs.delivery import deliver
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from tests.jobs.rows import row, rows
from tests.jobs.samples import file, halves, png_header, turned
from tests.parts.server import free_port


async def imported(services: Services, content: bytes, found: Probe) -> tuple[int, str, int]:
    """A product's picture as the importer leaves it: (picture, blob key, outbox row)."""
    key = original_key(content, "blue-mug.jpg", found)
    await services.blobs.put(key, content, found.content_type)
    now = services.clock.now()
    async with services.db.write() as db:
        product = Product(slug="blue-mug", title="Blue mug", status="active", created_at=now, updated_at=now)
        db.add(product)
        await db.flush()
        picture = Picture(product_id=product.id, blob_key=key, width=found.width, height=found.height)
        db.add(picture)
        await db.flush()
        later(db, "make_renditions", picture_id=picture.id)
        picture_id = picture.id
    async with services.db.read() as db:
        wanted = select(Outbox.id).where(Outbox.job == "make_renditions").order_by(Outbox.id.desc()).limit(1)
        return picture_id, key, (await db.execute(wanted)).scalar_one()


async def widths(services: Services, picture_id: int) -> str:
    async with services.db.read() as db:
        return str((await db.execute(select(Picture.widths).where(Picture.id == picture_id))).scalar_one())


async def purges(services: Services) -> int:
    return sum(r.job == "purge_pages" for r in await rows(services))


async def test_renditions_are_made_and_the_pages_purged(services: Services) -> None:
    content = turned(6)
    picture_id, key, id_ = await imported(services, content, probe(content))
    before = await purges(services)
    assert await deliver(services, id_, "slow")
    assert await widths(services, picture_id) == "320 480"  # 600 px wide when upright
    for width in (320, 480):
        image = Image.open(io.BytesIO(await services.blobs.get(rendition_key(key, width))))
        assert (image.format, image.size) == ("WEBP", (width, round(width * 4 / 3)))
    assert await purges(services) == before + 1
    last = (await rows(services))[-1]
    assert last.args["keys"]
    assert all(key.startswith("product:") for key in last.args["keys"])


async def test_a_small_picture_gets_one_of_its_own_width(services: Services) -> None:
    content = file(halves((200, 100)), "PNG")
    picture_id, key, id_ = await imported(services, content, probe(content))
    await deliver(services, id_, "slow")
    assert await widths(services, picture_id) == "200"
    assert await services.blobs.exists(rendition_key(key, 200))


async def test_a_second_run_changes_nothing(services: Services, clock: QaClock) -> None:
    content = file(halves(), "JPEG")
    picture_id, key, id_ = await imported(services, content, probe(content))
    await deliver(services, id_, "slow")
    made, before = await widths(services, picture_id), await purges(services)
    path = services.settings.data / "blobs" / rendition_key(key, 320)
    made_once = path.stat().st_ino
    async with services.db.write() as db:
        later(db, "make_renditions", picture_id=picture_id)
    again = (await rows(services))[-1].id
    await deliver(services, again, "slow")
    assert (await row(services, again)).done_at is not None
    assert path.stat().st_ino == made_once
    assert (await widths(services, picture_id), await purges(services)) == (made, before)


async def test_only_the_missing_ones_are_made_again(services: Services) -> None:
    content = file(halves(), "JPEG")
    picture_id, key, id_ = await imported(services, content, probe(content))
    await services.blobs.put(rendition_key(key, 320), b"there already", "image/webp")
    await deliver(services, id_, "slow")
    assert await services.blobs.get(rendition_key(key, 320)) == b"there already"
    assert await services.blobs.exists(rendition_key(key, 640))
    assert await widths(services, picture_id) == "320 480 640"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (png_header(50_000, 50_000), Probe("PNG", 50_000, 50_000)),
        (png_header(800, 600), Probe("PNG", 800, 600)),
        (b"no picture", Probe("JPEG", 800, 600)),
    ],
    ids=["bomb", "no pixels", "no picture"],
)
async def test_a_trap_is_dead_and_the_original_stays(services: Services, content: bytes, found: Probe) -> None:
    """Past the probe, as if it had been fooled."""
    picture_id, key, id_ = await imported(services, content, found)
    await deliver(services, id_, "slow")
    dead = await row(services, id_)
    assert (dead.attempts, dead.dead_at is not None) == (1, True)
    assert dead.last_error.startswith("damaged picture: ")
    assert "\n" not in dead.last_error
    assert await widths(services, picture_id) == ""
    assert await services.blobs.get(key) == content
    with pytest.raises(NotFound):
        await services.blobs.get(rendition_key(key, 320))


async def test_a_picture_that_is_gone_is_no_failure(services: Services) -> None:
    async with services.db.write() as db:
        later(db, "make_renditions", picture_id=404)
    id_ = (await rows(services))[-1].id
    await deliver(services, id_, "slow")
    assert (await row(services, id_)).done_at is not None


async def test_a_store_that_is_away_is_asked_again_for_as_long_as_it_takes(services: Services, clock: QaClock) -> None:
    content = file(halves(), "JPEG")
    picture_id, _, id_ = await imported(services, content, probe(content))
    with free_port() as closed:
        port = closed.getsockname()[1]
    bucket = S3Blobs(place(f"s3://pictures?endpoint=http://127.0.0.1:{port}"), Keys("id", "secret"))
    assert await deliver(replace(services, blobs=bucket), id_, "slow")
    await bucket.close()
    put_off = await row(services, id_)
    assert (put_off.attempts, put_off.done_at, put_off.dead_at) == (0, None, None)
    assert "the bucket pictures cannot be reached" in put_off.last_error
    clock.advance(minutes=1)
    assert await deliver(services, id_, "slow")
    assert await widths(services, picture_id) == "320 480 640"


async def test_pictures_that_lack_renditions_are_found(services: Services) -> None:
    """Not while others are being made, and not what was given up: people look at that."""
    content = file(halves((200, 100)), "PNG")
    lost, _, lost_row = await imported(services, content, probe(content))

    async def owed() -> int:
        async with services.db.write() as db:
            return await owe_renditions(db)

    assert await owed() == 0, "its row is there"
    async with services.db.write() as db:
        await db.execute(delete(Outbox).where(Outbox.id == lost_row))
    assert (await owed(), await owed()) == (1, 0)
    (again,) = [r.id for r in await rows(services) if r.job == "make_renditions"]
    await deliver(services, again, "slow")
    assert await widths(services, lost) == "200"
    assert await owed() == 0
    async with services.db.write() as db:
        first = await db.get_one(Picture, lost)
        trap = Picture(product_id=first.product_id, blob_key="originals/0/trap.png", width=1, height=1)
        bare = Picture(product_id=first.product_id, blob_key=first.blob_key, width=200, height=100)
        db.add_all([trap, bare])
        await db.flush()
        now = services.clock.now()
        given_up = {"created_at": now, "due_at": now, "dead_at": now, "attempts": 10}
        db.add(Outbox(job="make_renditions", args={"picture_id": trap.id}, **given_up))
    assert await owed() == 1
    assert (await rows(services))[-1].args == {"picture_id": bare.id}
