"""The SQL that a new shop begins with: its user may do what it must, and the shop can deliver and knows taxes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from hypermart.db.session import Database
from hypermart.domain.shipping.queries import countries
from hypermart.domain.tax.queries import rates_for
from hypermart.settings import ROOT, Settings
from hypermart.stack.mysql import PASSWORD, USER
from tests.doctor.looking import looked, practice, run
from tests.parts import databases


def statements(name: str) -> list[str]:
    text = "\n".join(line for line in (ROOT / "deploy" / name).read_text().splitlines() if not line.startswith("--"))
    return [statement.strip() for statement in text.split(";") if statement.strip()]


async def test_a_shop_that_can_sell(settings: Settings, database: Database) -> None:
    for statement in statements("selling.sql"):
        await run(settings, statement)
    async with database.fresh() as db:
        assert await countries(db) == ("AT", "DE")
        rates = await rates_for(db, "DE")
    assert {code: rate.rate for code, rate in rates.items()} == {"standard": 1900, "reduced": 700}
    shop = [each.line for each in await looked(practice(settings)) if each.part == "shop"]
    assert "ok       shop       zones of delivery: 2, ways of delivery: 2, rates of tax: 4" in shop


@pytest.fixture
def own(settings: Settings) -> Iterator[Settings]:
    """Of a shop whose database and user shop.sql has made."""
    for statement in statements("mysql/shop.sql"):
        asyncio.run(run(settings, statement))
    server, _, rest = settings.database_url.rpartition("/")
    url = f"{server.replace(f'{USER}:{PASSWORD}@', 'shop:PASSWORD@')}/shop?{rest.partition('?')[2]}"
    yield msgspec.structs.replace(settings, database_url=url)
    for statement in ("DROP DATABASE shop", "DROP USER shop"):
        asyncio.run(run(settings, statement))


@pytest.mark.skipif(not databases.is_mysql(), reason="SQLite has no users")
def test_the_user_of_a_shop_may_do_what_it_must(own: Settings) -> None:
    databases.run(databases._migrated, own.database_url)
    found = [each.line for each in asyncio.run(looked(practice(own)))]
    assert "ok       rights     'shop'@'%' has what the shop and its migrations need" in found
    assert [line for line in found if line.startswith("ok       schema")]
