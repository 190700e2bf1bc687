"""What single cells mean: amounts above all, since a misread one is a wrong price."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermart.domain.imports import attributes, cells
from hypermart.domain.imports.problems import BadCell
from hypermart.money import Money, exponent

READ = [
    ("24.00", "EUR", 2400),
    ("24,00", "EUR", 2400),
    ("24", "EUR", 2400),
    ("24.5", "EUR", 2450),
    ("5,00", "EUR", 500),
    ("0.05", "EUR", 5),
    ("1.234,56", "EUR", 123456),
    ("1,234.56", "EUR", 123456),
    ("1,234,567", "EUR", 123456700),
    ("1.234.567,8", "EUR", 123456780),
    (" 7.00\n", "EUR", 700),
    ("24.0000", "EUR", 2400),
    ("24", "JPY", 24),
    ("24.00", "JPY", 24),
    ("24.500", "KWD", 24500),
    ("1,234.567", "KWD", 1234567),
    ("", "EUR", None),
    ("  ", "EUR", None),
]
REFUSED = [
    ("5,000", "EUR"),
    ("5.000", "EUR"),
    ("5,000", "JPY"),
    ("5,000", "KWD"),
    ("5.0.0", "EUR"),
    ("1,23,456", "EUR"),
    ("1.234.56", "EUR"),
    ("1,234,56", "EUR"),
    ("0,123.45", "EUR"),
    ("1e3", "EUR"),
    ("NaN", "EUR"),
    ("inf", "EUR"),
    ("-1", "EUR"),
    ("+1", "EUR"),
    ("２４", "EUR"),
    ("٢٤", "EUR"),
    ("€24", "EUR"),
    ("24 €", "EUR"),
    ("1 234,56", "EUR"),
    ("1'234.56", "EUR"),
    (".50", "EUR"),
    ("5.", "EUR"),
    ("=2+2", "EUR"),
    ("24.505", "EUR"),
    ("24.50", "JPY"),
    ("24.5005", "KWD"),
    ("9" * 40, "EUR"),
    ("1_000", "EUR"),
]


@pytest.mark.parametrize(("text", "currency", "minor"), READ)
def test_amounts_that_are_clear_are_read(text: str, currency: str, minor: int | None) -> None:
    assert cells.amount(text, currency) == minor


@pytest.mark.parametrize(("text", "currency"), REFUSED)
def test_amounts_that_are_not_clear_are_refused(text: str, currency: str) -> None:
    with pytest.raises(BadCell):
        cells.amount(text, currency)


@given(minor=st.integers(0, 10**12), currency=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_an_amount_as_shopify_writes_it_is_read_back(minor: int, currency: str) -> None:
    text = f"{Money(minor, currency).decimal:.{exponent(currency)}f}"
    assert cells.amount(text, currency) == minor


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (
        lambda: cells.amount(text, "EUR"),
        lambda: cells.whole(text),
        lambda: cells.grams(text),
        lambda: cells.code(text, 32),
    ):
        with contextlib.suppress(BadCell):
            read()


@pytest.mark.parametrize(
    ("text", "unit", "grams"),
    [("180", "g", 180), ("1.5", "kg", 1500), ("1,5", "KG", 1500), ("2", "lb", 907), ("1", "oz", 28), ("", "lb", 0)],
)
def test_weights_become_whole_grams(text: str, unit: str, grams: int) -> None:
    assert cells.grams(text, unit) == grams


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["1", "-2.5", "0"], "number"),
        (["1", "007"], "text"),
        (["TRUE", "false"], "boolean"),
        (["https://a.example/b", "http://c.example"], "url"),
        (["https://a.example", "none"], "text"),
        (["javascript:alert(1)"], "text"),
        (["1850–55"], "text"),
    ],
)
def test_the_type_of_a_metafield_fits_all_its_values(values: list[str], type_: str) -> None:
    types = attributes.Types({})
    for value in values:
        types.see("custom.x", value)
    assert types.known() == {"custom.x": type_}


def test_a_type_that_is_fixed_refuses_what_does_not_fit() -> None:
    types = attributes.Types({"custom.pages": "number"})
    types.see("custom.pages", "12.50")
    with pytest.raises(BadCell, match="is not a number"):
        types.see("custom.pages", "many")
    assert attributes.canonical("number", "12.50") == "12.5"
    assert attributes.canonical("number", "100") == "100"
