"""The address step: every country's own fields, and nothing that was typed is lost."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from hypermart.domain.cart.models import Cart
from hypermart.domain.customers.address_rules import fields_for
from hypermart.domain.shipping.models import DeliveryRate, Zone
from hypermart.qa.forms import Page
from tests.domain.test_address_rules import an_address
from tests.faults.buying import ADDRESS, Shopper
from tests.parts.selling import SellingShop

ADDRESS_PAGE = "/checkout/address"


@pytest.fixture
async def ada(selling: SellingShop) -> Shopper:
    """Has a print in her cart."""
    ada = selling.shopper()
    await ada.add(await selling.variant())
    return ada


def typed(page: Page) -> dict[str, str]:
    return dict(page.form(ADDRESS_PAGE).fields)


async def kept(selling: SellingShop) -> Cart:
    [row] = await selling.rows(select(Cart.__table__))
    return row  # type: ignore[no-any-return]  # a row has the table's columns


async def test_errors_stand_at_the_top_and_before_their_fields(ada: Shopper) -> None:
    page = await ada.send(await ada.visit(ADDRESS_PAGE), ADDRESS_PAGE, **{**ADDRESS, "postcode": "1"})
    html = page.answer.text
    sentence = "Enter a postcode as they are in this country, like 26133"
    assert f'<a href="#postcode">{sentence}</a>' in html
    assert html.index('id="problems"') < html.index("<h1>")
    field = html.index('<input class="field" type="text" id="postcode"')
    assert html.index(f'id="postcode-error"><span class="unseen">Error: </span>{sentence}') < field
    assert 'aria-describedby="postcode-error" aria-invalid="true"' in html[field : field + 300]
    assert 'autocomplete="shipping postal-code"' in html[field : field + 300]
    assert typed(page).items() >= {**ADDRESS, "postcode": "1"}.items()


async def test_the_button_beside_the_country_shows_its_fields_and_keeps_what_was_typed(
    selling: SellingShop, ada: Shopper
) -> None:
    page = await ada.visit(ADDRESS_PAGE)
    assert page.form(ADDRESS_PAGE).buttons[0] == ("op", "country")
    page = await ada.send(page, ADDRESS_PAGE, ("op", "country"), **{**ADDRESS, "country": "HK", "wants_news": "1"})
    assert (page.status, "There is a problem" in page.text) == (200, False)
    assert "postcode" not in _shown(page)
    assert "region" in _shown(page)
    assert typed(page).items() >= {**ADDRESS, "wants_news": "1"}.items()
    page = await ada.send(page, ADDRESS_PAGE, ("op", "country"), country="DE")
    assert "postcode" in _shown(page)
    assert typed(page).items() >= ADDRESS.items()
    assert (await kept(selling)).email == "", "nothing was saved"


def _shown(page: Page) -> set[str]:
    """Fields that one can type in."""
    return {name for name in typed(page) if f' id="{name}"' in page.answer.text}


async def test_enter_in_a_field_goes_on_though_the_first_button_is_that_of_the_country(ada: Shopper) -> None:
    page = await ada.visit(ADDRESS_PAGE)
    page = await ada.send(page, ADDRESS_PAGE, ("op", "country"), **ADDRESS)
    assert page.url.endswith("/checkout/delivery")


async def test_continue_with_another_country_checks_by_its_rules(ada: Shopper) -> None:
    page = await ada.send(await ada.visit(ADDRESS_PAGE), ADDRESS_PAGE, **{**ADDRESS, "country": "US"})
    assert page.status == 422
    assert "Select a state" in page.text
    assert "Enter a ZIP code as they are in this country" not in page.text, "10119 can be one"


async def test_a_billing_address_of_its_own(selling: SellingShop, ada: Shopper) -> None:
    page = await ada.send(await ada.visit(ADDRESS_PAGE), ADDRESS_PAGE, **ADDRESS, has_billing="1")
    assert page.status == 200
    assert "Now give the billing address too." in page.text
    assert "There is a problem" not in page.text
    page = await ada.send(page, ADDRESS_PAGE, billing__name="Lord King")
    assert page.status == 422
    assert 'href="#billing-postcode">Enter a postcode, like 26133</a>' in page.answer.text
    page = await ada.send(page, ADDRESS_PAGE, ("op", "billing-country"), billing__country="GB")
    assert 'autocomplete="billing postal-code"' in page.answer.text
    there = {"billing__line1": "1 Way", "billing__postcode": "ec1y8sy", "billing__city": "London"}
    page = await ada.send(page, ADDRESS_PAGE, **there)
    assert page.url.endswith("/checkout/delivery")
    cart = await kept(selling)
    assert (cart.billing or {})["country"] == "GB"
    assert (cart.billing or {})["name"] == "Lord King"
    assert cart.address["country"] == "DE"
    again = await ada.visit(ADDRESS_PAGE)
    assert typed(again)["billing-city"] == "London"


async def test_marketing_is_not_agreed_to_by_itself_and_its_time_is_kept(selling: SellingShop, ada: Shopper) -> None:
    page = await ada.visit(ADDRESS_PAGE)
    assert "wants_news" not in typed(page)
    await ada.send(page, ADDRESS_PAGE, **ADDRESS)
    assert (await kept(selling)).wants_news_at is None
    await ada.send(page, ADDRESS_PAGE, **ADDRESS, wants_news="1")
    assert (await kept(selling)).wants_news_at == selling.clock.now()


async def test_a_country_that_is_not_delivered_to_is_said(selling: SellingShop, ada: Shopper) -> None:
    async with selling.database.write() as db:
        rest = await db.scalar(select(Zone.id).where(Zone.is_rest))
        await db.execute(delete(DeliveryRate).where(DeliveryRate.zone_id == rest))
    page = await ada.visit(ADDRESS_PAGE)
    assert "CH" not in page.form(ADDRESS_PAGE).choices["country"]
    page = await ada.send(page, ADDRESS_PAGE, **{**ADDRESS, "country": "CH", "postcode": "8000"})
    assert (page.status, "We do not deliver to Switzerland. Select another country" in page.text) == (422, True)
    assert typed(page)["city"] == "Berlin"


async def test_what_is_too_heavy_for_a_country_is_said_with_a_way_out(selling: SellingShop, ada: Shopper) -> None:
    await ada.add(await selling.variant("AP004-L-O"), 30)
    page = await ada.send(await ada.visit(ADDRESS_PAGE), ADDRESS_PAGE, **ADDRESS | as_form("US"))
    assert page.url.endswith("/checkout/delivery")
    assert "We have no way to deliver this order to your address." in page.text
    assert "Change the address" in page.text
    assert "How do you want it delivered?" not in page.text


@pytest.mark.parametrize("country", ["", "de", "D", "XX", "ZZ", "Germany", "🇩🇪", "DE\x00"])
async def test_what_is_no_country_is_refused(ada: Shopper, country: str) -> None:
    page = await ada.send(await ada.visit(ADDRESS_PAGE), ADDRESS_PAGE, **{**ADDRESS, "country": country})
    if country == "DE\x00":  # control characters are dropped
        assert page.url.endswith("/checkout/delivery")
    else:
        assert page.status == 422
        assert 'href="#country"' in page.answer.text


async def test_long_fields_are_named_and_stay_as_typed(selling: SellingShop, ada: Shopper) -> None:
    long = "ä" * 10_000
    page = await ada.send(await ada.visit(ADDRESS_PAGE), ADDRESS_PAGE, **{**ADDRESS, "name": long})
    assert page.status == 422
    assert '<a href="#name">Use 100 characters or fewer</a>' in page.answer.text
    assert typed(page)["name"] == long
    huge = await ada.client.post(ADDRESS_PAGE, data={**ADDRESS, "name": "x" * 70_000})
    assert huge.status_code == 413
    assert (await kept(selling)).email == ""


async def test_every_script_is_kept_as_typed_and_what_nobody_types_is_dropped(
    selling: SellingShop, ada: Shopper
) -> None:
    names = {"name": "زوي 🙂 \u200f", "line1": "東京都 ２−１ <b>&amp;", "company": 'Ѐ "quoted" \u202e'}
    await ada.send(
        await ada.visit(ADDRESS_PAGE),
        ADDRESS_PAGE,
        **{**ADDRESS, **names, "postcode": "１０１１９", "city": "Ber\x00l\x07in\r\nMitte"},
    )
    address = (await kept(selling)).address
    assert {name: address[name] for name in names} == {name: value.strip() for name, value in names.items()}
    assert address["postcode"] == "１０１１９"
    assert address["city"] == "Berlin Mitte"
    page = await ada.visit(ADDRESS_PAGE)
    assert "<b>" not in page.answer.text.partition("<form")[2]
    assert typed(page)["line1"] == names["line1"]


def as_form(country: str) -> dict[str, str]:
    address = an_address(country, only_required=False)
    return {field.name: getattr(address, field.name) for field in fields_for(country)} | {"country": country}


COUNTRIES = "DE GB US CA AU NZ JP CN KR HK IE AE SG IN BR MX FR CH PA QA".split()


async def test_addresses_of_many_countries(selling: SellingShop, ada: Shopper) -> None:
    for country in COUNTRIES:
        page = await ada.visit(ADDRESS_PAGE)
        page = await ada.send(page, ADDRESS_PAGE, ("op", "country"), country=country)
        given = as_form(country)
        assert _shown(page) - {"email", "wants_news"} == set(given), country
        page = await ada.send(page, ADDRESS_PAGE, **given, email="ada@example.com")
        assert page.url.endswith("/checkout/delivery"), (country, page.text[:500])
        address = (await kept(selling)).address
        assert {name: address[name] for name in given} == given
        assert not (country in {"HK", "AE", "PA", "QA"} and address["postcode"])


async def test_htmx_gets_the_form_alone(ada: Shopper) -> None:
    page = await ada.visit(ADDRESS_PAGE)
    fields = {**typed(page), **ADDRESS, "country": "US"}
    answer = await ada.client.post(ADDRESS_PAGE, data=fields, headers={"hx-request-type": "partial"})
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div class="stage" id="address-form">')
    assert 'id="region"' in answer.text
    assert 'value="Torstr. 1"' in answer.text
