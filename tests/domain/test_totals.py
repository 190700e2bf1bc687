"""Totals: nothing is lost or made by splitting and rounding, in any currency, at any size, in any order."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermart.domain.cart.totals import Item, TaxLine, Totals, totals
from hypermart.domain.tax.rules import Rate
from hypermart.money import Money

STANDARD, REDUCED = Rate("MwSt.", 1900), Rate("MwSt.", 700)
EXPORT, EXEMPT = Rate("VAT", 0, "export"), Rate("MwSt.", 0, "exempt")
ROUNDINGS = ("unit", "line", "order")

rates = st.sampled_from(
    [STANDARD, REDUCED, EXPORT, EXEMPT, Rate("USt.", 1900), Rate("ALV", 2550), Rate("TVA", 550), Rate("x", 9999)]
)
#: From free to a yacht; a single yen, a thousandth of a dinar; and as many as a column holds.
prices = st.integers(0, 300) | st.integers(0, 10**12)
items = st.builds(Item, prices, st.integers(1, 12) | st.integers(1, 2**31 - 1), rates)
carts = st.lists(items, max_size=8)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])
roundings = st.sampled_from(ROUNDINGS)
deliveries = st.none() | st.integers(0, 3000) | st.integers(0, 10**9)


def exact(line: TaxLine) -> Fraction:
    return Fraction(line.gross * line.rate.rate, 10_000 + line.rate.rate)


def computed(cart: list[Item], price: int | None, rounding: str = "line", currency: str = "EUR") -> Totals:
    delivery = None if price is None else Money(price, currency)
    return totals(cart, delivery, currency=currency, rounding=rounding)


@given(carts, deliveries, roundings, currencies)
def test_every_sum_is_the_sum_of_its_parts(cart: list[Item], price: int | None, rounding: str, currency: str) -> None:
    found = computed(cart, price, rounding, currency)
    lines = [*found.lines, *found.delivery_lines]
    assert [line.gross for line in found.lines] == [item.unit_price * item.quantity for item in cart]
    assert [line.rate for line in found.lines] == [item.rate for item in cart]
    assert found.subtotal == Money(sum(line.gross for line in found.lines), currency)
    if price is None:
        assert found.delivery is None
        assert found.delivery_lines == ()
    else:
        assert found.delivery == Money(price if cart else 0, currency)
        assert sum(line.gross for line in found.delivery_lines) == found.delivery.minor
    assert found.total == found.subtotal + (found.delivery or Money(0, currency))
    for part in (lines, found.summary):
        assert sum(line.gross for line in part) == found.total.minor
        assert sum(line.amount for line in part) == found.tax.minor
    assert found.currency == currency


@given(carts, deliveries, roundings)
def test_the_summary_has_each_rate_once_highest_first(cart: list[Item], price: int | None, rounding: str) -> None:
    found = computed(cart, price, rounding)
    assert {line.rate for line in found.summary} == {item.rate for item in cart}
    assert len(found.summary) == len({item.rate for item in cart})
    assert [line.rate.rate for line in found.summary] == sorted(
        (line.rate.rate for line in found.summary), reverse=True
    )


@given(carts, deliveries)
def test_a_line_is_rounded_once_and_half_up(cart: list[Item], price: int | None) -> None:
    found = computed(cart, price, "line")
    for line in (*found.lines, *found.delivery_lines):
        assert -Fraction(1, 2) < line.amount - exact(line) <= Fraction(1, 2)


@given(carts, deliveries)
def test_a_unit_is_rounded_once_and_half_up(cart: list[Item], price: int | None) -> None:
    found = computed(cart, price, "unit")
    for item, line in zip(cart, found.lines, strict=True):
        assert line.amount % item.quantity == 0
        assert abs(line.amount - exact(line)) <= Fraction(item.quantity, 2)
    for line in found.delivery_lines:
        assert abs(line.amount - exact(line)) <= Fraction(1, 2)


@given(carts, deliveries)
def test_an_order_is_rounded_once_for_each_rate(cart: list[Item], price: int | None) -> None:
    found = computed(cart, price, "order")
    for line in found.summary:
        assert -Fraction(1, 2) < line.amount - exact(line) <= Fraction(1, 2)
    for line in (*found.lines, *found.delivery_lines):
        assert abs(line.amount - exact(line)) < Fraction(3, 2)  # its own allocation, and a share of the rate's rounding


@given(carts, deliveries, roundings)
def test_tax_is_part_of_the_price(cart: list[Item], price: int | None, rounding: str) -> None:
    found = computed(cart, price, rounding)
    for line in (*found.lines, *found.delivery_lines):
        assert 0 <= line.amount <= line.gross
        if line.rate.rate == 0:
            assert (line.amount, bool(line.rate.reason)) == (0, True)


@given(carts, deliveries, roundings, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_does_not_matter(
    cart: list[Item], price: int | None, rounding: str, dice: random.Random
) -> None:
    found = computed(cart, price, rounding)
    other = computed(dice.sample(cart, len(cart)), price, rounding)
    assert (found.total, found.tax, found.summary) == (other.total, other.tax, other.summary)
    assert [line.gross for line in found.delivery_lines] == [line.gross for line in other.delivery_lines]


@given(prices, st.integers(1, 20), rates, deliveries, roundings)
def test_one_line_of_n_costs_as_much_as_n_lines(
    price: int, number: int, rate: Rate, delivery: int | None, rounding: str
) -> None:
    one = computed([Item(price, number, rate)], delivery, rounding)
    many = computed([Item(price, 1, rate)] * number, delivery, rounding)
    assert one.total == many.total
    if rounding != "line":
        assert one.tax == many.tax


@given(carts, st.integers(0, 10**6))
def test_delivery_follows_the_goods(cart: list[Item], price: int) -> None:
    found = computed(cart, price)
    value = found.subtotal.minor
    by_rate = {line.rate: sum(item.gross for item in cart if item.rate == line.rate) for line in found.delivery_lines}
    assert set(by_rate) == {item.rate for item in cart}
    for line in found.delivery_lines if value else ():
        assert abs(line.gross - Fraction(price * by_rate[line.rate], value)) < 1


@pytest.mark.parametrize(
    ("rounding", "tax"),
    [("unit", 3 * 2 + 2), ("line", 5 + 2), ("order", 6)],  # exactly 1.597 a unit; 4.79 and 1.597 a line; 6.39
)
def test_the_three_spots_to_round_at(rounding: str, tax: int) -> None:
    found = computed([Item(10, 3, STANDARD), Item(10, 1, STANDARD)], None, rounding)
    assert found.tax == Money(tax, "EUR")


@pytest.mark.parametrize(
    ("gross", "rate", "tax"),
    [
        (11900, 1900, 1900),
        (3, 5000, 1),  # exactly 1
        (1, 9999, 0),  # just below a half
        (9, 2000, 2),  # 1.5 goes up
        (3, 2000, 1),  # 0.5 goes up
        (2, 2000, 0),
        (0, 1900, 0),
        (10**15, 1900, 159663865546218),
    ],
)
def test_half_goes_up(gross: int, rate: int, tax: int) -> None:
    assert computed([Item(gross, 1, Rate("VAT", rate))], None).tax.minor == tax


@pytest.mark.parametrize(("currency", "price", "tax"), [("JPY", 1100, 100), ("KWD", 1100, 100), ("EUR", 1100, 100)])
def test_minor_units_are_minor_units_in_every_currency(currency: str, price: int, tax: int) -> None:
    found = computed([Item(price, 1, Rate("Tax", 1000))], 0, currency=currency)
    assert (found.total, found.tax) == (Money(price, currency), Money(tax, currency))


def test_an_order_as_it_stands_on_an_invoice() -> None:
    found = computed([Item(7400, 1, STANDARD), Item(1300, 2, REDUCED)], 590)
    assert found.lines == (TaxLine(STANDARD, 7400, 1182), TaxLine(REDUCED, 2600, 170))
    assert found.delivery_lines == (TaxLine(STANDARD, 437, 70), TaxLine(REDUCED, 153, 10))
    assert found.summary == (TaxLine(STANDARD, 7837, 1252), TaxLine(REDUCED, 2753, 180))
    assert (found.total.minor, found.tax.minor) == (10590, 1432)


def test_an_export_costs_the_same_and_says_why_it_bears_no_tax() -> None:
    home = computed([Item(7400, 2, STANDARD)], 590)
    away = computed([Item(7400, 2, EXPORT)], 590)
    assert home.total == away.total
    assert away.summary == (TaxLine(EXPORT, 15390, 0),)


def test_two_reasons_for_0_are_two_lines() -> None:
    assert [line.rate for line in computed([Item(1, 1, EXEMPT), Item(1, 1, EXPORT)], None).summary] == [EXEMPT, EXPORT]


def test_delivery_of_goods_that_cost_nothing_is_split_by_their_number() -> None:
    found = computed([Item(0, 1, REDUCED), Item(0, 2, STANDARD)], 300)
    assert [(line.rate, line.gross) for line in found.delivery_lines] == [(STANDARD, 200), (REDUCED, 100)]


def test_a_cent_that_cannot_be_split_goes_to_one_rate_whatever_the_order() -> None:
    cart = [Item(100, 1, STANDARD), Item(100, 1, REDUCED), Item(100, 1, EXPORT)]
    splits = {computed(list(order), 100).delivery_lines for order in permutations(cart)}
    assert [[line.gross for line in split] for split in splits] == [[34, 33, 33]]


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_an_empty_cart_costs_nothing(rounding: str) -> None:
    for price in (None, 0, 590):
        found = computed([], price, rounding)
        assert (found.total, found.tax) == (Money(0, "EUR"), Money(0, "EUR"))
        assert found.lines == found.delivery_lines == found.summary == ()


def test_free_delivery_is_told_apart_from_none() -> None:
    assert computed([Item(100, 1, STANDARD)], 0).delivery == Money(0, "EUR")
    assert computed([Item(100, 1, STANDARD)], None).delivery is None


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="'never' is no spot"):
        computed([], None, "never")
    with pytest.raises(ValueError, match="do not mix"):
        totals([Item(1, 1, STANDARD)], Money(1, "JPY"), currency="EUR", rounding="line")


def test_two_taxes_of_one_percentage_are_rounded_apart() -> None:
    found = computed([Item(10, 3, STANDARD), Item(10, 1, Rate("USt.", 1900))], None, "order")
    assert [line.amount for line in found.summary] == [5, 2]
