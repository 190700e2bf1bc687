"""A picture file is known by its header; each one that cannot be used has a reason of one line."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from hypermart.domain.catalog.pictures import Probe, original_key, probe, rendition_key, rendition_widths
from hypermart.errors import Refused
from tests.jobs.samples import (
    SVG,
    animation,
    archive,
    file,
    halves,
    palette_with_hole,
    png_header,
    sixteen_bits,
    turned,
)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_size_is_the_one_that_is_shown(kind: str) -> None:
    assert probe(file(halves(), kind)) == Probe(kind, 800, 600)
    assert probe(turned(6, kind)) == Probe(kind, 600, 800)
    assert probe(turned(3, kind)) == Probe(kind, 800, 600)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (animation(), Probe("GIF", 400, 300)),
        (animation("WEBP"), Probe("WEBP", 400, 300)),
        (sixteen_bits(), Probe("PNG", 400, 300)),
        (palette_with_hole(), Probe("PNG", 400, 300)),
        (file(halves(mode="CMYK"), "JPEG"), Probe("JPEG", 800, 600)),
        (file(halves(), "MPO", save_all=True, append_images=[halves()]), Probe("JPEG", 800, 600)),
        (file(halves(), "JPEG", progressive=True) + b"\xff\xda trailing bytes of a phone", Probe("JPEG", 800, 600)),
    ],
    ids=["gif", "animated webp", "16 bit", "palette", "cmyk", "mpo", "trailing bytes"],
)
def test_other_good_pictures(content: bytes, found: Probe) -> None:
    assert probe(content) == found


NOT_A_PICTURE = "not a picture: JPEG, PNG, WebP, GIF and AVIF are accepted"
DAMAGED = "truncated or damaged picture"
ENDLESS = "truncated: the end of the picture is missing"
JPEG, GIF = file(halves(), "JPEG", progressive=True), animation()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"\xff\xd8\xff" + bytes(20_000_000), "20.0 MB is over the limit of 20 MB"),
        (png_header(50_000, 50_000), "50000 x 50000 pixels is over the limit of 50 megapixels"),
        (png_header(20_000, 2), "20000 x 2 pixels is over the limit of 16383 a side"),
        (archive(), NOT_A_PICTURE),
        (SVG, NOT_A_PICTURE),
        (b"\xef\xbb\xbf<?xml version='1.0'?>" + SVG, NOT_A_PICTURE),
        (b"MZ" + bytes(500), NOT_A_PICTURE),
        (file(halves(), "TIFF"), NOT_A_PICTURE),
        (file(halves(), "BMP"), NOT_A_PICTURE),
        (JPEG[: len(JPEG) // 2], ENDLESS),
        (JPEG[:30], DAMAGED),
        (GIF[:-1], ENDLESS),
        (file(halves(), "PNG")[:-40], DAMAGED),
        (file(halves(), "WEBP")[:-40], DAMAGED),
        (file(halves(), "AVIF")[:-20], ENDLESS),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else None,
)
def test_what_cannot_be_used_is_refused_in_one_line(content: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        probe(content)
    assert str(refused.value) == reason


def test_a_thumbnail_does_not_make_a_cut_picture_whole() -> None:
    """The preview in its EXIF data has an end mark of its own."""
    exif = Image.Exif()
    exif[0x010E] = "\xff\xd8 \xff\xd9".encode("latin-1").decode("latin-1")
    content = file(halves(), "JPEG", exif=exif.tobytes() + file(halves((80, 60)), "JPEG"))
    assert content.count(b"\xff\xd9") == 2
    assert probe(content) == Probe("JPEG", 800, 600)
    with pytest.raises(Refused, match="truncated"):
        probe(content[:-100])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
def test_no_cut_or_flipped_file_ends_in_another_error(kind: str) -> None:
    content = file(halves((64, 48)), kind)
    for at in range(0, len(content), 7):
        for bad in (content[:at], content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]):
            try:
                probe(bad)
            except Refused as refused:
                assert "\n" not in str(refused)  # noqa: PT017


def test_keys_follow_from_the_content() -> None:
    content = file(halves(), "PNG")
    key = original_key(content, "folder/Blue Mug (1).JPG", probe(content))
    assert key == original_key(content, "other/blue-mug-1.png", probe(content))
    assert key.endswith("/blue-mug-1.png")
    digest = key.split("/")[1]
    assert rendition_key(key, 320) == f"renditions/{digest}/blue-mug-1-320.webp"
    assert original_key(content + b" ", "x", probe(content)).split("/")[1] != digest
    assert len(original_key(content, "x" * 500, probe(content))) <= 190


def test_widths_are_never_more_than_the_original() -> None:
    assert rendition_widths(4000) == (320, 480, 640, 960)
    assert rendition_widths(959) == (320, 480, 640)
    assert rendition_widths(320) == (320,)
    assert rendition_widths(100) == (100,)
    assert Image.open(io.BytesIO(file(halves((100, 80)), "PNG"))).width == 100
