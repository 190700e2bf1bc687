"""Shops that tests walk through over a real port: one in good health with every state in it, and one that is sick."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx
import msgspec
from litestar import Litestar, get

from hypermart import demo
from hypermart.app import create_app
from hypermart.demo.accounts import seed_sessions
from hypermart.qa import seeding
from hypermart.qa.clock import QaClock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.parts import databases, valkeys
from tests.parts.server import address, free_port, serving
from tests.parts.visitor import ORIGIN, here

#: Nobody listens there.
AWAY = "mysql+asyncmy://nobody:nothing@127.0.0.1:1/none"


def unsold_settings() -> Settings:
    """The demo shop as it was imported: nobody has bought anything yet. Made once per run. Tests only look at it."""

    async def fill(settings: Settings) -> None:
        async with opened(settings, QaClock()) as services:
            await demo.seed(services)

    return databases.demo(fill)


def states_settings() -> Settings:
    """The demo shop with every state (hypermart.qa.seeding), made once per run. Tests only look at it."""

    async def fill(settings: Settings) -> None:
        @contextlib.asynccontextmanager
        async def filled(services: Services) -> AsyncIterator[None]:
            async with httpx.AsyncClient(transport=here(app), base_url=ORIGIN) as http:
                await seeding.fill(services, http)
            yield

        app = create_app(settings, clock=QaClock(), beside=filled)
        async with app.lifespan():
            pass

    return databases.demo(fill, "states")


@contextlib.contextmanager
def open_shop(settings: Settings, planted: Sequence[Any] = ()) -> Iterator[str]:
    """Serves the shop at the hour for which it was filled; `planted` handlers are what a test wants to be found."""
    bound = free_port()
    with valkeys.running() as valkey:
        settings = msgspec.structs.replace(settings, base_url=address(bound), valkey_url=valkey.url)
        beside = None if settings.database_url == AWAY else _with_sessions
        app: Litestar = create_app(settings, clock=QaClock(), beside=beside)
        for handler in planted:
            app.register(handler)
        with serving(app, bound) as base:
            yield base


@contextlib.asynccontextmanager
async def _with_sessions(services: Services) -> AsyncIterator[None]:
    await seed_sessions(services)
    yield


@get("/broken")
async def broken() -> None:
    raise RuntimeError("planted: this handler always fails")


@contextlib.contextmanager
def sick_shop(settings: Settings) -> Iterator[str]:
    """Its database is away, so every page is 503, and /broken fails of itself: 500."""
    with open_shop(msgspec.structs.replace(settings, database_url=AWAY, database_read_url=AWAY), [broken]) as base:
        yield base


@contextlib.contextmanager
def unpaid_shop(settings: Settings) -> Iterator[str]:
    """Its payment provider is away: nobody listens there."""
    with open_shop(msgspec.structs.replace(settings, gateway_url="bogus:http://127.0.0.1:1")) as base:
        yield base
