"""Products, categories and collections in every state that a public page can show, for tests and screenshots."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.browse.actions import archive, publish
from hypermart.domain.catalog import actions
from hypermart.domain.catalog.models import Product, Variant
from hypermart.domain.imports.actions import Order, import_shopify
from hypermart.domain.imports.mapping import load
from hypermart.services import Services

HERE = Path(__file__).parent


class State(msgspec.Struct, frozen=True):
    """One state of a public page: where it is and what it answers once seed() and seed_states() have run."""

    name: str
    path: str
    status: int = 200
    note: str = ""


STATES: tuple[State, ...] = (
    State("sold-out", "/p/state-sold-out", note="cannot be bought"),
    State("low-stock", "/p/state-low-stock", note="2 left"),
    State("single-variant", "/p/state-single", note="no options to choose"),
    State("hundred-variants", "/p/state-hundred", note="10 sizes x 10 colours, some sold out"),
    State("chosen-variant", "/p/state-hundred?v=ST-HUNDRED-34", note="not the first variant"),
    State("sold-out-variant", "/p/state-hundred?v=ST-HUNDRED-00", note="this one is sold out, others are not"),
    State("long-title", "/p/state-long-title", note="255 characters, two long German words"),
    State("right-to-left", "/p/state-right-to-left", note="title and artist in Arabic"),
    State("cjk", "/p/state-cjk", note="title and artist in Japanese, no spaces"),
    State("no-picture", "/p/state-no-picture"),
    State("on-sale", "/p/state-on-sale", note="a scheduled sale price is running"),
    State("sale-soon", "/p/state-sale-soon", note="a sale price starts in a week"),
    State("scheduled", "/p/state-scheduled", 404, "published in a week"),
    State("draft", "/p/state-draft", 404),
    State("archived", "/p/state-archived", 410),
    State("price-range", "/p/state-range", note="from 12 to 240, the first with a compare-at price"),
    State("bare", "/p/state-bare", note="no description, no facts, no artist"),
    State("markup-in-title", "/p/state-markup", note="markup in title and artist stays text"),
    State("made-to-order", "/p/state-made-to-order", note="none in stock, may be oversold"),
    State("moved", "/p/state-old-earth", 301, "to /p/state-new-earth"),
    State("product", "/p/full-moon", note="of the demo catalogue"),
    State("category", "/c/space", note="24 products, one page"),
    State("category-two-pages", "/c/paintings-prints", note="38 products, two pages"),
    State("empty-category", "/c/empty-shelf"),
    State("category-of-one", "/c/a-single-print"),
    State("category-of-all-states", "/c/states"),
    State("empty-collection", "/collections/empty-collection"),
    State("collection", "/collections/bestsellers"),
    State("missing", "/p/nothing-here", 404),
)


async def seed_states(services: Services) -> None:
    """The shop also holds every state of STATES; needs the demo catalogue of seed(). Runs once per shop."""
    order = Order(
        file=HERE / "states" / "products.csv",
        currency=services.settings.currency,
        pictures=HERE / "art-prints" / "images",
        mapping=load(HERE / "states" / "catalogue.toml"),
    )
    summary = await import_shopify(services.db, services.blobs, order)
    if summary.refused:
        raise ValueError(next(summary.problem_lines(str(order.file))))
    now, week = services.clock.now(), timedelta(days=7)
    async with services.db.write() as db:
        ids = dict((await db.execute(select(Product.slug, Product.id))).all())
        await _sale(db, ids["state-on-sale"], now - week, now + week)
        await _sale(db, ids["state-sale-soon"], now + week, now + 2 * week)
        await publish(db, ids["state-scheduled"], at=now + week)
        await archive(db, ids["state-archived"])
        await actions.rename_slug(db, "product", ids["state-old-earth"], "state-new-earth")


async def _sale(db: WriteSession, product_id: int, starts_at: datetime, ends_at: datetime) -> None:
    for variant_id in (await db.scalars(select(Variant.id).where(Variant.product_id == product_id))).all():
        await actions.schedule_sale(db, variant_id, 1_800, starts_at=starts_at, ends_at=ends_at)
