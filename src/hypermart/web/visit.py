"""A visitor: cart cookie, badge cookie, who is signed in, and the forms of that visitor's pages."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import msgspec

from hypermart.domain.cart.owned import own_token
from hypermart.domain.cart.queries import cart_count, is_open
from hypermart.domain.customers.queries import CustomerView, customer
from hypermart.web import csrf
from hypermart.web.caching import NO_STORE
from hypermart.web.forms import STALE, Form, parsed
from hypermart.web.render import HTML, Answer, AnyRequest, Shop
from hypermart.web.sessions import ACCOUNT, Room, Session

BADGE = "cart_n"
KEPT = 30 * 24 * 3600
"""Seconds a cart's cookie lives after the last change: as long as the cart (cart/rules.py)."""
TOKEN_FIELD = "form_token"  # noqa: S105  (the name of a field)


class Template(msgspec.Struct, frozen=True):
    """A page, and the file of the region of it that htmx may ask for."""

    page: str
    region: str = ""


class CartNews(msgspec.Struct, frozen=True):
    """What everybody on the page, and in other tabs, is told of a cart that has changed: the event shop:cart."""

    cart: int
    version: int
    count: int
    total: int
    """Of the goods, in minor units."""


class Elsewhere(msgspec.Struct, frozen=True):
    """Where something must be seen to first."""

    url: str


def hash_of(token: str) -> str:
    """What the database knows a cart cookie by."""
    return hashlib.sha256(token.encode()).hexdigest()


class Visit:
    """One request of one visitor. What it sets on the way is written into the answer by finish()."""

    def __init__(self, request: AnyRequest, shop: Shop, room: Room = ACCOUNT) -> None:
        self.request, self.shop = request, shop
        self.session = Session(request, shop, room)
        self._is_https = shop.settings.base_url.startswith("https:")
        self._cookie = "__Host-cart" if self._is_https else "cart"
        self.token = request.cookies.get(self._cookie, "")[:100]
        self._is_new = False

    @property
    def token_hash(self) -> str:
        """What the database knows the cart by."""
        return hash_of(self.token)

    def mint(self) -> str:
        """Gives this visitor a cart cookie of our making, whatever the browser had; returns its hash."""
        return self.take(secrets.token_urlsafe(32))

    def take(self, token: str) -> str:
        """This browser's cart cookie is `token`, none where that is empty; returns its hash."""
        self.token, self._is_new = token, True
        return self.token_hash

    async def customer(self) -> CustomerView | None:
        """Who is signed in; None for guests. Costs those nothing."""
        known = await self.session.who() if self.session.id else None
        if known is None:
            return None
        async with self.shop.db.fresh() as db:
            found = await customer(db, known.person)
        return found if found and found.epoch == known.epoch else None

    def own_token(self, customer: CustomerView) -> str:
        """The cart cookie of all browsers of `customer`."""
        return own_token(self.shop.secret, customer.id, customer.epoch)

    def renew(self) -> None:
        """The cookie lives on as long as the cart that was just changed."""
        self._is_new = True

    async def known_hash(self) -> str:
        """The hash of the open cart that this browser has, else of a cookie that is minted for it."""
        async with self.shop.db.fresh() as db:
            is_known = await is_open(db, self.token_hash, self.shop.now())
        return self.token_hash if is_known else self.mint()

    async def count(self) -> int:
        """Pieces in this visitor's open cart now."""
        async with self.shop.db.fresh() as db:
            return await cart_count(db, self.token_hash, self.shop.now())

    @property
    def is_partial(self) -> bool:
        """htmx asks for a region; a history restore sends HX-Request too, but wants the page."""
        return self.request.headers.get("hx-request-type") == "partial"

    @property
    def wants_json(self) -> bool:
        return self.request.headers.get("accept", "").startswith("application/json")

    async def form(self, *, needs_token: bool = True) -> Form:
        """What was posted. Without a valid token, where the browser says nothing of its origin, the form is stale."""
        form = parsed(await self.request.body())
        came_from = csrf.origin(self.request.headers, self.shop.settings.base_url)
        if came_from == "unknown" and needs_token:
            given = form.text(TOKEN_FIELD)
            now = self.shop.now().timestamp()
            if not any(csrf.is_valid(given, self.shop.secret, cookie, now) for cookie in (self.session.id, self.token)):
                form.problems[""] = STALE
        return form

    def page(
        self, template: Template, view: Any, *, status: int = 200, count: int | None = None, **extra: Any
    ) -> Answer:
        """A private page, or the region of it that htmx asked for. `count`: pieces in the cart, if known."""
        name = template.region if template.region and self.is_partial else template.page
        path = self.request.scope["path"]
        body = self.shop.render(name, view, path=path, form_token=self._token(), visit=self, cart_count=count, **extra)
        answer = Answer(body, media_type=HTML, status_code=status, headers={"cache-control": NO_STORE})
        return self.finish(answer, count)

    def show(
        self, template: Template, view: msgspec.Struct, *, status: int = 200, count: int | None = None, **extra: Any
    ) -> Answer:
        """The page, the region of it for htmx, or for an island the struct that both are made of."""
        if self.wants_json:
            return self.told(view, status, count)
        return self.page(template, view, status=status, count=count, **extra)

    def changed(
        self, template: Template, view: msgspec.Struct, news: CartNews, *, otherwise: str, **extra: Any
    ) -> Answer:
        """After a change: the region for htmx, the struct for an island, else 303 to `otherwise`, a private page.

        `news` of the cart become an event on the page: htmx raises it, the island does so by itself.
        """
        if self.wants_json:
            return self.told(view, 200, news.count)
        if self.is_partial and template.region:
            answer = self.page(template, view, count=news.count, **extra)
            answer.headers["hx-trigger"] = msgspec.json.encode({"shop:cart": news}).decode()
            return answer
        return self.finish(self.shop.see_other(otherwise), news.count)

    def astray(self, url: str) -> Answer:
        """Something else must be seen to first, at `url`. An island leaves that to the form, so to the browser."""
        if self.wants_json:
            return self.told(Elsewhere(url), 409, None)
        return self.leave(url)

    def told(self, view: msgspec.Struct, status: int, count: int | None) -> Answer:
        """The struct as JSON."""
        body, headers = msgspec.json.encode(view), {"cache-control": NO_STORE}
        return self.finish(Answer(body, media_type="application/json", status_code=status, headers=headers), count)

    def leave(self, url: str, count: int | None = None) -> Answer:
        """To another page: htmx is told so (it must never be answered with 303), browsers are sent there."""
        answer = self.shop.see_other(url)
        if self.is_partial:
            headers = {"hx-redirect": url, "cache-control": NO_STORE}
            answer = Answer(b"", media_type=HTML, status_code=204, headers=headers)
        return self.finish(answer, count)

    def finish(self, answer: Answer, count: int | None) -> Answer:
        answer.headers.setdefault("vary", "HX-Request-Type, Accept")
        answer.headers.setdefault("referrer-policy", "same-origin")  # addresses here hold secrets
        if self._is_new:
            age = KEPT if self.token else 0
            answer.set_cookie(
                self._cookie, self.token, max_age=age, path="/", secure=self._is_https, httponly=True, samesite="lax"
            )
        self.session.finish(answer)
        if count is not None and self.request.cookies.get(BADGE, "0") != str(count):
            answer.set_cookie(BADGE, str(count), max_age=KEPT, path="/", secure=self._is_https, samesite="lax")
        return answer

    def _token(self) -> str:
        """Bound to the session, which a new sign-in replaces, else to the cart."""
        return csrf.token(self.shop.secret, self.session.id or self.token, self.shop.now().timestamp())
