"""For each planted bug the tests of ours that are named for it: quick ones that must fail when it is there."""

from __future__ import annotations

OUTLINE = "tests/pages/test_outline.py::test_labels_errors_buttons_and_headings_are_whole"
NAMED: dict[int, tuple[str, ...]] = {
    1: ("tests/domain/test_totals.py::test_a_line_is_rounded_once_and_half_up",),
    2: ("tests/domain/test_cart.py::test_a_sale_is_charged_from_its_second_on",),
    3: ("tests/domain/test_shipping.py::test_free_from_a_value_on[9000-0-None]",),
    4: ("tests/domain/test_tax.py::test_without_rates_it_is_an_export[True]",),
    5: ("tests/web/test_checkout.py::test_declined_then_paid_at_the_price_on_the_button",),
    6: ("tests/jobs/test_mail_parts.py::test_a_confirmation_says_how_to_pay[card]",),
    7: ("tests/domain/test_cart.py::test_more_than_is_left_adds_what_is_left_and_then_no_more",),
    8: ("tests/web/test_order_page.py::test_a_declined_card_gives_the_last_one_back_at_once",),
    9: ("tests/web/test_order_page.py::test_an_unpaid_order_can_be_cancelled_once_it_is_confirmed",),
    10: ("tests/domain/test_cart.py::test_a_line_is_set_aside_and_taken_back_and_twins_are_one",),
    11: ("tests/pages/test_headers.py::test_everybody_gets_the_same_bytes[about]",),
    12: ("tests/web/test_cost_and_cache.py::test_a_browser_that_asks_again_is_shown_what_has_changed",),
    13: ("tests/web/test_cost_and_cache.py::test_a_sale_begins_and_ends_at_its_second_and_the_cache_knows",),
    14: ("tests/domain/test_catalog_actions.py::test_a_new_price_is_noted_listed_and_purged",),
    15: ("tests/web/test_cart_safety.py::test_every_answer_is_private",),
    16: (f"{OUTLINE}[product]",),
    17: ("tests/web/test_cart.py::test_a_bad_quantity_in_the_cart_changes_nothing_and_is_kept[1.5]",),
    18: ("tests/journeys/test_keys.py::test_what_has_the_focus_is_seen[/c/flowers]",),
    19: ("tests/test_look.py::test_there_is_enough_contrast[names0-4.5-dark]",),
    20: (f"{OUTLINE}[product]",),
    21: ("tests/journeys/test_swaps.py::test_a_variant_is_said_with_price_and_stock",),
    22: (f"{OUTLINE}[address-422]",),
    23: ("tests/web/test_cart.py::test_a_bad_quantity_is_asked_again_and_kept[plain-1.5]",),
    24: ("tests/web/test_checkout.py::test_double_click_two_tabs_and_back_give_one_order",),
    25: ("tests/domain/test_address_rules.py::test_postcodes_are_taken_as_people_write_them[GB-ec1y8sy]",),
    26: ("tests/domain/test_email.py::test_an_address[Ada.Lovelace@Example.COM]",),
    27: (f"{OUTLINE}[product]",),
    28: ("tests/web/test_order_page.py::test_wrong_links_are_all_answered_alike_and_cost_the_same",),
    29: ("tests/web/test_cart_safety.py::test_another_site_can_send_nothing[headers0]",),
    30: ("tests/pages/test_markup.py::test_no_title_ends_the_script_that_holds_it",),
    31: ("tests/web/test_checkout_address.py::test_marketing_is_not_agreed_to_by_itself_and_its_time_is_kept",),
    32: ("tests/pages/test_in_browser.py::test_it_fits_and_keeps_quiet[home]",),
    33: ("tests/domain/test_browse_lists.py::test_each_page_says_which_of_the_products_it_shows",),
}
#: Where only a browser can tell.
BROWSER = ("tests/journeys/", "tests/pages/test_in_browser.py", "tests/pages/test_waiting.py")


def needs_browser(number: int) -> bool:
    return any(test.startswith(BROWSER) for test in NAMED[number])
