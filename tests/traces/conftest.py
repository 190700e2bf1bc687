"""A collector that takes what the shop sends, and a shop whose traces it gets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.parts.otlp_collector import Collector, collecting
from tests.parts.selling import SellingShop, selling_shop


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
async def traced(demo_copy_settings: Settings, clock: QaClock, collector: Collector) -> AsyncIterator[SellingShop]:
    """A demo shop of the test's own, every request of which is traced."""
    async with selling_shop(collector.settings(demo_copy_settings), clock) as shop:
        yield shop
