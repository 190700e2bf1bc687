"""Picture files of every kind, made here, and files that only look like pictures."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image, ImageCms, ImageDraw

RED, BLUE = (200, 30, 30), (30, 30, 200)


def halves(size: tuple[int, int] = (800, 600), mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", size, RED)
    ImageDraw.Draw(image).rectangle((size[0] // 2, 0, *size), fill=BLUE)
    return image.convert(mode)


def file(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def turned(orientation: int, kind: str = "JPEG") -> bytes:
    """With an orientation, a camera and a place in its EXIF data."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Secret Camera"
    exif.get_ifd(0x8825)[2] = (52.0, 30.0, 0.0)
    return file(halves(), kind, exif=exif, quality=95)


def palette_with_hole() -> bytes:
    """A palette PNG, red, whose left half is transparent."""
    image = Image.new("P", (400, 300), 1)
    image.putpalette([0, 0, 0, *RED])
    ImageDraw.Draw(image).rectangle((0, 0, 199, 300), fill=0)
    return file(image, "PNG", transparency=0)


def sixteen_bits() -> bytes:
    """A grey PNG of 16 bits: dark on the left, bright on the right."""
    image = Image.new("I;16", (400, 300), 0x2000)
    ImageDraw.Draw(image).rectangle((200, 0, 400, 300), fill=0xE000)
    return file(image, "PNG")


def animation(kind: str = "GIF") -> bytes:
    frames = [Image.new("RGB", (400, 300), colour) for colour in (RED, BLUE, BLUE)]
    return file(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)


def swapped_profile() -> bytes:
    """A JPEG in a colour space of its own (the primaries of sRGB in another order), which sRGB shows otherwise."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {
        bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * struct.unpack(">I", profile[128:132])[0], 12)
    }
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return file(halves(), "JPEG", icc_profile=bytes(profile), quality=95)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to no data."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(b"\0" * 100)),
            (b"IEND", b""),
        )
    )


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr(zipfile.ZipInfo("blue-mug.jpg"), b"x" * 100)  # dated 1980: the same bytes each time
    return out.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
