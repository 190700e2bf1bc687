"""Fixtures: the shop with every state on a real port (`site`), two that lack a service, and the browser."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
from playwright.async_api import Browser

from hypermart.qa.browser import chromium
from hypermart.qa.tools import need
from tests.parts import databases
from tests.parts.shops import open_shop, sick_shop, states_settings, unpaid_shop, unsold_settings


@pytest.fixture(scope="session")
def site(worker: str) -> Iterator[str]:
    """The address of the demo shop with every state. Tests only look at it."""
    with open_shop(states_settings()) as base:
        yield base


@pytest.fixture(scope="session")
def sick(worker: str) -> Iterator[str]:
    with sick_shop(states_settings()) as base:
        yield base


@pytest.fixture(scope="session")
def shop(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site, timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
def unpaid(worker: str) -> Iterator[str]:
    with unpaid_shop(states_settings()) as base:
        yield base


@pytest.fixture(scope="session")
def unsold(worker: str) -> Iterator[str]:
    with open_shop(unsold_settings()) as base:
        yield base


@pytest.fixture(scope="session")
def shops(shop: httpx.Client, sick: str, unpaid: str, unsold: str) -> Iterator[Callable[[str], httpx.Client]]:
    """By the seed of a state: who is asked for it."""
    with contextlib.ExitStack() as stack:
        bases = {"sick": sick, "unpaid": unpaid, "unsold": unsold}
        others = {seed: stack.enter_context(httpx.Client(base_url=base, timeout=20)) for seed, base in bases.items()}
        yield lambda seed: others.get(seed, shop)


@pytest.fixture(scope="session")
async def browser(worker: str) -> AsyncIterator[Browser]:
    """Chromium. It sees the same bytes whichever database made them (tests/pages/test_headers.py walks both)."""
    if databases.is_mysql():
        pytest.skip("runs on SQLite: what a browser makes of a page does not depend on the database")
    async with chromium(need("chromium")) as browser:
        yield browser
