"""The web application: settings in, Litestar out. Nothing is opened before it starts."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias, cast
from urllib.parse import urlsplit

import httpx
from litestar import Litestar, Router
from litestar import asgi as mount
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.types import HTTPScope, LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send
from opentelemetry.trace import Tracer

from hypermart import bogus
from hypermart.adapters.clock import SystemClock
from hypermart.metrics_listener import listening
from hypermart.ports import Clock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from hypermart.templating import environment, static_digest
from hypermart.web import asgi, errors
from hypermart.web.render import Shop
from hypermart.web.routes import routers
from hypermart.web.store.media import read_assets

MOUNTED = "bogus:"
"""The setting of a gateway that is part of this app."""

Beside: TypeAlias = Callable[[Services], AbstractAsyncContextManager[Any]]


class Hypermart(Litestar):
    """Litestar with asgi.around() about every request, also those that no route answers."""

    headers_of_all: asgi.Headers
    tracer: Tracer | None = None

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        if scope["type"] == ScopeType.HTTP:
            request = cast("HTTPScope", scope), cast("Receive", receive), cast("Send", send)
            with asgi.traced(self.tracer, request[0]):
                await asgi.around(super().__call__, self.headers_of_all, *request)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    settings: Settings, *, clock: Clock | None = None, beside: Beside | None = None, also: Sequence[Router] = ()
) -> Litestar:
    """The app for `settings`. `beside` runs as long as it does: the worker of the embedded default.

    `also` are rooms that only some shops have: what testers may ask of one in QA mode.
    """
    templates, digest = environment(settings), static_digest(settings.root)
    assets = read_assets(settings.root / "static")
    clock = clock or SystemClock()
    has_bank = settings.gateway_url == MOUNTED

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        # Shop and bank talk as over the network, by their addresses, but need no port for it.
        here = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False) if has_bank else None
        async with opened(settings, clock, gateway_transport=here) as services, contextlib.AsyncExitStack() as stack:
            app.state.shop = Shop(services, templates, digest)
            cast("Hypermart", app).tracer = services.tracer
            if here:
                app.state.bank = bank_app(settings, clock, here)
                await stack.enter_async_context(app.state.bank.lifespan())
            gc.freeze()  # what is loaded now stays: the collector need not walk it at every turn
            work = beside(services) if beside else contextlib.nullcontext()
            async with listening(settings), services.db.watched(), work:
                yield

    def shop(state: State) -> Shop:
        return state.shop  # type: ignore[no-any-return]  # State is untyped

    app = Hypermart(
        [*routers(settings), *also, *([show_bank] if has_bank else [])],
        lifespan=[lifespan],
        dependencies={
            "shop": Provide(shop, sync_to_thread=False),
            "assets": Provide(lambda: assets, sync_to_thread=False),
        },
        exception_handlers=errors.handlers(),
        openapi_config=None,
        logging_config=None,
    )
    app.headers_of_all = asgi.security(settings.base_url, _pays_at(settings.gateway_url))
    return app


def bank_app(settings: Settings, clock: Clock, transport: httpx.AsyncBaseTransport | None = None) -> Litestar:
    """The bogus gateway of the shop of `settings`. `transport` leads to that shop if it is in the same process."""
    setup = bogus.Setup(
        journal=settings.data / "bogus.db",
        templates=settings.root / "templates" / "bogus",
        url=settings.gateway_url.removeprefix(MOUNTED) or f"{settings.base_url}/bogus",
        hook=f"{settings.base_url}/hooks/payments",
        secret=settings.gateway_secret.encode(),
        now=clock.now,
    )
    return bogus.create_app(setup, transport)


@mount("/bogus", is_mount=True, copy_scope=True)
async def show_bank(scope: Scope, receive: Receive, send: Send) -> None:
    """The bogus gateway: an app of its own, which only shares the port. Nothing that Litestar noted goes along."""
    await scope["app"].state.bank({**scope, "state": {}}, receive, send)


def _pays_at(gateway_url: str) -> str:
    """The origin of a gateway elsewhere, or nothing."""
    parts = urlsplit(gateway_url.partition(":")[2])
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
