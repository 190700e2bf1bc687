"""The bogus gateway as an ASGI app: opens the bank, puts its courier to work, and knows the two kinds of visitors."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import structlog
from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.types import Scope

from hypermart.bogus import api, pages
from hypermart.bogus.bank import Bank, KeyReused, NoSuchPayment
from hypermart.bogus.callbacks import Courier
from hypermart.bogus.desk import Desk, Setup

log = structlog.get_logger("hypermart.bogus")
LIMIT = 64_000
"""Bytes of a request's body."""


def create_app(setup: Setup, transport: httpx.AsyncBaseTransport | None = None) -> Litestar:
    """The gateway. `transport` carries the callbacks to a shop in the same process; else they go over the network."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        bank = Bank(setup.journal, setup.now)
        try:
            courier = Courier(bank, setup.hook, setup.secret, transport)
            app.state.desk = Desk(setup, bank, courier)
            async with courier.at_work():
                yield
        finally:
            bank.db.close()

    def desk(state: State) -> Desk:
        return state.desk  # type: ignore[no-any-return]  # State is untyped

    return Litestar(
        [api.router(), pages.router()],
        lifespan=[lifespan],
        dependencies={"desk": Provide(desk, sync_to_thread=False)},
        exception_handlers={
            NoSuchPayment: _problem(404),
            KeyReused: _problem(409),
            NotFoundException: pages.show_missing,
        },
        after_exception=[_log],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=LIMIT,
    )


def _problem(status: int) -> Any:
    def answer(_: object, error: Exception) -> Response[dict[str, str]]:
        return Response({"detail": f"{type(error).__name__}: {error}"}, status_code=status)

    return answer


async def _log(error: Exception, scope: Scope) -> None:
    if isinstance(error, HTTPException | NoSuchPayment | KeyReused):
        log.info("bogus.refused", path=scope["path"], reason=f"{type(error).__name__}: {error}")
    else:
        log.error("bogus.failed", path=scope["path"], exc_info=error)
