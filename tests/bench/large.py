"""`make bench-large`: how long lists take in a shop of 50,000 products on MySQL, and by which plans."""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Select, select, text

from hypermart.db.bulk import chunks, insert_many
from hypermart.db.session import WriteSession
from hypermart.domain.browse.actions import republish
from hypermart.domain.catalog.models import Attribute, Category, CategoryProduct, Product, ProductAttribute, Variant
from hypermart.domain.stock.models import StockLevel
from hypermart.services import Services, opened
from hypermart.settings import load
from hypermart.stack import mysql
from tests.bench.floor import record
from tests.bench.pages import fill
from tests.bench.servers import cpu_seconds, fetch, free_port, serving

WORDS = "quiet harbour winter garden river stone autumn field blue morning silver night old bridge forest bird".split()
NOUNS = "landscape portrait interior study nebula coast orchard still-life valley window market sail comet".split()
SIZES, FRAMES = ("21 × 30 cm", "30 × 40 cm", "50 × 70 cm"), ("Unframed", "Black frame", "Oak frame")
FIRST = 10_000
EXPLAINED = ("/c/paintings-prints", "/search?q=print", "/search?q=landscape", "/c/space?frame=oak-frame&sort=price")


def rows_of(number: int, dice: random.Random, at: Any) -> dict[str, Any]:
    title = f"{dice.choice(WORDS)} {dice.choice(WORDS)} {dice.choice(NOUNS)} {number}".capitalize()
    return {
        "id": FIRST + number,
        "slug": f"large-{number}",
        "title": title,
        "brand": "Demo Prints",
        "kind": "Art print",
        "option1_name": "Size",
        "option2_name": "Frame",
        "description": f"<p>{title}. A generated product.</p>",
        "position": FIRST + number,
        "published_at": at,
        "created_at": at,
        "updated_at": at,
    }


async def enlarge(services: Services, count: int) -> None:
    """`count` generated products beside the demo shop: 4 variants, artist and year, one leaf category each."""
    dice, at = random.Random(7), services.clock.now()
    async with services.db.read() as db:
        attributes: dict[str, int] = dict((await db.execute(select(Attribute.code, Attribute.id))).all())
        found = await db.execute(select(Category.id).where(Category.parent_id.is_not(None)).order_by(Category.id))
        leaves = list(found.scalars())
    for numbers in chunks(range(count), 2000):
        async with services.db.write() as db:
            await insert_many(
                db, Product, [rows_of(n, dice, at) | {"category_id": dice.choice(leaves)} for n in numbers]
            )
            await _furnish(db, list(numbers), dice, leaves, (attributes["custom.artist"], attributes["custom.year"]))
            await republish(db, [FIRST + number for number in numbers])
        print(f"\r{numbers[-1] + 1} products", end="", file=sys.stderr, flush=True)
    async with services.db.writer.begin() as connection:
        await connection.execute(text("ANALYZE TABLE listings, list_entries, list_facets, facet_values, search_texts"))


async def _furnish(
    db: WriteSession, numbers: list[int], dice: random.Random, leaves: list[int], facts: tuple[int, int]
) -> None:
    variants = [
        {"id": FIRST * 10 + number * 4 + place, "product_id": FIRST + number, "position": place}
        | {"sku": f"L{number}-{place}", "option1": SIZES[place % 3], "option2": FRAMES[place % 2]}
        | {"price": dice.randrange(900, 20000, 50), "weight_g": 200}
        for number in numbers
        for place in range(4)
    ]
    await insert_many(db, Variant, variants)
    levels = [{"variant_id": row["id"], "on_hand": dice.choice((0, 3, 9)), "may_oversell": False} for row in variants]
    await insert_many(db, StockLevel, levels)
    values = [
        {"product_id": FIRST + number, "attribute_id": attribute, "value": value}
        for number in numbers
        for attribute, value in zip(
            facts, (f"Artist {dice.randrange(400)}", str(dice.randrange(1450, 2020))), strict=True
        )
    ]
    await insert_many(db, ProductAttribute, values)
    await insert_many(
        db, CategoryProduct, [{"category_id": dice.choice(leaves), "product_id": FIRST + number} for number in numbers]
    )


