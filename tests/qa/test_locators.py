"""The contract of docs/qa.md: each row of its table is on the page of its seed, with and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from playwright.async_api import expect

from hypermart.qa.pages import ShopPage
from hypermart.qa.seeds import Seeds
from hypermart.qa.states import State
from hypermart.settings import ROOT
from tests.parts.visits import browser

__all__ = ["browser"]
ROW = re.compile(r"^\| [\w ]+ \| (?P<kind>\w+) (?P<seed>[\w-]+) \| (?P<role>\w+) \| (?P<name>[^|]+?) \|$", re.MULTILINE)
Visit = Callable[[State | str], Awaitable[ShopPage]]


class Promise(NamedTuple):
    role: str
    name: str


def promises() -> dict[tuple[str, str], list[Promise]]:
    """By the seed of their page."""
    found: dict[tuple[str, str], list[Promise]] = {}
    for row in ROW.finditer((ROOT / "docs" / "qa.md").read_text()):
        found.setdefault((row["kind"], row["seed"]), []).append(Promise(row["role"], row["name"]))
    return found


PROMISES = promises()


def test_the_contract_is_read() -> None:
    assert len(PROMISES) > 12
    assert sum(map(len, PROMISES.values())) > 30


@pytest.mark.browser
@pytest.mark.usefixtures("nojs")
@pytest.mark.parametrize(("kind", "name"), PROMISES, ids=lambda word: word)
async def test_what_is_promised_is_on_its_page(kind: str, name: str, visit: Visit, seed: Seeds) -> None:
    shown = await visit(getattr(seed, kind)(name))
    for promise in PROMISES[kind, name]:
        role: Any = promise.role
        beginning = re.compile(rf"^{re.escape(promise.name)}")
        await expect(shown.page.get_by_role(role, name=beginning).first).to_be_visible()


@pytest.mark.browser
async def test_marks_carry_exact_values(visit: Visit, seed: Seeds) -> None:
    """data-qa, for what repeats and for values."""
    page = (await visit(seed.cart("typical"))).page
    lines = page.locator("[data-qa=cart-line]")
    assert await lines.evaluate_all("(all) => all.map((each) => each.dataset.qaId)") == [
        "AP042-S-U",
        "AP004-M-O",
        "AP039-S-U",
    ]
    await expect(page.locator("[data-qa=subtotal]")).to_have_attribute("data-value", "21300")
    await expect(page.locator("[data-qa=total]")).to_have_attribute("data-value", "21300")
    page = (await visit(seed.list("category"))).page
    await expect(page.locator("[data-qa=product]")).to_have_count(24)
    await expect(page.locator("[data-qa-id=full-moon]")).to_be_visible()
    page = (await visit(seed.product("product"))).page
    await expect(page.locator("[data-qa=price]").first).to_have_attribute("data-value", "2400")
    page = (await visit(seed.order("paid"))).page
    await expect(page.locator("[data-qa=order-line]")).to_have_count(2)
    await expect(page.locator("[data-qa=total]")).to_have_attribute("data-value", "14100")
