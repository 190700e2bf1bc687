"""The suite itself: every test begins with a clean shop, and a missing tool is told as it should be."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from hypermart.db.session import Database
from hypermart.domain.content.models import ContentPage
from hypermart.qa import tools
from hypermart.qa.clock import QaClock
from hypermart.services import Services


async def pages(database: Database) -> int:
    async with database.read() as db:
        return int((await db.execute(select(func.count()).select_from(ContentPage))).scalar_one())


async def add_page(database: Database) -> None:
    async with database.write() as db:
        db.add(ContentPage(slug="mark", title="Mark", body="", updated_at=database.clock.now()))


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_a_test_begins_with_an_empty_shop(database: Database, turn: str) -> None:
    assert await pages(database) == 0
    await add_page(database)


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_a_copy_of_the_demo_shop_is_the_tests_own(demo: Services, demo_copy: Services, turn: str) -> None:
    shared = await pages(demo.db)
    assert shared > 0
    await add_page(demo_copy.db)
    assert (await pages(demo.db), await pages(demo_copy.db)) == (shared, shared + 1)


def test_the_clock_stands_until_it_is_moved(clock: QaClock) -> None:
    before = clock.now()
    assert clock.now() == before
    clock.advance(minutes=5)
    assert (clock.now() - before).total_seconds() == 300


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_tool_is_red_in_ci_and_skipped_elsewhere(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setitem(tools.TOOLS, "loom", (lambda: None, "buy one"))
    with pytest.raises(outcome, match="loom is missing: buy one"):
        tools.need("loom")
