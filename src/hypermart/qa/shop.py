"""The app of a shop in QA mode: the shop as it is, with every state in it, a clock that stands, and /qa."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar

from hypermart.app import Beside, create_app
from hypermart.demo.accounts import seed_sessions
from hypermart.qa import endpoints
from hypermart.qa.clock import QaClock
from hypermart.qa.desk import Desk
from hypermart.services import Services
from hypermart.settings import Settings


def create_qa_app(settings: Settings, beside: Beside) -> Litestar:
    """Without a QA_SECRET it has no /qa. `beside`: as in create_app()."""
    desk = Desk(QaClock())

    @contextlib.asynccontextmanager
    async def filled(services: Services) -> AsyncIterator[None]:
        async with desk.opened(app, services), beside(services):
            await seed_sessions(services)  # Valkey is there by now
            yield

    also = [endpoints.router(desk, settings.qa_secret)] if settings.qa_secret else []
    app = create_app(settings, clock=desk.clock, beside=filled, also=also)
    return app
