"""The floor of a page: the same statements by SQLAlchemy Core, the same bytes by Jinja2, nothing else around them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import msgspec
from litestar import Litestar, Response, get
from litestar.datastructures import State
from sqlalchemy import Executable, event
from sqlalchemy.ext.asyncio import AsyncEngine

from hypermart.app import create_app
from hypermart.db.engine import read_engine
from hypermart.settings import Settings
from hypermart.templating import environment
from hypermart.web.render import HTML, Shop
from tests.parts.visitor import visiting


class Recorded(msgspec.Struct):
    """What one address cost the real app: its statements with their parameters, and what was rendered."""

    template: str
    context: dict[str, Any]
    statements: list[tuple[Executable, Any]]


async def record(settings: Settings, paths: Sequence[str]) -> dict[str, Recorded]:
    app, found = create_app(settings), dict[str, Recorded]()
    async with visiting(app) as client:
        shop: Shop = app.state.shop
        for path in paths:
            with _listening(shop) as recorded:
                (await client.get(path)).raise_for_status()
            found[path] = recorded
    return found


@contextlib.contextmanager
def _listening(shop: Shop) -> Iterator[Recorded]:
    recorded = Recorded("", {}, [])
    real_page, engine = shop.page, shop._services.db.reader.sync_engine

    def page(request: Any, template: str, view: Any, cache: Any = None, *, status: int = 200, **extra: Any) -> Any:
        recorded.template, recorded.context = template, {"page": view, "path": request.scope["path"], **extra}
        return real_page(request, template, view, cache, status=status, **extra)

    def execute(_: Any, statement: Any, multiparams: Any, params: Any, __: Any) -> None:
        recorded.statements.append((statement, params or (multiparams[0] if multiparams else {})))

    event.listen(engine, "before_execute", execute)
    shop.page = page  # type: ignore[method-assign]
    try:
        yield recorded
    finally:
        shop.page = real_page  # type: ignore[method-assign]
        event.remove(engine, "before_execute", execute)


def create_floor(settings: Settings, paths: Sequence[str]) -> Litestar:
    """Answers `paths` as cheaply as the same parts can. Path number N stands under /floor/N."""
    templates = environment(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        recorded = await record(settings, paths)
        app.state.pages = [recorded[path] for path in paths]
        app.state.reader = read_engine(settings.database_read_url)
        yield
        await app.state.reader.dispose()

    @get("/floor/{number:int}", media_type=HTML)
    async def show(number: int, state: State) -> Response[bytes]:
        page: Recorded = state.pages[number]
        reader: AsyncEngine = state.reader
        async with reader.connect() as connection:
            for statement, params in page.statements:
                (await connection.execute(statement, params)).all()
        return Response(templates.get_template(page.template).render(**page.context).encode(), media_type=HTML)

    return Litestar([show], lifespan=[lifespan], openapi_config=None, logging_config=None)
