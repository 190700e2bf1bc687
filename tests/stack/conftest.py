"""A Varnish with the shop's VCL before a scripted origin, one for each file; each test asks for a host of its own."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.parts.origin import Origin, origin, page, until
from tests.parts.varnish import Browser, Varnish, running


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Varnish, Origin]]:
    with origin() as shop, running(tmp_path_factory.mktemp("varnish"), shop.port) as varnish:
        yield varnish, shop


@pytest.fixture
def varnish(edge: tuple[Varnish, Origin]) -> Varnish:
    return edge[0]


@pytest.fixture
def shop(edge: tuple[Varnish, Origin]) -> Origin:
    """The origin as it begins: every page may be kept."""
    varnish, shop = edge
    shop.says(page())
    if not shop.is_ready:
        shop.is_ready = True
        until(lambda: httpx.get(f"{varnish.url}/p/{uuid4().hex}").status_code == 200)  # the probe has seen it
    shop.asked.clear()
    return shop


@pytest.fixture
def ask(varnish: Varnish) -> Browser:
    return Browser(varnish.sockets.public, f"{uuid4().hex}.test")
