"""How the demo shop sells: its tax rates and its ways of delivery, from selling.toml. What it sells is imported."""

from __future__ import annotations

from pathlib import Path
from string import Template

import msgspec
from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.shipping.models import SHIP, DeliveryMethod, DeliveryRate, Zone, ZoneCountry
from hypermart.domain.tax.models import STANDARD, TaxClass, TaxRate

FILE = Path(__file__).parent / "selling.toml"
ANY_WEIGHT = "any"


class ZoneEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    countries: tuple[str, ...] = ()
    is_rest: bool = False


class RateEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    days: tuple[int, int]
    steps: dict[str, int]
    free_over: int | None = None


class MethodEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    rates: dict[str, RateEntry]
    carrier: str = ""
    kind: str = SHIP
    note: str = ""


class Selling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tax_title: str
    classes: dict[str, str]
    rates: dict[str, tuple[int, int]]
    """Country -> standard rate, reduced rate."""
    zones: dict[str, ZoneEntry]
    methods: dict[str, MethodEntry]


async def write_selling(db: WriteSession, shop_name: str) -> None:
    """A shop without zones and tax classes has the demo's. One that has either sells as its merchant said."""
    for known in (Zone.id, TaxClass.code):
        if (await db.execute(select(known).limit(1))).first():
            return
    selling = msgspec.toml.decode(FILE.read_bytes(), type=Selling)
    await _write_tax(db, selling)
    await _write_delivery(db, selling, shop_name)


async def _write_tax(db: WriteSession, selling: Selling) -> None:
    db.add_all(TaxClass(code=code, title=title) for code, title in selling.classes.items())
    await db.flush()
    for country, (standard, reduced) in selling.rates.items():
        for code, rate in ((STANDARD, standard), ("reduced", reduced)):
            db.add(TaxRate(country=country, tax_class=code, rate=rate, title=selling.tax_title))
    await db.flush()


async def _write_delivery(db: WriteSession, selling: Selling, shop_name: str) -> None:
    zones = {code: Zone(code=code, title=entry.title, is_rest=entry.is_rest) for code, entry in selling.zones.items()}
    methods = {
        code: DeliveryMethod(
            code=code,
            title=entry.title,
            carrier=entry.carrier,
            kind=entry.kind,
            note=Template(entry.note).substitute(shop=shop_name),
            position=position,
        )
        for position, (code, entry) in enumerate(selling.methods.items(), start=1)
    }
    db.add_all([*zones.values(), *methods.values()])
    await db.flush()  # what follows needs their ids
    for code, zone in selling.zones.items():
        db.add_all(ZoneCountry(country=country, zone_id=zones[code].id) for country in zone.countries)
    for code, method in selling.methods.items():
        for zone_code, rate in method.rates.items():
            db.add_all(_steps(methods[code].id, zones[zone_code].id, rate))
    await db.flush()


def _steps(method_id: int, zone_id: int, rate: RateEntry) -> list[DeliveryRate]:
    return [
        DeliveryRate(
            method_id=method_id,
            zone_id=zone_id,
            max_weight_g=None if weight == ANY_WEIGHT else int(weight),
            price=price,
            free_over=rate.free_over,
            min_days=rate.days[0],
            max_days=rate.days[1],
        )
        for weight, price in rate.steps.items()
    ]
