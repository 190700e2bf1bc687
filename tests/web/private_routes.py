"""The private routes of the shop as its own table has them, and what each must be sent to do its work."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from hypermart.qa.forms import Page
from hypermart.web.csrf import SAFE
from hypermart.web.guards import same_origin
from tests.faults.buying import Shopper
from tests.parts.selling import FLOWERS, SellingShop


class Route(msgspec.Struct, frozen=True, order=True):
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Door(msgspec.Struct, frozen=True):
    """How an unsafe route is come to: the page with its form, and what is typed there."""

    page: str
    typed: dict[str, str] = {}
    needs_token: bool = True
    """Not where the form has a secret of its own, or stands on pages that are cached."""
    is_link: bool = False
    """Its secret opens it in any browser."""


DOORS = {
    Route("POST", "/cart/lines"): Door("/p/summer-flowers?v=AP004-S-U", needs_token=False),
    Route("POST", "/cart"): Door("/cart", {"q-": "3"}),
    Route("POST", "/checkout/address"): Door("/checkout/address", {"name": "Countess of Lovelace"}),
    Route("POST", "/checkout/delivery"): Door("/checkout/delivery", {"delivery": "express"}),
    Route("POST", "/checkout/payment"): Door("/checkout/payment", {"payment": "invoice"}),
    Route("POST", "/checkout/orders"): Door("/checkout/review", {"terms": "yes"}),
    Route("POST", "/checkout/attempts/{key:str}/retries"): Door(
        "/checkout/attempts/{key:str}", {}, False, is_link=True
    ),
    Route("POST", "/orders/{number:int}/cancellations"): Door(
        "/orders/{number:int}?t={t}&cancel=1", {}, False, is_link=True
    ),
}
#: Private pages.
PAGES = {
    Route("GET", path)
    for path in (
        "/cart",
        "/checkout/address",
        "/checkout/delivery",
        "/checkout/payment",
        "/checkout/review",
        "/checkout/attempts/{key:str}",
        "/orders/{number:int}",
    )
}
#: Of accounts and of staff: walked in tests/account/test_private_walk.py, for they need a sign-in.
ACCOUNT = {
    Route("GET", "/account/sign-in"),
    Route("GET", "/account/register"),
    Route("GET", "/account"),
    Route("GET", "/account/orders"),
    Route("GET", "/account/orders/{number:int}"),
    Route("GET", "/account/addresses"),
    Route("GET", "/account/addresses/new"),
    Route("GET", "/account/addresses/{id_:int}"),
    Route("GET", "/account/password"),
    Route("GET", "/account/forgotten"),
    Route("GET", "/account/resets/{token:str}"),
    Route("GET", "/staff/sign-in"),
    Route("GET", "/staff"),
    Route("GET", "/staff/queue"),
    Route("GET", "/staff/queue/{id_:int}"),
}
ACCOUNT_DOORS = {
    Route("POST", "/account/sign-in"): Door("/account/sign-in"),
    Route("POST", "/account/register"): Door("/account/register"),
    Route("POST", "/account/sign-out"): Door("/account"),
    Route("POST", "/account/resets/{token:str}"): Door("/account/resets/{token:str}"),
    Route("POST", "/account/addresses"): Door("/account/addresses/new"),
    Route("POST", "/account/addresses/{id_:int}"): Door("/account/addresses/{id_:int}"),
    Route("POST", "/account/addresses/{id_:int}/choices"): Door("/account/addresses"),
    Route("POST", "/account/password"): Door("/account/password"),
    Route("POST", "/staff/sign-in"): Door("/staff/sign-in"),
    Route("POST", "/staff/sign-out"): Door("/staff"),
    Route("POST", "/staff/queue/retries"): Door("/staff/queue"),
    Route("POST", "/cart/partings"): Door("/cart"),
}
#: Changes nothing but what the outbox owes (tests/account/test_reset.py).
OWES = {Route("POST", "/account/forgotten")}
#: Takes no browser's forms: who may send there proves it by a signature.
SIGNED = {Route("POST", "/hooks/payments")}


def handlers(app: Litestar) -> Iterator[tuple[Route, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    if method != "OPTIONS":
                        yield Route(str(method), route.path), handler


def private(app: Litestar) -> set[Route]:
    """All behind the guard of forms, and all that know their visitor."""
    return {
        route for route, handler in handlers(app) if _is_guarded(handler) or "visit" in handler.resolve_dependencies()
    }


def unguarded(app: Litestar) -> set[Route]:
    """Unsafe, and open to forms of other sites."""
    return {route for route, handler in handlers(app) if route.method not in SAFE and not _is_guarded(handler)}


def _is_guarded(handler: HTTPRouteHandler) -> bool:
    return any(getattr(guard, "func", guard) is same_origin for guard in handler.resolve_guards())


class Visited(msgspec.Struct, frozen=True):
    """One shopper who has been everywhere: an order to be paid later, a payment that was declined, a full cart."""

    shopper: Shopper
    phone: Shopper
    """Another browser of theirs, which has been nowhere."""
    number: str
    token: str
    key: str

    def address(self, path: str) -> str:
        known = {"{number:int}": self.number, "{key:str}": self.key, "{t}": self.token}
        return re.sub(r"\{[^}]*\}", lambda found: known[found[0]], path)

    async def fields(self, route: Route) -> list[tuple[str, str]]:
        """The form of the page that sends to `route`, filled; without its token."""
        door = DOORS[route]
        page = await self.shopper.visit(self.address(door.page))
        form = next(form for form in page.forms if form.method == "post" and self._is_for(form.action, route, page))
        typed = {form.named(name) or name: value for name, value in door.typed.items()}
        press = next((button for button in form.buttons if button[1] == "update"), None)
        return [(name, value) for name, value in form.filled(typed, press) if name != "form_token"]

    def _is_for(self, action: str, route: Route, page: Page) -> bool:
        return (action or page.url).split("?")[0].endswith(self.address(route.path))


async def visited(selling: SellingShop, who: str, /, **address: str) -> Visited:
    shopper = selling.shopper(who)
    await shopper.add(await selling.variant(FLOWERS))
    order = await shopper.place(await shopper.to_review(payment="invoice", **address))
    await shopper.add(await selling.variant(FLOWERS), 2)
    declined = await shopper.pay(await shopper.place(await shopper.to_review(**address)), "do_not_honour")
    await selling.tell_bank(deliver=True)  # or else its callback comes in the middle of a test
    number, _, token = order.url.rpartition("/")[2].partition("?t=")
    key = declined.url.rpartition("/")[2]
    return Visited(shopper, selling.shopper(f"{who} on the phone"), number, token.partition("&")[0], key)
