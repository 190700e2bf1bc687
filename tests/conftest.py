"""Fixtures: a clock, settings, and a shop that is empty (`services`), looked at (`demo`) or one's own (`demo_copy`)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from hypermart.db.session import Database
from hypermart.qa.clock import QaClock
from hypermart.qa.tools import need
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.parts import databases
from tests.parts.s3_server import s3_server

# A machine under load is slow, which is no defect; and a submission must not fail by chance.
hypothesis.settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("house")

_RUN = pytest.StashKey[contextlib.ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and not config.option.collectonly:  # workers use what their parent started
        config.stash[_RUN] = contextlib.ExitStack()
        config.stash[_RUN].enter_context(databases.session())


def pytest_unconfigure(config: pytest.Config) -> None:
    if _RUN in config.stash:
        config.stash[_RUN].close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever has a database knows the name of the worker, which is part of the database's own."""
    for item in items:
        if "worker" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.database)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": False}


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """A test that starts the command line points the logs at its own stderr, which pytest closes after it."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def clock() -> QaClock:
    return QaClock()


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this pytest worker: part of the names of what must not be shared."""
    if databases.is_mysql():
        need("mysql")
    return str(getattr(request.config, "workerinput", {}).get("workerid", "gw"))


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 of this worker's own (tests/parts/s3_server.py)."""
    with s3_server() as base:
        yield base


@pytest.fixture
def settings(tmp_path: Path, worker: str) -> Settings:
    """Of a shop without any row, migrated to the newest schema."""
    return databases.settings(tmp_path, databases.fresh(tmp_path, worker))


@pytest.fixture
async def services(settings: Settings, clock: QaClock) -> AsyncIterator[Services]:
    async with opened(settings, clock) as services:
        yield services


@pytest.fixture
def database(services: Services) -> Database:
    return services.db


@pytest.fixture(scope="session")
def demo_settings(worker: str) -> Settings:
    """The demo shop, imported once per run. Tests only look at it."""
    from tests.parts.shops import unsold_settings  # noqa: PLC0415  (only runs that look at a shop pay for it)

    return unsold_settings()


@pytest.fixture
async def demo(demo_settings: Settings, clock: QaClock) -> AsyncIterator[Services]:
    """The demo shop, shared: a test that changes it takes `demo_copy`."""
    async with opened(demo_settings, clock) as services:
        yield services


@pytest.fixture
def demo_copy_settings(demo_settings: Settings, tmp_path: Path, worker: str) -> Settings:
    """A demo shop of the test's own, to be changed at will."""
    return databases.copy_of(demo_settings, tmp_path, worker)


@pytest.fixture
async def demo_copy(demo_copy_settings: Settings, clock: QaClock) -> AsyncIterator[Services]:
    async with opened(demo_copy_settings, clock) as services:
        yield services
