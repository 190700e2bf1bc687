"""How the demo shop sells: tax of all EU countries, a way of delivery to everywhere, and words that say the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from hypermart.demo import seed
from hypermart.domain.browse.queries import content_page
from hypermart.domain.shipping.countries import ISO_3166
from hypermart.domain.shipping.models import DeliveryMethod, DeliveryRate, Zone
from hypermart.domain.shipping.queries import countries, delivery_options
from hypermart.domain.tax.queries import rates_for
from hypermart.domain.tax.rules import EXPORT, rate_of
from hypermart.money import Money
from hypermart.services import Services
from tests.parts import catalogue

EU = set("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
#: A framed print of the largest size.
HEAVY = 4120


async def test_all_countries_of_the_eu_have_their_rates_and_nobody_else_has(demo: Services) -> None:
    async with demo.db.read() as db:
        taxed = {country: await rates_for(db, country) for country in ISO_3166}
    assert {country for country, rates in taxed.items() if rates} == EU
    for country in EU:
        assert set(taxed[country]) == {"standard", "reduced"}
        assert 1700 <= taxed[country]["standard"].rate <= 2700
        assert 500 <= taxed[country]["reduced"].rate <= taxed[country]["standard"].rate
        assert taxed[country]["standard"].title
    assert rate_of(taxed["GB"], "", is_taxable=True).reason == EXPORT
    assert (taxed["DE"]["standard"].title, taxed["DE"]["standard"].rate) == ("VAT", 1900)
    assert taxed["FI"]["standard"].rate == 2550


@pytest.mark.parametrize("grams", [0, HEAVY, 30_000])
async def test_every_country_has_a_way_of_delivery(demo: Services, grams: int) -> None:
    async with demo.db.read() as db:
        assert await countries(db) == ISO_3166
        for country in ISO_3166:
            assert await delivery_options(db, country, grams, Money(1, "EUR"), needs_delivery=True), country


@pytest.mark.parametrize(
    ("country", "codes"),
    [
        ("DE", ["standard", "express", "pickup"]),
        ("FR", ["standard", "express"]),
        ("GB", ["international"]),
        ("US", ["international"]),
        ("JP", ["international"]),
    ],
)
async def test_the_ways_of_each_zone(demo: Services, country: str, codes: list[str]) -> None:
    async with demo.db.read() as db:
        found = await delivery_options(db, country, HEAVY, Money(8999, "EUR"), needs_delivery=True)
        large = await delivery_options(db, country, HEAVY, Money(9000, "EUR"), needs_delivery=True)
    assert [option.code for option in found] == codes
    assert [option.price.minor for option in found if option.kind == "ship"] == sorted(
        option.price.minor for option in found if option.kind == "ship"
    )
    assert (large[0].price.minor == 0) == (country == "DE")
    assert [option.code for option in found if "Musterstraße" in option.note] == (["pickup"] if country == "DE" else [])
    assert not [option for option in found if "$" in option.note]


async def test_a_merchants_own_rates_stay(demo_copy: Services) -> None:
    async with demo_copy.db.write() as db:
        await db.execute(update(DeliveryRate).values(price=1))
        await db.execute(delete(DeliveryMethod).where(DeliveryMethod.code == "express"))
    before = await catalogue.rows(demo_copy.db)
    await seed(demo_copy)
    assert await catalogue.rows(demo_copy.db) == before


PAGE_NAMES = {
    "Germany": "DE",
    "Rest of the EU": "EU",
    "United Kingdom": "UK",
    "United States": "US",
    "All others": "rest",
    "Express in Germany": "DE",
    "Express to the rest of the EU": "EU",
    "Pick up in Berlin": "DE",
}


def tables(body: str) -> dict[str, dict[str, list[str]]]:
    """Caption -> zone -> cells."""
    found: dict[str, dict[str, list[str]]] = {}
    for table in re.findall(r"<table>.*?</table>", body, re.DOTALL):
        caption = re.findall(r"<caption>(.*?)</caption>", table)[0]
        rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', table)
        found[caption] = {name: re.findall(r"<td>(.*?)</td>", cells) for name, cells in rows}
    return found


async def test_the_page_about_delivery_says_what_the_checkout_charges(demo: Services) -> None:
    rates: dict[tuple[str, str], list[Any]] = {}
    async with demo.db.read() as db:
        page = await content_page(db, "delivery")
        chosen = select(DeliveryMethod.code, Zone.code.label("zone"), DeliveryRate.__table__).where(
            DeliveryRate.method_id == DeliveryMethod.id, DeliveryRate.zone_id == Zone.id
        )
        for row in await db.execute(chosen.order_by(DeliveryRate.max_weight_g.is_(None), DeliveryRate.max_weight_g)):
            method = "standard" if row.code == "international" else row.code
            rates.setdefault((method, row.zone), []).append(row)
    standard, other, days = tables(page.body).values()
    said = {("standard", PAGE_NAMES[name]): cells for name, cells in standard.items()}
    for name, (price,) in other.items():
        method = "pickup" if price == "free" else "express"
        said[method, PAGE_NAMES[name]] = [price.replace("free", "€0.00")]
    assert said == {key: [Money(row.price, "EUR").format("en") for row in rows] for key, rows in rates.items()}

    told = {
        (method, PAGE_NAMES[name]): span
        for name, spans in days.items()
        for method, span in zip(("standard", "express"), spans, strict=True)
    }
    for key, span in told.items():
        row = rates.get(key, [None])[0]
        assert span == (f"{row.min_days} to {row.max_days}" if row else "–")
    assert {row.max_weight_g for rows in rates.values() for row in rows} == {1000, 5000, 30_000, None}
    (free_over,) = {row.free_over for row in rates["standard", "DE"]}
    assert f"free from €{free_over // 100} of prints on" in page.body
