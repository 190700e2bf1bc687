"""Fixtures of the journeys: those of the kit for testers (hypermart.qa.plugin), on the database of this run."""

from __future__ import annotations

import pytest

from tests.parts import databases
from tests.parts.visits import browser

__all__ = ["browser"]


@pytest.fixture(scope="session")
def shop_settings(worker: str) -> dict[str, str]:
    return databases.of_a_shop(worker)
