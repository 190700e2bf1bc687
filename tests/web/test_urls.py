"""Addresses: one list has one address, whatever way a shopper came to it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermart import addresses
from hypermart.domain.browse.pages import ChipView, Filters
from hypermart.domain.browse.rules import BEST_MATCH, SORTS, read_filters
from hypermart.templating import page_numbers

FULL = Filters(
    chosen=(("artist", ("monet", "renoir")), ("period", ("19th-century",))),
    price_min=2000,
    price_max=8050,
    only_in_stock=True,
    sort="price",
    page=3,
)


def test_a_plain_list_has_no_query_string() -> None:
    assert addresses.list_url("/c/flowers", Filters(), "EUR") == "/c/flowers"


def test_keys_stand_in_fixed_order_and_values_are_sorted() -> None:
    mixed = msgspec.structs.replace(FULL, chosen=(("period", ("19th-century",)), ("artist", ("renoir", "monet"))))
    wanted = "/c/x?artist=monet&artist=renoir&period=19th-century&min=20&max=80.50&available=1&sort=price&page=3"
    assert addresses.list_url("/c/x", FULL, "EUR") == wanted
    assert addresses.list_url("/c/x", mixed, "EUR") == wanted


def test_the_words_come_first_and_are_quoted() -> None:
    found = Filters(query="blau & gelb", sort="match")
    assert addresses.list_url("/search", found, "EUR") == "/search?q=blau+%26+gelb"


def test_the_default_sort_is_left_out_and_it_differs_on_search() -> None:
    assert addresses.list_url("/c/x", Filters(sort="featured"), "EUR") == "/c/x"
    assert addresses.list_url("/search", Filters(query="a", sort="featured"), "EUR") == "/search?q=a&sort=featured"


def test_a_change_starts_again_on_page_one_but_paging_keeps_the_rest() -> None:
    assert "page=" not in addresses.list_url("/c/x", FULL, "EUR", sort="new")
    assert addresses.list_url("/c/x", Filters(page=2), "EUR", page=4) == "/c/x?page=4"
    assert addresses.list_url("/c/x", FULL, "EUR", page=1).endswith("sort=price")


def test_taking_a_chip_off_leaves_the_other_values_of_its_key() -> None:
    one = addresses.list_url_without("/c/x", FULL, "EUR", ChipView("artist", "monet", "Artist: Monet"))
    assert one == "/c/x?artist=renoir&period=19th-century&min=20&max=80.50&available=1&sort=price"
    last = addresses.list_url_without("/c/x", FULL, "EUR", ChipView("period", "19th-century", "Period"))
    assert "period" not in last


@pytest.mark.parametrize(("minor", "currency", "text"), [(2000, "EUR", "20"), (2050, "EUR", "20.50"), (7, "JPY", "7")])
def test_amounts_are_in_major_units(minor: int, currency: str, text: str) -> None:
    assert addresses.major(minor, currency) == text


def test_only_the_plain_list_and_its_pages_are_for_search_engines() -> None:
    assert addresses.is_indexable(Filters(page=5))
    for filters in (FULL, Filters(sort="price"), Filters(query="monet", sort="match"), Filters(only_in_stock=True)):
        assert not addresses.is_indexable(filters)


def test_slugs_and_skus_cannot_leave_their_place() -> None:
    assert addresses.product_url("a b?c#d", "X&v=2") == "/p/a%20b%3Fc%23d?v=X%26v%3D2"


def test_a_rendition_keeps_the_name_of_its_picture() -> None:
    assert (
        addresses.media_url("originals/ab12/summer-flowers.jpg", 640)
        == "/media/renditions/ab12/summer-flowers-640.webp"
    )


slugs = st.text("abc19-", min_size=1, max_size=6)
amounts = st.none() | st.integers(0, 10**8)
asked = st.builds(
    Filters,
    chosen=st.dictionaries(slugs.map("f-{}".format), st.sets(slugs, min_size=1, max_size=3), max_size=4).map(
        lambda chosen: tuple(sorted((code, tuple(sorted(values))) for code, values in chosen.items()))
    ),
    price_min=amounts,
    price_max=amounts,
    only_in_stock=st.booleans(),
    sort=st.sampled_from([*BEST_MATCH, *SORTS]),
    page=st.integers(1, 500),
    query=st.text("abcé&=+%# 9", min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(bool),
    unread=st.just(()),
)


@given(asked)
def test_what_an_address_says_is_what_is_read_from_it(filters: Filters) -> None:
    url = addresses.list_url("/search", filters, "EUR")
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert read_filters(pairs, "EUR", (*BEST_MATCH, *SORTS)) == filters


@pytest.mark.parametrize(
    ("page", "last", "shown"),
    [
        (1, 1, [1]),
        (1, 4, [1, 2, 3, 4]),
        (2, 9, [1, 2, 3, None, 9]),
        (5, 9, [1, None, 4, 5, 6, None, 9]),
        (4, 7, [1, 2, 3, 4, 5, 6, 7]),
        (500, 500, [1, None, 499, 500]),
    ],
)
def test_page_numbers_leave_out_only_what_saves_room(page: int, last: int, shown: list[int | None]) -> None:
    assert page_numbers(page, last) == shown
