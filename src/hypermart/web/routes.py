"""The whole map on one screen: who may come in where, and by what rules."""

from __future__ import annotations

from litestar import Router
from litestar.di import NamedDependency, Provide

from hypermart.web.guards import same_origin
from hypermart.web.hooks import health
from hypermart.web.render import AnyRequest, Shop
from hypermart.web.store import feeds, home, lists, media, product
from hypermart.web.visit import Visit


def visit(request: AnyRequest, shop: NamedDependency[Shop]) -> Visit:
    return Visit(request, shop)


def routers() -> list[Router]:
    return [
        # Public. The same bytes for everybody: GET only, no session, read from the replica, cached by browser and CDN.
        Router(
            path="/",
            route_handlers=[
                home.show_home,
                home.show_content,
                lists.show_category,
                lists.show_collection,
                lists.show_search,
                product.show_product,
                feeds.show_robots,
                feeds.show_sitemap_index,
                feeds.show_sitemap,
                feeds.show_product_feed,
                media.show_picture,
                media.show_asset,
            ],
        ),
        # Private. One visitor's own: reads the primary, never kept, forms of our own pages only.
        Router(
            path="/",
            route_handlers=[],
            guards=[same_origin],
            dependencies={"visit": Provide(visit, sync_to_thread=False)},
        ),
        # Asked by machines of ours; never cached.
        Router(path="/", route_handlers=[health.show_alive, health.show_ready]),
    ]
