"""Every row of the shop in a form that two shops can be compared by: no times, and ids as places in their table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, select

from hypermart.db.base import UtcDateTime
from hypermart.db.session import Database
from hypermart.domain.catalog.models import WHOLE_SHOP
from hypermart.tables import metadata

#: Its rows name ids inside JSON; the jobs themselves are counted elsewhere.
LEFT_OUT = {"outbox"}
#: A digest of ids; what it stands for is in list_facets.
DIGESTS = {"facet_key"}
#: Ids that no foreign key declares.
UNDECLARED = {
    ("listings", "picture_id"): "pictures",
    ("old_slugs", "target_id"): "products",
    ("list_entries", "category_id"): "categories",
}


async def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    places: dict[str, dict[int, int]] = {}
    found = {}
    async with database.read() as db:
        for table in metadata.sorted_tables:
            if table.name in LEFT_OUT:
                continue
            present = [dict(row) for row in (await db.execute(select(table).order_by(*table.primary_key))).mappings()]
            if "id" in table.c:
                places[table.name] = {row["id"]: place for place, row in enumerate(present, start=1)}
            found[table.name] = present
    places["categories"][WHOLE_SHOP] = WHOLE_SHOP
    return {name: [_placed(metadata.tables[name], row, places) for row in present] for name, present in found.items()}


def _placed(table: Table, row: dict[str, Any], places: dict[str, dict[int, int]]) -> dict[str, Any]:
    placed = {}
    for column in table.columns:
        value = row[column.key]
        ids = [key.column.table.name for key in column.foreign_keys if key.column.key in ("id", "product_id")]
        target = ids[0] if ids else UNDECLARED.get((table.name, column.key))
        if column.key == "id":
            target = table.name
        if target == "listings":
            target = "products"
        if not isinstance(column.type, UtcDateTime) and column.key not in DIGESTS:
            placed[column.key] = places[target][value] if target and value is not None else value
    return placed
