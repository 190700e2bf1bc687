"""The demo shop: seeding it twice is seeding it once, its words are whole, and every state has its product."""

from __future__ import annotations

import re

import pytest

from hypermart.demo import seed, seed_if_empty
from hypermart.demo.states import STATES, seed_states
from hypermart.services import Services
from tests.parts import catalogue

CONTENT = ("about", "delivery", "returns", "terms", "privacy", "accessibility")


async def test_seeding_twice_changes_nothing(demo_copy: Services) -> None:
    before = await catalogue.rows(demo_copy.db)
    said: list[str] = []
    await seed(demo_copy, said.append)
    assert await catalogue.rows(demo_copy.db) == before
    assert "products: 0 created, 0 changed, 62 unchanged, 0 refused" in said


async def test_a_shop_with_products_is_not_seeded(demo_copy: Services) -> None:
    said: list[str] = []
    await seed_if_empty(demo_copy, said.append)
    assert said == []


async def test_a_shop_whose_seeding_was_interrupted_has_its_pages_of_words(services: Services) -> None:
    async def stop_after_the_products(_: list[int]) -> None:
        if (await catalogue.rows(services.db))["products"]:
            raise KeyboardInterrupt

    services.db.bell = stop_after_the_products
    with pytest.raises(KeyboardInterrupt):
        await seed_if_empty(services)
    services.db.bell = None
    await seed_if_empty(services)
    assert len((await catalogue.rows(services.db))["content_pages"]) == len(CONTENT)


async def test_pages_of_words_are_whole(demo: Services) -> None:
    pages = (await catalogue.rows(demo.db))["content_pages"]
    assert [page["slug"] for page in sorted(pages, key=lambda page: page["position"])] == list(CONTENT)
    for page in pages:
        assert page["title"]
        assert page["description"]
        assert "$" not in page["body"]
        assert re.match("<p>", page["body"])
        assert "<table>" not in page["body"] or "<caption>" in page["body"]
    statement = next(page["body"] for page in pages if page["slug"] == "accessibility")
    for browser in ("lynx", "edbrowse", "w3m", "links2", "elinks"):
        assert browser in statement


async def test_every_tree_node_and_collection_introduces_itself(demo: Services) -> None:
    rows = await catalogue.rows(demo.db)
    for entry in (*rows["categories"], *rows["collections"]):
        assert entry["intro"].endswith(".")
        assert entry["seo_title"]
        assert 50 < len(entry["seo_description"]) <= 160


async def test_states_are_seeded(demo_copy: Services) -> None:
    await seed_states(demo_copy)
    rows = await catalogue.rows(demo_copy.db)
    slugs = {row["slug"] for name in ("products", "categories", "collections", "old_slugs") for row in rows[name]}
    wanted = {state.path.partition("?")[0].rpartition("/")[2] for state in STATES}
    assert wanted - slugs == {"nothing-here"}
    assert len({state.name for state in STATES}) == len(STATES)
    assert max(len(row["title"]) for row in rows["products"]) == 255
    assert len(rows["sale_prices"]) == 2
