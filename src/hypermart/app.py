"""The web application: settings in, Litestar out. Nothing is opened before it starts."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias, cast

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.types import HTTPScope, LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

from hypermart.ports import Clock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from hypermart.templating import environment, static_digest
from hypermart.web import asgi, errors
from hypermart.web.render import Shop
from hypermart.web.routes import routers
from hypermart.web.store.media import read_assets

Beside: TypeAlias = Callable[[Services], AbstractAsyncContextManager[Any]]


class Hypermart(Litestar):
    """Litestar with asgi.around() about every request, also those that no route answers."""

    headers_of_all: asgi.Headers

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        if scope["type"] == ScopeType.HTTP:
            request = cast("HTTPScope", scope), cast("Receive", receive), cast("Send", send)
            await asgi.around(super().__call__, self.headers_of_all, *request)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, *, clock: Clock | None = None, beside: Beside | None = None) -> Litestar:
    """The app for `settings`. `beside` runs as long as it does: the worker of the embedded default."""
    templates, digest = environment(settings), static_digest(settings.root)
    assets = read_assets(settings.root / "static")

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with opened(settings, clock) as services:
            app.state.shop = Shop(services, templates, digest)
            gc.freeze()  # what is loaded now stays: the collector need not walk it at every turn
            async with beside(services) if beside else contextlib.nullcontext():
                yield

    def shop(state: State) -> Shop:
        return state.shop  # type: ignore[no-any-return]  # State is untyped

    app = Hypermart(
        routers(),
        lifespan=[lifespan],
        dependencies={
            "shop": Provide(shop, sync_to_thread=False),
            "assets": Provide(lambda: assets, sync_to_thread=False),
        },
        exception_handlers=errors.handlers(),
        openapi_config=None,
        logging_config=None,
    )
    app.headers_of_all = asgi.security(settings.base_url)
    return app
