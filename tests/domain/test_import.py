"""The importer on good files: the demo catalogue, both headers, odd encodings, a second run, a dry run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from hypermart.db.outbox import Outbox
from hypermart.db.session import Database
from hypermart.demo import ART_PRINTS
from hypermart.domain.catalog.models import (
    Category,
    CategoryProduct,
    Collection,
    CollectionProduct,
    Facet,
    FacetValue,
    ListFacet,
    Picture,
    Product,
    Variant,
)
from hypermart.domain.imports.actions import Order, import_shopify
from hypermart.domain.imports.mapping import load
from hypermart.domain.imports.summary import Summary
from hypermart.services import Services
from tests.parts import catalogue

pytestmark = pytest.mark.slow  # whole catalogues

ODD = Path(__file__).parents[1] / "imports" / "data" / "odd"


def art_prints(name: str = "products.csv", *, is_dry: bool = False) -> Order:
    return Order(ART_PRINTS / name, "EUR", ART_PRINTS / "images", load(ART_PRINTS / "catalogue.toml"), is_dry)


async def run(services: Services, order: Order) -> Summary:
    return await import_shopify(services.db, services.blobs, order)


def numbers(summary: Summary) -> list[tuple[int, int, int, int]]:
    counts = (summary.products, summary.variants, summary.pictures)
    return [(each.created, each.changed, each.unchanged, each.removed) for each in counts]


async def count(database: Database, model: Any) -> int:
    async with database.read() as db:
        return int((await db.execute(select(func.count()).select_from(model))).scalar_one())


async def test_the_demo_catalogue_has_the_promised_counts(services: Services) -> None:
    summary = await run(services, art_prints())
    assert numbers(summary) == [(62, 0, 0, 0), (558, 0, 0, 0), (186, 0, 0, 0)]
    assert [await count(services.db, model) for model in (Product, Variant, Picture)] == [62, 558, 186]
    async with services.db.read() as db:
        jobs = Counter((await db.execute(select(Outbox.job))).scalars())
        keys = (await db.execute(select(Picture.blob_key))).scalars().all()
    assert jobs == {"make_renditions": 186, "purge_pages": 1}
    for key in keys:
        assert (await services.blobs.get(key)).startswith(b"\xff\xd8")


async def test_tags_make_the_tree_and_the_collections(services: Services) -> None:
    await run(services, art_prints())
    async with services.db.read() as db:
        rows = await db.execute(
            select(Category.slug, Category.parent_id, CategoryProduct.is_inherited, func.count())
            .join(CategoryProduct, CategoryProduct.category_id == Category.id)
            .group_by(Category.id, Category.slug, Category.parent_id, CategoryProduct.is_inherited)
        )
        tree = {(slug, parent is None, bool(inherited)): number for slug, parent, inherited, number in rows}
        picked = await db.execute(
            select(Collection.slug, func.count()).join(CollectionProduct).group_by(Collection.slug)
        )
        collections: dict[str, int] = dict(picked.all())
    assert tree == {
        ("paintings-prints", True, True): 38,
        ("space", True, True): 24,
        ("flowers", False, False): 8,
        ("interiors-people", False, False): 14,
        ("landscapes", False, False): 8,
        ("sea-coast", False, False): 6,
        ("japan", False, False): 2,
        ("deep-space", False, False): 7,
        ("moon-earth", False, False): 9,
        ("planets", False, False): 5,
        ("space-flight", False, False): 3,
    }
    assert collections == {"bestsellers": 8, "sale": 4}


async def test_facets_come_from_attributes_centuries_and_options(services: Services) -> None:
    summary = await run(services, art_prints())
    assert not summary.notes  # every year could be read
    async with services.db.read() as db:
        rows = await db.execute(
            select(Facet.code, FacetValue.slug, func.count())
            .join(FacetValue, FacetValue.facet_id == Facet.id)
            .join(ListFacet, ListFacet.value_id == FacetValue.id)
            .group_by(Facet.code, FacetValue.id, FacetValue.slug, FacetValue.position)
            .order_by(FacetValue.position)
        )
        values: dict[str, list[tuple[str, int]]] = {}
        for code, slug, number in rows:
            values.setdefault(code, []).append((slug, number))
    periods = [("14th", 1), ("15th", 2), ("17th", 7), ("18th", 3), ("19th", 24), ("20th", 13), ("21st", 12)]
    assert values["period"] == [(f"{name}-century", number) for name, number in periods]
    assert values["size"] == [("21-x-30-cm", 62), ("30-x-40-cm", 62), ("50-x-70-cm", 62)]
    assert values["frame"] == [("unframed", 62), ("black-frame", 62), ("oak-frame", 62)]
    assert len(values["artist"]) == 49
    assert ("paul-cezanne", 2) in values["artist"]


@pytest.mark.parametrize("name", ["products.csv", "products_new_header.csv"])
async def test_a_second_run_changes_nothing(services: Services, name: str) -> None:
    await run(services, art_prints())
    before, jobs = await catalogue.rows(services.db), await count(services.db, Outbox)
    summary = await run(services, art_prints(name))
    assert numbers(summary) == [(0, 0, 62, 0), (0, 0, 558, 0), (0, 0, 186, 0)]
    assert next(summary.lines()) == "products: 0 created, 0 changed, 62 unchanged, 0 refused"
    assert await catalogue.rows(services.db) == before
    assert await count(services.db, Outbox) == jobs  # nothing to purge either


async def test_the_new_header_gives_the_identical_catalogue(services: Services, demo: Services) -> None:
    """`demo` was imported from the classic header. What it has beside its catalogue is no import's business."""
    await run(services, art_prints("products_new_header.csv"))
    classic, new = await catalogue.rows(demo.db), await catalogue.rows(services.db)
    for name in (
        "content_pages",
        "zones",
        "zone_countries",
        "delivery_methods",
        "delivery_rates",
        "tax_classes",
        "tax_rates",
    ):
        classic.pop(name), new.pop(name)
    assert len(new["products"]) == 62
    assert new == classic


