"""The home page and the pages of words."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.domain.browse.queries import content_page, home_page
from hypermart.web.caching import Public, listed
from hypermart.web.render import HTML, Answer, AnyRequest, Shop


@get("/", media_type=HTML)
async def show_home(request: AnyRequest, shop: NamedDependency[Shop]) -> Answer:
    async with shop.read() as db:
        page = await home_page(db, shop.now(), shop.currency)
    cards = [*(card for rail in page.rails for card in rail.cards), *([page.hero] if page.hero else [])]
    keys = ("menu", "home", *listed("product", sorted({card.id for card in cards})))
    return shop.page(request, "store/home.html", page, Public(keys, page.fresh_until))


@get("/pages/{slug:str}", media_type=HTML)
async def show_content(request: AnyRequest, slug: FromPath[str], shop: NamedDependency[Shop]) -> Answer:
    async with shop.read() as db:
        page = await content_page(db, slug)
    return shop.page(request, "store/content.html", page, Public(("menu", f"content:{slug}")))
