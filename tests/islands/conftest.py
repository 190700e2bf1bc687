"""Fixtures of the islands' tests: shops on a real port, one that sells, and a browser (tests/parts/visits.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hypermart.settings import Settings
from tests.parts.selling_site import SellingSite, selling_site
from tests.parts.visits import browser, shop, shops, sick, site, unpaid, unsold
from tests.web.conftest import db, shopper

__all__ = ["browser", "db", "shop", "shopper", "shops", "sick", "site", "unpaid", "unsold"]


@pytest.fixture
def till(demo_copy_settings: Settings) -> Iterator[SellingSite]:
    """A shop of the test's own, in which carts are changed."""
    with selling_site(demo_copy_settings) as site:
        yield site
