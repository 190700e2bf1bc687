"""One stack for the run, and healthy at the beginning of each test. All these tests run in one pytest worker."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hypermart.qa.tools import need
from tests.topology.running import Running, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.stack)
            item.add_marker(pytest.mark.xdist_group("topology"))


@pytest.fixture(scope="session")
def started() -> Iterator[Running]:
    need("mysql")
    # Not in pytest's own folder: sockets want short paths.
    with tempfile.TemporaryDirectory(prefix="hm") as folder, running(Path(folder)) as stack:
        yield stack


@pytest.fixture
def stack(started: Running) -> Iterator[Running]:
    yield started
    started.heal()
