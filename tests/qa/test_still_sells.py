"""A purchase in the ordinary way, which every planted bug must leave possible."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.parts.selling import SellingShop, selling_shop


@pytest.fixture
async def selling(demo_copy_settings: Settings, clock: QaClock) -> AsyncIterator[SellingShop]:
    async with selling_shop(demo_copy_settings, clock) as shop:
        yield shop


@pytest.mark.parametrize("payment", ["card", "invoice"])
async def test_somebody_buys_a_print(payment: str, selling: SellingShop) -> None:
    order = await selling.shopper().buy(await selling.variant(), payment=payment)
    assert (order.status, len(await selling.orders())) == (200, 1)
    assert "Thank you" in order.text
