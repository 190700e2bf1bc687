"""No log knows who came: a canary lives through the shop in one process, and nothing of it is in what was logged."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from hypermart import logs
from hypermart.domain.staff.actions import add_person
from hypermart.passwords import hashed
from tests.account.test_reset import mailed
from tests.parts.accounts import AccountShop
from tests.parts.canary import Canary, leaks

DIALECT = os.environ.get("TEST_DATABASE", "sqlite")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder; whatever the shop writes from now on goes into a file of it."""
    (folder := tmp_path / "logs").mkdir()
    file = (folder / "app1.log").open("w", buffering=1)
    monkeypatch.setattr(sys, "stderr", file)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("logging.root.handlers", [])
    before = structlog.get_config()
    logs.configure("debug", "app1")
    yield folder
    structlog.configure(**before)
    file.close()


async def test_no_log_knows_who_came(shop: AccountShop, logged: Path) -> None:
    canary = Canary(shop.shopper(), shop.shopper())
    async with shop.database.write() as db:
        await add_person(db, "Keeper", canary.staff_email, await hashed(canary.password), shop.clock.now())

    async def link() -> str:
        return (await mailed(shop))[-1]

    async def sql(statement: str) -> None:
        async with shop.database.write() as db:
            await db.execute(text(statement))

    variant = await shop.variant()
    await canary.buy(variant)
    await canary.have_an_account(link)
    await canary.keep_shop()
    await canary.meet_an_error(variant, DIALECT, sql)
    events = [json.loads(line)["event"] for line in (logged / "app1.log").read_text().splitlines()]
    assert events.count("request") > 30
    assert {"outbox.done", "request.failed"} <= set(events)
    assert leaks(logged, canary.secrets) == []
    assert len(canary.secrets) > 14
