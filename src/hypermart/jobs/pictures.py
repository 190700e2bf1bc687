"""Makes the WebP renditions of a picture. Until they exist, and where they cannot be made, the original is shown."""

from __future__ import annotations

from hypermart.adapters import imaging
from hypermart.domain.catalog.models import Picture
from hypermart.domain.catalog.pictures import MEGAPIXELS, rendition_key, rendition_widths
from hypermart.jobs.task import Task
from hypermart.services import Services


async def make_renditions(services: Services, _: Task, /, *, picture_id: int) -> None:
    """`Picture.widths` names what exists. Raises Refused for a file that cannot be decoded within bounds."""
    async with services.db.write() as db:  # the primary: a replica may not have the picture yet
        picture = await db.get(Picture, picture_id)
    if picture is None:  # deleted since
        return
    widths = rendition_widths(picture.width)
    missing = [w for w in widths if not await services.blobs.exists(rendition_key(picture.blob_key, w))]
    if missing:
        original = await services.blobs.get(picture.blob_key)
        for width, content in (await imaging.webp(original, missing, MEGAPIXELS)).items():
            await services.blobs.put(rendition_key(picture.blob_key, width), content, "image/webp")
    blob_key, names = picture.blob_key, " ".join(map(str, widths))
    async with services.db.write() as db:
        current = await db.get(Picture, picture_id)
        if current and current.blob_key == blob_key and current.widths != names:
            current.widths = names
