"""What a picture file must be, and the names of its blobs. Reads headers only; decoding is adapters/imaging.py."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import PurePosixPath

import msgspec
from PIL import Image, UnidentifiedImageError

from hypermart.errors import Refused

#: Formats by Pillow's name, with the ending and the type of the stored original. Never SVG: it can carry scripts.
FORMATS = {
    "JPEG": (".jpg", "image/jpeg"),
    "PNG": (".png", "image/png"),
    "WEBP": (".webp", "image/webp"),
    "GIF": (".gif", "image/gif"),
    "AVIF": (".avif", "image/avif"),
}
CONTENT_TYPES = dict(FORMATS.values())
MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF")
MEGABYTES, MEGAPIXELS = 20, 50
SIDE = 16_383
"""Pixels; WebP goes no further."""
WIDTHS = (320, 480, 640, 960)
ORIENTATION = 0x0112

# Pillow's own limit names no sizes; probe() asks at the same moment, before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None


class Probe(msgspec.Struct, frozen=True):
    """A picture file as its header tells it; width and height are those a browser shows (EXIF orientation applied)."""

    format: str
    width: int
    height: int

    @property
    def content_type(self) -> str:
        return FORMATS[self.format][1]


def probe(content: bytes) -> Probe:
    """What `content` is. Raises Refused with a reason of one line; decodes no pixel, so it is quick and small."""
    if not content:
        raise Refused("empty file")
    if len(content) > MEGABYTES * 1_000_000:
        raise Refused(f"{len(content) / 1e6:.1f} MB is over the limit of {MEGABYTES} MB")
    file = io.BytesIO(content)
    try:
        with Image.open(file, formats=tuple(FORMATS)) as image:
            kind = "JPEG" if image.format == "MPO" else image.format or ""  # phones append a second JPEG: MPO
            width, height = image.size
            _refuse_size(width, height)
            _refuse_cut(image, kind, content, file.tell())
            exif = Image.Exif()
            exif.load(image.info.get("exif") or b"")
    except UnidentifiedImageError:
        if content.startswith(MAGIC) or content[4:12] == b"ftypavif":
            raise Refused("truncated or damaged picture") from None
        raise Refused("not a picture: JPEG, PNG, WebP, GIF and AVIF are accepted") from None
    except Refused:
        raise
    except Exception:  # noqa: BLE001  (Pillow's parsers fail in many ways)
        raise Refused("truncated or damaged picture") from None
    is_on_its_side = exif.get(ORIENTATION) in (5, 6, 7, 8)
    return Probe(kind, *((height, width) if is_on_its_side else (width, height)))


def _refuse_size(width: int, height: int) -> None:
    if width * height > MEGAPIXELS * 1_000_000:
        raise Refused(f"{width} x {height} pixels is over the limit of {MEGAPIXELS} megapixels")
    if max(width, height) > SIDE:
        raise Refused(f"{width} x {height} pixels is over the limit of {SIDE} a side")


def _refuse_cut(image: Image.Image, kind: str, content: bytes, header_end: int) -> None:
    """Looks for the file's own end mark. Pillow has read up to `header_end` (in a JPEG, the start of its scan)."""
    match kind:
        case "JPEG":
            is_whole = content.find(b"\xff\xd9", header_end) > 0
        case "PNG":
            image.verify()  # walks all chunks and their checksums, inflates nothing
            is_whole = b"IEND" in content[-32:]
        case "WEBP":
            is_whole = int.from_bytes(content[4:8], "little") + 8 <= len(content)
        case "GIF":
            is_whole = content.rstrip(b"\0\r\n").endswith(b";")
        case _:
            is_whole = _boxes_end(content) <= len(content)
    if not is_whole:
        raise Refused("truncated: the end of the picture is missing")


def _boxes_end(content: bytes) -> int:
    """Where the last box of an AVIF file says that it ends."""
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        if size == 1:  # then it is too long for four bytes
            size = int.from_bytes(content[at + 8 : at + 16], "big")
        at = at + max(size, 8) if size else len(content)  # 0: to the end of the file
    return at


def original_key(content: bytes, name: str, found: Probe) -> str:
    """The key of an original: named by its content, so that the same file is kept once and never changes."""
    stem = re.sub(r"[^a-z0-9]+", "-", PurePosixPath(name).stem.lower()).strip("-")[:100] or "picture"
    return f"originals/{_digest(content)}/{stem}{FORMATS[found.format][0]}"


def is_as_named(key: str, content: bytes) -> bool:
    """False if `content` cannot be what was kept under `key`. Only originals' names tell."""
    return not key.startswith("originals/") or key.split("/")[1] == _digest(content)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]


def content_type(key: str) -> str | None:
    """The type of the picture that may lie under `key`; None for what is no picture of ours."""
    return CONTENT_TYPES.get(PurePosixPath(key).suffix) if key.startswith(("originals/", "renditions/")) else None


def rendition_key(blob_key: str, width: int) -> str:
    """`originals/<digest>/<name>.<ext>` -> `renditions/<digest>/<name>-<width>.webp`."""
    path = PurePosixPath(blob_key)
    return f"renditions/{path.parent.name}/{path.stem}-{width}.webp"


def rendition_widths(width: int) -> tuple[int, ...]:
    """The widths to make of a picture `width` px wide: never wider than it, always at least one."""
    return tuple(each for each in WIDTHS if each <= width) or (width,)
