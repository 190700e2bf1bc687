"""Which rate a line bears: by country, class and whether it is taxable; a country without rates is an export."""

from __future__ import annotations

import pytest

from hypermart.db.session import Database
from hypermart.domain.tax.models import TaxClass, TaxRate
from hypermart.domain.tax.queries import rates_for
from hypermart.domain.tax.rules import Rate, rate_of

STANDARD, REDUCED = Rate("MwSt.", 1900), Rate("MwSt.", 700)
GERMANY = {"standard": STANDARD, "reduced": REDUCED}


@pytest.fixture
async def taxed(database: Database) -> Database:
    async with database.write() as db:
        db.add_all([TaxClass(code="standard", title="Standard"), TaxClass(code="reduced", title="Reduced")])
        await db.flush()
        for country, tax_class, rate, title in (
            ("DE", "standard", 1900, "MwSt."),
            ("DE", "reduced", 700, "MwSt."),
            ("IE", "standard", 2300, "VAT"),
            ("IE", "reduced", 0, "VAT"),
        ):
            db.add(TaxRate(country=country, tax_class=tax_class, rate=rate, title=title))
    return database


@pytest.mark.parametrize("country", ["DE", "de", "De"])
async def test_a_country_has_its_rates_by_class(taxed: Database, country: str) -> None:
    async with taxed.read() as db:
        assert await rates_for(db, country) == GERMANY


@pytest.mark.parametrize("country", ["GB", "", "XX", "D", "DEU", "DE ", "Ｄ", "🇩🇪"])
async def test_other_countries_have_none(taxed: Database, country: str) -> None:
    async with taxed.write() as db:  # an action asks in its own transaction
        assert await rates_for(db, country) == {}


async def test_a_class_at_0_says_so(taxed: Database) -> None:
    async with taxed.read() as db:
        assert (await rates_for(db, "IE"))["reduced"] == Rate("VAT", 0, "zero")


@pytest.mark.parametrize(
    ("tax_code", "rate"), [("", STANDARD), ("standard", STANDARD), ("reduced", REDUCED), ("P0000000", STANDARD)]
)
def test_goods_bear_the_rate_of_their_class_or_the_standard_one(tax_code: str, rate: Rate) -> None:
    assert rate_of(GERMANY, tax_code, is_taxable=True) == rate


@pytest.mark.parametrize("tax_code", ["", "reduced", "P0000000"])
def test_what_is_not_taxable_is_exempt(tax_code: str) -> None:
    assert rate_of(GERMANY, tax_code, is_taxable=False) == Rate("MwSt.", 0, "exempt")


@pytest.mark.parametrize("is_taxable", [True, False])
def test_without_rates_it_is_an_export(is_taxable: bool) -> None:
    assert rate_of({}, "reduced", is_taxable=is_taxable) == Rate("VAT", 0, "export")


def test_a_country_that_lacks_the_standard_rate_is_taxed_at_its_highest() -> None:
    rates = {"reduced": REDUCED, "middle": Rate("MwSt.", 1300)}
    assert rate_of(rates, "", is_taxable=True) == Rate("MwSt.", 1300)
    assert rate_of(rates, "reduced", is_taxable=True) == REDUCED
