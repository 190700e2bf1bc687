"""Money: exact in every currency, split without losing a unit, refused where it makes no sense."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from hypermart.money import Money, exponent

DIGITS = {"JPY": 0, "EUR": 2, "KWD": 3, "CLF": 4}
amounts = st.integers(-(10**12), 10**12)
currencies = st.sampled_from(sorted(DIGITS))


@given(amounts, currencies)
def test_what_was_parsed_is_what_is_told(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(money.decimal, currency) == money


@given(amounts, currencies, st.sampled_from(["en", "de", "fr", "ja"]))
def test_a_formatted_amount_reads_back_to_the_same(minor: int, currency: str, locale: str) -> None:
    shown = Money(minor, currency).format(locale)
    digits = "".join(letter for letter in shown if letter.isdigit() or letter in ".,-").strip(".,")
    assert parse_decimal(digits, locale=locale) == Money(minor, currency).decimal


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "shown"),
    [
        (1900, "EUR", "en", "€19.00"),
        (123450, "EUR", "de", "1.234,50\xa0€"),
        (1900, "JPY", "en", "¥1,900"),
        (1500, "KWD", "en", "KWD1.500"),
        (-5, "EUR", "en", "-€0.05"),
    ],
)
def test_amounts_as_people_write_them(minor: int, currency: str, locale: str, shown: str) -> None:
    assert Money(minor, currency).format(locale) == shown


@pytest.mark.parametrize(("currency", "digits"), DIGITS.items())
def test_each_currency_has_its_digits(currency: str, digits: int) -> None:
    assert exponent(currency) == digits
    assert Money.parse(Decimal(7), currency).minor == 7 * 10**digits
    with pytest.raises(ValueError, match="more digits"):
        Money.parse(Decimal(1).scaleb(-digits - 1), currency)


@pytest.mark.parametrize("currency", ["", "EU", "eur", "XQZ", "EURO", "€€€", "12A"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="currency"):
        Money.parse(Decimal(1), currency)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        Money.parse(Decimal(amount), "EUR")


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_parts_sum_to_the_whole_and_are_fair_to_a_unit(minor: int, weights: list[int]) -> None:
    parts = Money(minor, "EUR").allocate(weights)
    assert sum(part.minor for part in parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - Decimal(minor) * weight / sum(weights)) < 1
        if not weight:
            assert part.minor == 0


def test_equal_shares_give_the_odd_unit_to_the_first() -> None:
    assert [part.minor for part in Money(100, "EUR").allocate([1, 1, 1])] == [34, 33, 33]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1]])
def test_nothing_to_split_by_is_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Money(100, "EUR").allocate(weights)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="do not mix"):
        _ = Money(1, "EUR") + Money(1, "JPY")
