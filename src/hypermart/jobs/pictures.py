"""Makes the WebP renditions of a picture. Until they exist, and where they cannot be made, the original is shown."""

from __future__ import annotations

from hypermart.adapters import imaging
from hypermart.domain.catalog.models import Picture
from hypermart.domain.catalog.pictures import MEGAPIXELS, is_as_named, rendition_key, rendition_widths
from hypermart.domain.catalog.renditions import owe_renditions
from hypermart.jobs.task import Task
from hypermart.ports import BlobsAway, NotNow
from hypermart.services import Services

AGAIN = 60.0
"""Seconds after which a store that was away is asked again: for as long as it takes."""


async def make_renditions(services: Services, _: Task, /, *, picture_id: int) -> None:
    """`Picture.widths` names what exists. Raises Refused for a file that cannot be decoded within bounds."""
    async with services.db.write() as db:  # the primary: a replica may not have the picture yet
        picture = await db.get(Picture, picture_id)
    if picture is None:  # deleted since
        return
    widths, blob_key = rendition_widths(picture.width), picture.blob_key
    try:
        await _make(services, blob_key, widths)
    except BlobsAway as away:
        raise NotNow(str(away), AGAIN) from None
    names = " ".join(map(str, widths))
    async with services.db.write() as db:
        current = await db.get(Picture, picture_id)
        if current and current.blob_key == blob_key and current.widths != names:
            current.widths = names


async def _make(services: Services, blob_key: str, widths: tuple[int, ...]) -> None:
    """Those that are missing. The others are renewed, because a row will name them."""
    keys = {width: rendition_key(blob_key, width) for width in widths}
    missing = [width for width, key in keys.items() if not await services.blobs.renew(key, "image/webp")]
    if missing:
        original = await services.blobs.get(blob_key)
        if not is_as_named(blob_key, original):
            raise BlobsAway(f"what is kept as {blob_key} was something else when it was put")
        for width, content in (await imaging.webp(original, missing, MEGAPIXELS)).items():
            await services.blobs.put(keys[width], content, "image/webp")


async def queue_renditions(services: Services) -> str:
    """After a row of the queue was lost, or given up and deleted."""
    if services.settings.mode == "qa":
        return "not done: the seeds of a QA shop have originals only"
    async with services.db.write() as db:
        return f"{await owe_renditions(db)} pictures"
