"""Reads the ways of delivery to a country, and the countries that are delivered to."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, exists, func, select

from hypermart.db.dialect import json_rows
from hypermart.db.session import AnySession
from hypermart.domain.shipping.countries import ISO_3166
from hypermart.domain.shipping.models import DeliveryMethod, DeliveryRate, Zone, ZoneCountry
from hypermart.domain.shipping.pages import DeliveryOption
from hypermart.domain.shipping.rules import Offer, no_delivery, options
from hypermart.money import Money

_ZONE = func.coalesce(
    select(ZoneCountry.zone_id).where(ZoneCountry.country == bindparam("country")).scalar_subquery(),
    select(func.min(Zone.id)).where(Zone.is_rest).scalar_subquery(),
)
#: The offers of `country` as one value, to be a part of any statement; read by options_of().
OFFERS = (
    select(
        json_rows(
            DeliveryMethod.position,
            DeliveryMethod.id,
            DeliveryMethod.code,
            DeliveryMethod.title,
            DeliveryMethod.carrier,
            DeliveryMethod.kind,
            DeliveryMethod.note,
            DeliveryRate.max_weight_g,
            DeliveryRate.price,
            DeliveryRate.free_over,
            DeliveryRate.min_days,
            DeliveryRate.max_days,
        )
    )
    .select_from(DeliveryMethod)
    .join(DeliveryRate, DeliveryRate.method_id == DeliveryMethod.id)
    .where(DeliveryMethod.is_active, DeliveryRate.zone_id == _ZONE)
    .scalar_subquery()
)
_DECODER = msgspec.json.Decoder(list[tuple[int, int, str, str, str, str, str, int | None, int, int | None, int, int]])
_SERVED = (
    exists()
    .where(DeliveryRate.zone_id == Zone.id)
    .where(DeliveryRate.method_id == DeliveryMethod.id)
    .where(DeliveryMethod.is_active)
)
_ZONES = select(Zone.is_rest, _SERVED.label("is_served"), ZoneCountry.country).outerjoin(
    ZoneCountry, ZoneCountry.zone_id == Zone.id
)


async def delivery_options(
    db: AnySession, country: str, weight_g: int, value: Money, *, needs_delivery: bool
) -> tuple[DeliveryOption, ...]:
    """The ways open for goods of that weight and value; a country that no zone names is the rest's. () is nowhere."""
    offers = (await db.execute(select(OFFERS), {"country": country.upper()})).scalar_one()
    return options_of(offers, weight_g, value, needs_delivery=needs_delivery)


def options_of(offers: str | None, weight_g: int, value: Money, *, needs_delivery: bool) -> tuple[DeliveryOption, ...]:
    """The same, of OFFERS as the database gives them."""
    if not needs_delivery:
        return (no_delivery(value.currency),)
    rows = sorted(_DECODER.decode(offers or "[]"), key=lambda row: row[:2])
    return options((Offer(*row[2:]) for row in rows), weight_g, value)


async def countries(db: AnySession) -> tuple[str, ...]:
    """Sorted codes of the countries with a way of delivery: of ISO 3166, and what zones name besides."""
    rows = (await db.execute(_ZONES)).all()
    named = {country: bool(is_served) for _, is_served, country in rows if country}
    is_rest_served = any(is_rest and is_served for is_rest, is_served, _ in rows)
    return tuple(code for code in sorted({*ISO_3166, *named}) if named.get(code, is_rest_served))
