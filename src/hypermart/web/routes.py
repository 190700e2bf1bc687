"""The whole map on one screen: who may come in where, and by what rules."""

from __future__ import annotations

from litestar import Router
from litestar.di import NamedDependency, Provide

from hypermart.settings import Settings
from hypermart.web import forms
from hypermart.web.account import addresses, overview, password, register, reset, shown, sign_in
from hypermart.web.checkout import address, attempt, cart, delivery, order, payment, review
from hypermart.web.demo import mail, previews
from hypermart.web.guards import same_origin
from hypermart.web.hooks import health, payments
from hypermart.web.render import AnyRequest, Shop
from hypermart.web.staff import dashboard, queue
from hypermart.web.staff import shown as staff
from hypermart.web.staff import sign_in as staff_sign_in
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
                cart.part_carts,
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
                sign_in.show_sign_in,
                sign_in.sign_in,
                sign_in.sign_out,
                register.show_register,
                register.open_account,
                reset.show_forgotten,
                reset.send_reset,
                reset.show_reset,
                reset.reset,
            ],
            guards=[same_origin],
            request_max_body_size=forms.LIMIT,
            dependencies={"visit": Provide(visit, sync_to_thread=False)},
        ),
        # Private, and only for a customer who is signed in: their own, whatever is asked for by number.
        Router(
            path="/",
            route_handlers=[
                overview.show_account,
                overview.show_orders,
                overview.open_order,
                addresses.show_addresses,
                addresses.show_new_address,
                addresses.add_address,
                addresses.show_address,
                addresses.change_address,
                addresses.choose_address,
                password.show_password,
                password.change_password,
            ],
            guards=[same_origin],
            request_max_body_size=forms.LIMIT,
            dependencies={"visit": Provide(visit, sync_to_thread=False), "customer": Provide(shown.signed_in)},
            exception_handlers={shown.SignInFirst: shown.to_sign_in},
        ),
        # Staff: a cookie of its own, which browsers send nowhere else. No page of the shop leads here.
        Router(
            path="/",
            route_handlers=[staff_sign_in.show_sign_in, staff_sign_in.sign_in, staff_sign_in.sign_out],
            guards=[same_origin],
            request_max_body_size=forms.LIMIT,
            dependencies={"visit": Provide(staff.staff_visit, sync_to_thread=False)},
        ),
        Router(
            path="/",
            route_handlers=[dashboard.show_dashboard, queue.show_queue, queue.show_row, queue.retry],
            guards=[same_origin],
            request_max_body_size=forms.LIMIT,
            dependencies={
                "visit": Provide(staff.staff_visit, sync_to_thread=False),
                "person": Provide(staff.signed_in),
            },
            exception_handlers={staff.StaffOnly: staff.to_sign_in},
        ),
        # Machines ask, ours and the gateway's; never cached.
        Router(
            path="/",
            route_handlers=[health.show_alive, health.show_ready, health.show_ready_to_write, payments.take_callback],
        ),
    ]
    if settings.mode != "production":
        # Demo shops and tests: everybody reads everybody's mail.
        mails = [mail.list_mails, mail.show_mail, mail.show_mail_html]
        samples = [previews.list_previews, previews.show_preview, previews.show_preview_html]
        rooms.append(Router(path="/", route_handlers=[*mails, *samples]))
    return rooms
