"""What a list address means, which price is shown, which variant is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermart.domain.browse.pages import VariantRow
from hypermart.domain.browse.rules import MAX_FACETS, SORTS, meant_variant, price_view, read_filters
from hypermart.domain.browse.search import fold, terms
from hypermart.money import Money


def read(*pairs: tuple[str, str], currency: str = "EUR") -> object:
    return read_filters(pairs, currency, tuple(SORTS))


def test_an_empty_address_is_the_plain_list() -> None:
    assert read() == read(("page", "1"), ("sort", "featured"), ("min", ""), ("artist", " "))


def test_order_and_repetition_do_not_matter() -> None:
    one = read(("frame", "oak"), ("artist", "b"), ("artist", "a"), ("artist", "a"))
    assert one == read(("artist", "a"), ("artist", "b"), ("frame", "oak"))


@pytest.mark.parametrize(
    ("typed", "minor"), [("20", 2000), ("20.5", 2050), ("20,50", 2050), (" 0 ", 0), ("020.05", 2005)]
)
def test_amounts_as_people_type_them(typed: str, minor: int) -> None:
    filters = read_filters([("min", typed)], "EUR", tuple(SORTS))
    assert (filters.price_min, filters.unread) == (minor, ())


@pytest.mark.parametrize("typed", ["abc", "-1", "1e9", "5.000", "1.2.3", "٢٠", "9" * 30, "NaN", "€5", "<b>"])
def test_what_is_no_amount_is_named_and_filters_nothing(typed: str) -> None:
    filters = read_filters([("max", typed)], "EUR", tuple(SORTS))
    assert (filters.price_max, filters.unread) == (None, (typed,))


def test_amounts_have_the_digits_of_the_currency() -> None:
    assert read_filters([("min", "500")], "JPY", tuple(SORTS)).price_min == 500
    assert read_filters([("min", "5.125")], "KWD", tuple(SORTS)).price_min == 5125
    assert read_filters([("min", "5.5")], "JPY", tuple(SORTS)).unread == ("5.5",)


@pytest.mark.parametrize("typed", ["0", "-1", "x", "1.5", "９", "1" * 10, "%00"])
def test_what_is_no_page_number_is_page_nought(typed: str) -> None:
    assert read_filters([("page", typed)], "EUR", tuple(SORTS)).page == 0


@given(st.lists(st.tuples(st.text(max_size=300), st.text(max_size=300)), max_size=200))
def test_anything_can_be_read(pairs: list[tuple[str, str]]) -> None:
    filters = read_filters(pairs, "EUR", tuple(SORTS))
    assert len(filters.chosen) <= MAX_FACETS
    assert filters.sort in SORTS
    assert "\0" not in filters.query


def test_a_sale_price_shows_what_it_was_before() -> None:
    view = price_view(regular=2000, sale=1500, compare_at=None, highest=0, currency="EUR")
    assert (view.now, view.was, view.is_from) == (Money(1500, "EUR"), Money(2000, "EUR"), False)


def test_a_compare_at_price_that_is_not_higher_is_not_shown() -> None:
    assert price_view(2000, None, 2000, 0, "EUR").was is None
    assert price_view(2000, None, 2400, 0, "EUR").was == Money(2400, "EUR")


def test_from_is_said_only_if_something_costs_more() -> None:
    assert price_view(2000, None, None, 2500, "EUR").is_from
    assert not price_view(2000, None, None, 2000, "EUR").is_from


def variant(*options: str, left: int = 1) -> VariantRow:
    price = price_view(100, None, None, 0, "EUR")
    return VariantRow(1, "-".join(options), "", options, price, left, may_oversell=False, weight_g=0, picture=None)


VARIANTS = (variant("S", "Oak", left=0), variant("S", "Black"), variant("L", "Oak"), variant("XL", "None"))


def test_the_wanted_variant_is_meant_even_if_sold_out() -> None:
    assert meant_variant(VARIANTS, ("S", "Oak", None)) == (VARIANTS[0], True)


def test_a_combination_that_is_not_made_keeps_the_first_option() -> None:
    assert meant_variant(VARIANTS, ("L", "Black")) == (VARIANTS[2], False)


def test_of_equals_the_one_that_can_be_bought_is_meant() -> None:
    assert meant_variant(VARIANTS, ("S", None)) == (VARIANTS[1], True)


def test_nothing_of_what_was_wanted() -> None:
    found, is_exact = meant_variant(VARIANTS, ("nope", "nope"))
    assert found.is_available
    assert not is_exact


def test_words_are_folded_alike_however_they_are_written() -> None:
    assert fold("L’Étang de CÉZANNE") == ["l", "etang", "de", "cezanne"]
    assert fold("Straße  21 × 30\u00a0cm") == ["strasse", "21", "30", "cm"]
    assert fold("\u0000!\"#*+-()~<>@'") == []


def test_short_words_match_whole_but_the_last_one_may_go_on() -> None:
    assert terms("de cez") == (("de", False), ("cez", True))
    assert terms("van d") == (("van", True), ("d", True))


@given(st.text(max_size=400))
def test_terms_hold_nothing_that_a_query_language_reads(text: str) -> None:
    assert all(word.isalnum() and word == word.casefold() for word, _ in terms(text))
