"""The whole map on one screen: who may come in where, and by what rules."""

from __future__ import annotations

from litestar import Router
from litestar.di import NamedDependency, Provide

from hypermart.settings import Settings
from hypermart.web import forms
from hypermart.web.checkout import address, attempt, cart, delivery, order, payment, review
from hypermart.web.demo import mail, previews
from hypermart.web.guards import same_origin
from hypermart.web.hooks import health, payments
from hypermart.web.render import AnyRequest, Shop
from hypermart.web.store import feeds, home, lists, media, product
from hypermart.web.visit import Visit


def visit(request: AnyRequest, shop: NamedDependency[Shop]) -> Visit:
    return Visit(request, shop)


def routers(settings: Settings) -> list[Router]:
    rooms = [
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
            route_handlers=[
                cart.show_cart,
                cart.add_line,
                cart.change_cart,
                address.show_address,
                address.save_address,
                delivery.show_delivery,
                delivery.save_delivery,
                payment.show_payment,
                payment.save_payment,
                review.show_review,
                review.place,
                attempt.show_attempt,
                attempt.retry,
                order.show_order,
                order.cancel,
            ],
            guards=[same_origin],
            request_max_body_size=forms.LIMIT,
            dependencies={"visit": Provide(visit, sync_to_thread=False)},
        ),
        # Machines ask, ours and the gateway's; never cached.
        Router(path="/", route_handlers=[health.show_alive, health.show_ready, payments.take_callback]),
    ]
    if settings.mode != "production":
        # Demo shops and tests: everybody reads everybody's mail.
        mails = [mail.list_mails, mail.show_mail, mail.show_mail_html]
        samples = [previews.list_previews, previews.show_preview, previews.show_preview_html]
        rooms.append(Router(path="/", route_handlers=[*mails, *samples]))
    return rooms
