"""Fixtures of the journeys: those of the kit for testers (hypermart.qa.plugin), on the database of this run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hypermart.settings import Settings
from tests.parts import databases
from tests.parts.selling_site import SellingSite, selling_site
from tests.parts.visits import browser, site

__all__ = ["browser", "site"]


@pytest.fixture(scope="session")
def shop_settings(worker: str) -> dict[str, str]:
    return databases.of_a_shop(worker)


@pytest.fixture
def till(demo_copy_settings: Settings) -> Iterator[SellingSite]:
    """A shop of the test's own, in which things are bought."""
    with selling_site(demo_copy_settings) as site:
        yield site
