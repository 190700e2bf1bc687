"""A shop where people sign in, with a Valkey that can be killed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.parts import valkeys
from tests.parts.accounts import AccountShop, account_shop
from tests.parts.valkeys import Valkey


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    with valkeys.running() as server:
        yield server


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    valkey_server.wipe()
    return valkey_server


@pytest.fixture
async def shop(demo_copy_settings: Settings, clock: QaClock, valkey: Valkey) -> AsyncIterator[AccountShop]:
    async with account_shop(demo_copy_settings, clock, valkey) as shop:
        yield shop
