"""Copies are upright, in sRGB and without metadata; a file that is a trap ends its child process, not ours."""

from __future__ import annotations

import io
import resource
import time

import pytest
from PIL import Image

from hypermart.adapters import imaging
from hypermart.adapters.imaging import webp
from hypermart.errors import Refused
from tests.jobs import samples
from tests.jobs.samples import BLUE, RED, file, halves

pytestmark = pytest.mark.slow  # decoders at their bounds


async def one(content: bytes, width: int = 320) -> Image.Image:
    copies = await webp(content, [width], 50)
    image = Image.open(io.BytesIO(copies[width]))
    assert image.format == "WEBP"
    image.load()
    return image


def colours(image: Image.Image) -> tuple[tuple[int, ...], ...]:
    """At the middle of the left, right, upper and lower edge."""
    rgb, (w, h) = image.convert("RGB"), image.size
    return tuple(rgb.getpixel(at) for at in ((4, h // 2), (w - 5, h // 2), (w // 2, 4), (w // 2, h - 5)))  # type: ignore[misc]


def is_like(one: tuple[int, ...], other: tuple[int, ...], by: int = 25) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


async def test_every_width_is_made() -> None:
    copies = await webp(file(halves((1200, 900)), "JPEG"), [320, 480, 640, 960], 50)
    sizes = {width: Image.open(io.BytesIO(copy)).size for width, copy in copies.items()}
    assert sizes == {320: (320, 240), 480: (480, 360), 640: (640, 480), 960: (960, 720)}


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize(("orientation", "red"), [(1, 0), (2, 1), (3, 1), (6, 2), (8, 3)])
async def test_a_turned_picture_is_set_upright(orientation: int, red: int, kind: str) -> None:
    """`red`: the edge that the red half comes to: left, right, upper, lower."""
    image = await one(samples.turned(orientation, kind), 400)
    assert image.size == ((400, 300) if orientation < 5 else (400, 533))
    assert is_like(colours(image)[red], RED)
    assert is_like(colours(image)[red ^ 1], BLUE)


async def test_metadata_is_stripped() -> None:
    content = samples.turned(1)
    assert b"Secret Camera" in content
    (copy,) = (await webp(content, [320], 50)).values()
    image = Image.open(io.BytesIO(copy))
    assert not image.getexif()
    assert {"exif", "icc_profile", "xmp"}.isdisjoint(image.info)
    assert not any(mark in copy for mark in (b"Secret", b"EXIF", b"ICCP", b"XMP "))


async def test_a_colour_profile_is_turned_into_srgb() -> None:
    image = await one(samples.swapped_profile())
    left, right, *_ = colours(image)
    assert left[2] > left[0] + 100  # what the file calls red is blue in its own colour space
    assert right[0] > right[2] + 100
    assert "icc_profile" not in image.info


async def test_a_broken_profile_is_ignored() -> None:
    image = await one(file(halves(), "JPEG", icc_profile=b"no profile", quality=95))
    assert is_like(colours(image)[0], RED)
    assert "icc_profile" not in image.info


async def test_cmyk() -> None:
    left, right, *_ = colours(await one(file(halves(mode="CMYK"), "JPEG", quality=95)))
    assert is_like(left, RED)
    assert is_like(right, BLUE)


async def test_a_transparent_palette_stays_transparent() -> None:
    image = await one(samples.palette_with_hole())
    assert image.mode == "RGBA"
    assert image.getpixel((10, 100))[3] == 0  # type: ignore[index]
    assert is_like(image.getpixel((300, 100)), (*RED, 255))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
async def test_an_animation_becomes_its_first_frame(kind: str) -> None:
    image = await one(samples.animation(kind))
    assert getattr(image, "n_frames", 1) == 1
    assert is_like(colours(image)[0], RED)


async def test_sixteen_bits_keep_their_shades() -> None:
    left, right, *_ = colours(await one(samples.sixteen_bits()))
    assert is_like(left, (0x20,) * 3, 4)
    assert is_like(right, (0xE0,) * 3, 4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
async def test_a_cut_picture_is_refused(kind: str) -> None:
    content = file(halves(), kind)
    with pytest.raises(Refused, match=r"^damaged picture: [^\n]+$"):
        await webp(content[: len(content) // 2], [320], 50)


@pytest.mark.parametrize("content", [b"", samples.SVG, samples.archive(), samples.png_header(50_000, 50_000)])
async def test_what_probe_refuses_is_refused_here_too(content: bytes) -> None:
    with pytest.raises(Refused, match=r"^damaged picture: [^\n]+$"):
        await webp(content, [320], 50)


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imaging, "MEMORY", 200)
    with pytest.raises(Refused, match=r"^decoding needs over 200 MB of memory$"):
        await webp(file(Image.new("RGB", (8000, 6000)), "PNG"), [320], 50)
    own = resource.getrlimit(resource.RLIMIT_AS)
    assert own[0] == resource.RLIM_INFINITY


async def test_computing_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imaging, "CPU", 1)
    with pytest.raises(Refused, match=r"^decoding took over 1 s of computing$"):
        await webp(file(Image.effect_noise((3000, 3000), 90), "JPEG"), [3000, 2999, 2998, 2997], 50)


async def test_waiting_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imaging, "WALL", 0.05)
    began = time.perf_counter()
    with pytest.raises(Refused, match=r"^not decoded within 0\.05 s$"):
        await webp(file(halves(), "JPEG"), [320], 50)
    assert time.perf_counter() - began < 2
