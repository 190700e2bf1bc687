"""Looks at what a shop cannot sell without: people of the staff, products, delivery, tax, and pages of words."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.doctor.case import Case
from hypermart.doctor.finding import Findings, note, ok
from hypermart.domain.catalog.models import Product
from hypermart.domain.content.models import ContentPage
from hypermart.domain.shipping.models import DeliveryMethod, Zone
from hypermart.domain.staff.models import Person
from hypermart.domain.tax.models import TaxRate

#: What is counted, what it is called, and what brings the first one.
COUNTED: tuple[tuple[Any, str, str], ...] = (
    (Person, "people of the staff", 'hypermart staff add "Ada Lovelace" ada@example.com'),
    (Product, "products", "hypermart import shopify FILE, or for practice hypermart seed"),
    (Zone, "zones of delivery", "Nothing can be sent anywhere: docs/operations.md says how to add some"),
    (DeliveryMethod, "ways of delivery", "Nothing can be sent anywhere: docs/operations.md says how to add some"),
    (TaxRate, "rates of tax", "Everything is sold as an export: docs/operations.md says how to add some"),
)

PAGES = "Write them, then hypermart import pages FOLDER"
LED_TO = ("delivery", "privacy", "returns", "terms")
"""Pages of words that every checkout leads to."""


async def look(_: Case, connection: AsyncConnection) -> Findings:
    counts = [select(func.count()).select_from(table).scalar_subquery() for table, _, _ in COUNTED]
    numbers = tuple((await connection.execute(select(*counts))).one())
    has = []
    for (_, name, fix), number in zip(COUNTED, numbers, strict=True):
        if number:
            has.append(f"{name}: {number}")
        else:
            yield note("shop", f"no {name}", fix)
    if has:
        yield ok("shop", ", ".join(has))
    there = set((await connection.execute(select(ContentPage.slug))).scalars())
    if missing := [f"/pages/{slug}" for slug in LED_TO if slug not in there]:
        yield note("shop", f"the checkout leads to pages that are not there: {', '.join(missing)}", PAGES)
