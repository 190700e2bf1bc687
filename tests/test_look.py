"""The colours of static/css/tokens.css can be read in both themes (docs/look.md; WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re

import pytest

from hypermart.settings import ROOT

TOKENS = (ROOT / "static" / "css" / "tokens.css").read_text()
GROUNDS = ("paper", "surface", "sunken")
WORDS, CONTROLS = ("ink", "muted", "accent", "sale", "ok", "warn"), ("control", "focus")


def colour(name: str, theme: str) -> str:
    light, dark = re.findall(rf"--{name}: light-dark\((#\w+), (#\w+)\)", TOKENS)[0]
    return str(light if theme == "light" else dark)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_is_that_of_wcag() -> None:
    assert contrast("#000", "#ffffff") == 21
    assert round(contrast("#777", "#fff"), 2) == 4.48


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("names", "least"), [(WORDS, 4.5), (CONTROLS, 3)])
def test_there_is_enough_contrast(theme: str, names: tuple[str, ...], least: float) -> None:
    ratios = {
        (name, ground): contrast(colour(name, theme), colour(ground, theme)) for name in names for ground in GROUNDS
    }
    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < least} == {}


def test_an_engine_without_light_dark_has_the_light_colours() -> None:
    for name in (*GROUNDS, *WORDS, *CONTROLS):
        assert re.findall(rf"--{name}: (#\w+)", TOKENS)[:1] == [colour(name, "light")], name


def test_pages_of_errors_differ_in_their_words_alone() -> None:
    """Those of the shop are checked as states (tests/pages); the gateway's have no state of their own."""
    files = sorted((ROOT / "static" / "errors").glob("*.html"))
    frames = {path.name: re.sub(r"<(title|h1|p)\b([^>]*)>.*?</\1>", r"<\1\2>", path.read_text()) for path in files}
    assert frames.keys() >= {"404.html", "413.html", "500.html", "502.html", "503.html"}
    assert set(frames.values()) == {frames["503.html"]}
    assert all(path.read_text().count("<p") == 2 for path in files)