async def test_a_dry_run_counts_and_keeps_nothing(services: Services) -> None:
    empty = await catalogue.rows(services.db)
    summary = await run(services, art_prints(is_dry=True))
    assert numbers(summary) == [(62, 0, 0, 0), (558, 0, 0, 0), (186, 0, 0, 0)]
    assert "Nothing was kept: this was a dry run." in summary.lines()
    assert await catalogue.rows(services.db) == empty
    assert await count(services.db, Outbox) == 0
    assert not (services.settings.data / "blobs").exists()


async def test_pictures_are_left_alone_without_a_folder(services: Services) -> None:
    bare = Order(ART_PRINTS / "products.csv", "EUR", mapping=load(ART_PRINTS / "catalogue.toml"))
    summary = await run(services, bare)
    assert summary.notes == ["186 pictures left alone: give --pictures FOLDER or ZIP to import them"]
    assert numbers(await run(services, art_prints()))[::2] == [(0, 62, 0, 0), (186, 0, 0, 0)]
    assert numbers(await run(services, bare))[0] == (0, 0, 62, 0)
    assert await count(services.db, Picture) == 186


async def test_odd_files_that_mean_the_same_are_the_same(services: Services) -> None:
    files = sorted(ODD.glob("*.csv"))
    assert len(files) == 12
    await run(services, Order(ODD / "plain.csv", "EUR"))
    plain = await catalogue.rows(services.db)
    for file in files:
        summary = await run(services, Order(file, "EUR"))
        assert (file.name, summary.problems, numbers(summary)[0]) == (file.name, [], (0, 0, 2, 0))
    assert await catalogue.rows(services.db) == plain


async def test_what_odd_cells_mean(services: Services) -> None:
    await run(services, Order(ODD / "semicolons-and-decimal-commas.csv", "EUR"))
    shop = await catalogue.rows(services.db)
    assert [(row["sku"], row["price"], row["compare_at"]) for row in shop["variants"]] == [
        ("M-S", 2400, 123456),
        ("M-M", 3050, None),
        ("sun-1", 500, None),
    ]
    stock = [(row["on_hand"], row["may_oversell"]) for row in shop["stock_levels"]]
    assert stock == [(3, False), (-2, True), (0, True)]  # the last one is not tracked
    moon, sun = shop["products"]
    assert (sun["title"], sun["status"]) == ("=SUM(A1:A9)", "draft")
    assert moon["description"] == "<p>First line,\nsecond; line</p>"
    assert [(row["code"], row["name"], row["type"]) for row in shop["attributes"]] == [
        ("custom.artist", "Künstler", "text")
    ]
    assert [row["tag"] for row in shop["product_tags"]] == ["night", "sea"]
    assert [row["title"] for row in shop["categories"]] == ["Print"]  # without a catalogue file: the product type
    assert [row["product_id"] for row in shop["listings"]] == [1]


async def test_html_keeps_its_words_and_nothing_that_acts(services: Services, tmp_path: Path) -> None:
    body = (
        "<h2 id=a class=b style='color:red' onclick=x()>Moon</h2><script>alert(1)</script><style>p{}</style>"
        "<p data-hx-get=/x hx-post=/y>Words <a href='javascript:x()'>one</a> <a href=https://x.example>two</a>"
        "<img src=x onerror=y><svg><script>z</script></svg></p><form action=/x><input name=q></form><p>open"
    )
    file = tmp_path / "html.csv"
    file.write_text(f'Handle,Title,Price,Description\nmoon,Moon,1,"{body}"\n')
    await run(services, Order(file, "EUR"))
    product = (await catalogue.rows(services.db))["products"][0]
    assert product["description"] == (
        '<h2>Moon</h2><p>Words <a rel="noopener nofollow">one</a> '
        '<a href="https://x.example" rel="noopener nofollow">two</a></p><p>open</p>'
    )
