"""The child process of imaging.py: a picture on stdin, WebP copies on stdout. Pictures can be traps; see its bounds.

`python -m hypermart.adapters.pixels CPU_SECONDS MEMORY_MB MEGAPIXELS WIDTH...`
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import sys
import warnings
from collections.abc import Iterator, Sequence

from PIL import AvifImagePlugin, Image, ImageCms
from PIL.Image import Transpose

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
REFUSED = 3
QUALITY = 72
ORIENTATION = 0x0112
UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def main(cpu: int, memory: int, megapixels: int, *widths: int) -> int:
    """Bounds itself before it sees a byte of the picture."""
    os.nice(10)
    for limit, soft, hard in (
        (resource.RLIMIT_CPU, cpu, cpu + 1),  # SIGXCPU first, so that the parent can tell
        (resource.RLIMIT_AS, memory << 20, memory << 20),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS does not bound the address space
            resource.setrlimit(limit, (soft, hard))
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = megapixels * 1_000_000
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    try:
        for copy in copies(io.BytesIO(sys.stdin.buffer.read()), widths):
            sys.stdout.buffer.write(len(copy).to_bytes(4, "big") + copy)
    except MemoryError:
        reason = f"decoding needs over {memory} MB of memory"
    except Exception as error:  # noqa: BLE001  (Pillow's parsers fail in many ways)
        reason = f"damaged picture: {' '.join(str(error).split()) or type(error).__name__}"
    else:
        return 0
    sys.stderr.write(reason)
    return REFUSED


def copies(file: io.BytesIO, widths: Sequence[int]) -> Iterator[bytes]:
    """WebP files of the first frame in `widths`, in that order."""
    with Image.open(file, formats=FORMATS) as image:
        turn = _turn(image)
        widest = max(widths)
        if image.format == "JPEG":  # decodes at an eighth, a quarter or half of the size where that is enough
            image.draft(None, (widest, widest))
        upright = _decoded(image)
        if turn is not None:
            upright = upright.transpose(turn)
    small = _srgb(_scaled(upright, widest))
    for width in widths:
        out = io.BytesIO()
        _scaled(small, width).save(out, "WEBP", quality=QUALITY, method=4)
        yield out.getvalue()


def _turn(image: Image.Image) -> Transpose | None:
    """From EXIF alone, as browsers do; Pillow would also look into XMP."""
    exif = Image.Exif()
    exif.load(image.info.get("exif") or b"")
    return UPRIGHT.get(exif.get(ORIENTATION, 1))


def _decoded(image: Image.Image) -> Image.Image:
    """In a mode that can be scaled: no palette, no 16 bits."""
    image.load()
    if image.has_transparency_data:
        return image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    if image.mode.startswith("I"):  # 16 bits, which convert() would cut off at 255
        return image.convert("I").point(lambda value: value / 257).convert("L")
    return image.convert("L" if image.mode == "1" else "RGB")


def _scaled(image: Image.Image, width: int) -> Image.Image:
    if image.width == width:
        return image
    height = max(1, round(image.height * width / image.width))
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _srgb(image: Image.Image) -> Image.Image:
    """In sRGB. Saving writes no profile and no other metadata unless told to."""
    profile = image.info.get("icc_profile")
    alpha = image.getchannel("A") if "A" in image.getbands() else None
    colour = image.convert(image.mode.removesuffix("A")) if alpha else image
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):  # a broken profile: most likely sRGB was meant
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(colour, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            colour = converted or colour
    colour = colour.convert("RGB")
    if alpha:
        colour.putalpha(alpha)
    return colour


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