def visits(dice: random.Random) -> dict[str, Callable[[], str]]:
    """Kind of page -> an address of that kind, another one each time."""

    def artist() -> str:
        return f"artist=artist-{dice.randrange(400)}"

    def words(count: int) -> str:
        return "+".join(dice.choice((*WORDS, *NOUNS)) for _ in range(count))

    roots, leaves = ("paintings-prints", "space"), ("flowers", "landscapes", "japan", "planets", "deep-space")
    return {
        "root category": lambda: f"/c/{dice.choice(roots)}",
        "root category, later page": lambda: f"/c/{dice.choice(roots)}?page={dice.randrange(2, 900)}",
        "root category, two facets": lambda: f"/c/{dice.choice(roots)}?frame=oak-frame&{artist()}",
        "root category, century, by price": lambda: f"/c/{dice.choice(roots)}?period=19th-century&sort=price",
        "root category, price range, in stock": lambda: f"/c/{dice.choice(roots)}?min=20&max=60&available=1",
        "leaf category": lambda: f"/c/{dice.choice(leaves)}",
        "leaf category, by title": lambda: f"/c/{dice.choice(leaves)}?sort=title",
        "search, one word": lambda: f"/search?q={words(1)}",
        "search, two words": lambda: f"/search?q={words(2)}",
        "search, every product": lambda: "/search?q=print",
        "search, every product, two facets": lambda: f"/search?q=print&frame=oak-frame&{artist()}",
        "search, every product, by title": lambda: f"/search?q=print&sort=title&page={dice.randrange(1, 1000)}",
        "product": lambda: f"/p/large-{dice.randrange(10000)}",
    }


def timed(
    connection: http.client.HTTPConnection, visit: Callable[[], str], times: int, pids: tuple[int, int]
) -> Iterator[tuple[float, float]]:
    """Milliseconds to the last byte, and of CPU in shop and database together."""
    for _ in range(times):
        path, started, before = visit(), time.perf_counter(), sum(map(cpu_seconds, pids))
        fetch(connection, path)
        took = time.perf_counter() - started
        yield took * 1000, (sum(map(cpu_seconds, pids)) - before) * 1000


def report(port: int, times: int, pids: tuple[int, int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    print(f"{'ms, one visitor':40} {'median':>7} {'p95':>7} {'worst':>7}   {'CPU median':>10} {'p95':>5} {'most':>5}")
    for kind, visit in visits(random.Random(11)).items():
        list(timed(connection, visit, 3, pids))
        took, cpu = (sorted(column) for column in zip(*timed(connection, visit, times, pids), strict=True))
        place = max(0, round(times * 0.95) - 1)
        print(
            f"{kind:40} {statistics.median(took):7.1f} {took[place]:7.1f} {took[-1]:7.1f}"
            f"   {statistics.median(cpu):10.0f} {cpu[place]:5.0f} {cpu[-1]:5.0f}",
            flush=True,
        )


async def explain(environ: dict[str, str], paths: tuple[str, ...]) -> None:
    """EXPLAIN ANALYZE of every statement of `paths`, as MySQL prints it."""
    settings = load({**os.environ, **environ})
    recorded = await record(settings, paths)
    async with opened(settings) as services:
        dialect = services.db.reader.dialect
        for path, page in recorded.items():
            for statement, params in page.statements:
                select_ = cast("Select[Any]", statement).params(params)
                plain = str(select_.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
                async with services.db.reader.connect() as connection:
                    rows = (await connection.exec_driver_sql(f"EXPLAIN ANALYZE {plain.replace('%', '%%')}")).scalars()
                    print(f"\n-- {path}\n{plain}\n" + "\n".join(rows))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--products", type=int, default=50_000)
    arguments.add_argument("--times", type=int, default=100, help="visits per kind of page")
    arguments.add_argument("--explain", action="store_true", help="print the plans instead")
    args = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name, mysql.running(Path(name) / "mysql", mysql.THROWAWAY) as server:
        environ = asyncio.run(fill(server.url("bench"), Path(name)))

        async def prepare() -> None:
            async with opened(load({**os.environ, **environ})) as services:
                await enlarge(services, args.products)

        asyncio.run(prepare())
        print(file=sys.stderr)
        if args.explain:
            asyncio.run(explain(environ, EXPLAINED))
            return
        port = free_port()
        with serving("app", port, environ, Path(name) / "app.log") as app:
            report(port, args.times, (app, server.pid))


if __name__ == "__main__":
    main()
