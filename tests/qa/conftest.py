"""A shop in QA mode in this process, filled once per worker; each test finds it as it was seeded."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import msgspec
import pytest
from litestar import Litestar

from hypermart.db.session import Database
from hypermart.qa.shop import create_qa_app
from hypermart.settings import Settings
from tests.parts import databases
from tests.parts.selling_site import delivering
from tests.parts.visitor import ORIGIN, here

SECRET = "a secret of testers"


@dataclass(frozen=True)
class QaSite:
    app: Litestar
    tester: httpx.AsyncClient
    """Knows the secret."""
    settings: Settings

    @property
    def database(self) -> Database:
        return self.app.state.shop.db  # type: ignore[no-any-return]  # State is untyped

    def shopper(self) -> httpx.AsyncClient:
        """Knows nothing."""
        return httpx.AsyncClient(transport=here(self.app), base_url=ORIGIN)


@contextlib.asynccontextmanager
async def opened_site(settings: Settings) -> AsyncIterator[QaSite]:
    app = create_qa_app(settings, delivering)
    headers = {"authorization": f"Bearer {SECRET}"}
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=here(app), base_url=ORIGIN, headers=headers, timeout=30) as tester,
    ):
        yield QaSite(app, tester, settings)


def with_secret(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, qa_secret=SECRET, base_url=ORIGIN)


@pytest.fixture(scope="session")
def qa_settings(tmp_path_factory: pytest.TempPathFactory, worker: str) -> Settings:
    """Of a database that no other fixture empties."""
    data = tmp_path_factory.mktemp("qa")
    own = databases.of_a_shop(worker)
    return with_secret(databases.settings(data, own.get("DATABASE_URL") or databases.fresh(data, worker)))


@pytest.fixture(scope="session")
async def filled(qa_settings: Settings) -> AsyncIterator[QaSite]:
    async with opened_site(qa_settings) as site:
        yield site


@pytest.fixture
async def qa(filled: QaSite) -> QaSite:
    answer = await filled.tester.post("/qa/reset")
    assert answer.status_code == 200, answer.text
    return filled
