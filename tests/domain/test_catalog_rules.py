"""Pure rules of the catalogue."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermart.domain.catalog import rules
from hypermart.errors import Refused

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Vincent van Gogh", "vincent-van-gogh"),
        ("Paul Cézanne", "paul-cezanne"),
        ("30 × 40 cm", "30-x-40-cm"),
        ("Interiors & People", "interiors-people"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("ﬁne -- Art!", "fine-art"),
        ("x" * 300, "x" * 190),
    ],
)
def test_a_slug_is_readable_ascii(text: str, slug: str) -> None:
    assert rules.slugify(text) == slug


@given(st.text(max_size=300))
def test_a_slug_is_never_empty_and_stays_itself(text: str) -> None:
    slug = rules.slugify(text)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= 190
    assert rules.slugify(slug) == slug


def test_titles_without_ascii_get_slugs_of_their_own() -> None:
    assert rules.slugify("月と地球") != rules.slugify("القمر")


@pytest.mark.parametrize(
    ("year", "century"),
    [
        ("1850–55", 19),
        ("ca. 1470", 15),
        ("late 14th century", 14),
        ("1969", 20),
        ("2016", 21),
        ("1670s", 17),
        ("1800s", 19),
        ("1800", 18),
        ("1801", 19),
        ("2000", 20),
        ("2nd century", 2),
        ("probably 1783", 18),
        ("ca. 1892–96", 19),
        ("987", 10),
        ("500 BC", None),
        ("3rd century BCE", None),
        ("12345", None),
        ("undated", None),
        ("", None),
    ],
)
def test_the_century_of_a_date_as_people_write_it(year: str, century: int | None) -> None:
    assert rules.century(year) == century


def test_centuries_have_names() -> None:
    names = [rules.century_label(number) for number in (1, 2, 3, 11, 12, 13, 19, 21)]
    assert [name.partition(" ")[0] for name in names] == ["1st", "2nd", "3rd", "11th", "12th", "13th", "19th", "21st"]


def test_titles_sort_without_case_and_accents() -> None:
    assert sorted(["Zebra", "Étude", "apple", "eagle"], key=rules.sort_key) == ["apple", "eagle", "Étude", "Zebra"]


def test_ancestors_of_a_tree_and_of_a_circle() -> None:
    assert rules.ancestors({1: None, 2: 1, 3: 2}, 3) == [2, 1]
    assert rules.ancestors({1: 2, 2: 1}, 1) == [2, 1]


def test_sales_may_touch_but_not_overlap() -> None:
    before, after = (NOON - HOUR, NOON), (NOON + HOUR, NOON + 2 * HOUR)
    rules.check_sale(900, 1000, (NOON, NOON + HOUR), [before, after])
    for price, window in (
        (1000, (NOON, NOON + HOUR)),
        (-1, (NOON, NOON + HOUR)),
        (900, (NOON, NOON)),
        (900, (NOON + HOUR, NOON)),
        (900, (NOON, NOON + HOUR + timedelta(microseconds=1))),
        (900, (NOON - HOUR, NOON + 3 * HOUR)),
    ):
        with pytest.raises(Refused):
            rules.check_sale(price, 1000, window, [before, after])
