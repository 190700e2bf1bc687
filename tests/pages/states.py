"""One table: every state that a page can show, where it is, and which seed and which visitor reach it."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlencode

import httpx
import msgspec

from hypermart.demo import states as seeded
from hypermart.demo.carts import CARTS, MOON, token
from tests.parts.forms import Form, Page

FORM = {"content-type": "application/x-www-form-urlencoded"}


class Kind(StrEnum):
    HOME = "home"
    LIST = "list"
    PRODUCT = "product"
    CONTENT = "content"
    CONFLICT = "conflict"
    """409: the page, with a sentence on why it is not quite what was asked for."""
    ERROR = "error"
    PLAIN = "plain"
    """500 and 503: a file, because what makes pages is what failed."""
    REDIRECT = "redirect"
    FEED = "feed"
    STREAM = "stream"
    FILE = "file"
    """A picture or a file of the look, under an address that never changes its bytes."""
    PRIVATE = "private"
    """One visitor's own: nobody may keep it."""
    MACHINE = "machine"
    """What a load balancer asks."""


HTML = {Kind.HOME, Kind.LIST, Kind.PRODUCT, Kind.CONTENT, Kind.CONFLICT, Kind.ERROR, Kind.PLAIN, Kind.PRIVATE}
PUBLIC = {Kind.HOME, Kind.LIST, Kind.PRODUCT, Kind.CONTENT, Kind.FEED, Kind.STREAM, Kind.FILE}


class State(msgspec.Struct, frozen=True):
    name: str
    kind: Kind
    path: str
    status: int = 200
    to: str = ""
    """Where a redirect leads."""
    found: str = ""
    """An expression that finds the path on the page `path`, for addresses that carry a digest."""
    seed: str = "demo"
    """`demo`: the demo catalogue. `states`: also hypermart.demo.states. `sick`: its database is away."""

    visitor: str = ""
    """Whose cookie comes along, of a private page: a name in hypermart.demo.carts.CARTS; nobody known without one."""
    typed: tuple[str, str] = ("", "")
    """What is typed into which field of the page before its form is sent: the answer to that is the state.

    The field is the first whose name begins so. Sent by Enter, so by the form's first button.
    """

    @property
    def is_html(self) -> bool:
        return self.kind in HTML

    @property
    def is_public(self) -> bool:
        return self.kind in PUBLIC

    def address(self, shop: httpx.Client) -> str:
        if not self.found:
            return self.path
        match = re.search(self.found, shop.get(self.path).text)
        assert match, f"{self.found} is not on {self.path}"
        return match[0]

    @property
    def cookie(self) -> dict[str, str]:
        return {"cart": token(self.visitor)} if self.visitor else {}

    def answer(self, shop: httpx.Client) -> httpx.Response:
        """As a browser without scripting gets it."""
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookie.items())}
        answer = shop.get(self.address(shop), headers=headers if self.cookie else {})
        if self.is_typed:
            page, form = self._form(answer)
            fields = form.filled({form.named(self.typed[0]): self.typed[1]}, next(iter(form.buttons), None))
            answer = shop.post(page.target(form), content=urlencode(fields), headers=headers | FORM)
        shop.cookies.clear()  # the next state is another visitor's
        return answer

    def reached(self, shop: httpx.Client) -> str:
        """The path that this state asks in the end."""
        if not self.is_typed:
            return self.address(shop).partition("?")[0]
        return self._form(msgspec.structs.replace(self, typed=("", "")).answer(shop))[1].action

    @property
    def is_typed(self) -> bool:
        return bool(self.typed[0])

    def _form(self, answer: httpx.Response) -> tuple[Page, Form]:
        page = Page(answer)
        return page, next(form for form in page.forms if form.named(self.typed[0]))


def _seeded(kind: Kind, *names: str, to: str = "") -> list[State]:
    """States of hypermart.demo.states, under the names that they have there."""
    rows = {row.name: row for row in seeded.STATES}
    return [State(name, kind, rows[name].path, rows[name].status, to, seed="states") for name in names]


PAINTINGS = "/c/paintings-prints"
STATES: tuple[State, ...] = (
    State("home", Kind.HOME, "/"),
    *_seeded(Kind.LIST, "category", "category-two-pages", "category-of-all-states"),
    *_seeded(Kind.LIST, "empty-category", "category-of-one", "collection", "empty-collection"),
    State("category-leaf", Kind.LIST, "/c/flowers"),
    State("last-page", Kind.LIST, f"{PAINTINGS}?page=2"),
    State("one-filter", Kind.LIST, f"{PAINTINGS}?frame=oak-frame"),
    State("many-filters", Kind.LIST, f"{PAINTINGS}?artist=paul-cezanne&frame=oak-frame&min=10&max=500&available=1"),
    State("filtered-last-page", Kind.LIST, f"{PAINTINGS}?frame=oak-frame&page=2"),
    State("filtered-to-nothing", Kind.LIST, f"{PAINTINGS}?artist=paul-cezanne&period=14th-century"),
    State("unknown-filter-value", Kind.LIST, f"{PAINTINGS}?artist=nobody-at-all&max=cheap"),
    State("sorted", Kind.LIST, f"{PAINTINGS}?sort=price-down"),
    State("sale-collection", Kind.LIST, "/collections/sale"),
    State("search-empty", Kind.LIST, "/search"),
    State("search-hit", Kind.LIST, "/search?q=flowers"),
    State("search-one-hit", Kind.LIST, "/search?q=neptune"),
    State("search-long-list", Kind.LIST, "/search?q=print"),
    State("search-filtered-to-nothing", Kind.LIST, "/search?q=flowers&max=1"),
    State("search-nothing", Kind.LIST, "/search?q=zzzzqqqq"),
    State("search-did-you-mean", Kind.LIST, "/search?q=flwoers"),
    State("search-markup", Kind.LIST, "/search?q=%3Cscript%3Ealert(1)%3C/script%3E"),
    State("search-very-long", Kind.LIST, "/search?q=" + "Donaudampfschifffahrt" * 9),
    *_seeded(Kind.PRODUCT, "product", "sold-out", "low-stock", "single-variant", "hundred-variants"),
    *_seeded(Kind.PRODUCT, "chosen-variant", "sold-out-variant", "long-title", "right-to-left", "cjk"),
    *_seeded(Kind.PRODUCT, "no-picture", "on-sale", "sale-soon", "price-range", "bare", "markup-in-title"),
    *_seeded(Kind.PRODUCT, "made-to-order"),
    State("product-variants", Kind.PRODUCT, "/p/summer-flowers?v=AP004-M-O"),
    State("version-not-made", Kind.CONFLICT, "/p/summer-flowers?option1=30+%C3%97+40+cm&option2=Gold", 409),
    State("about", Kind.CONTENT, "/pages/about"),
    State("delivery", Kind.CONTENT, "/pages/delivery"),
    State("returns", Kind.CONTENT, "/pages/returns"),
    State("terms", Kind.CONTENT, "/pages/terms"),
    State("privacy", Kind.CONTENT, "/pages/privacy"),
    State("accessibility", Kind.CONTENT, "/pages/accessibility"),
    State("cart-empty", Kind.PRIVATE, "/cart"),
    *(State(f"cart-{name}", Kind.PRIVATE, "/cart", seed="states", visitor=name) for name in CARTS),
    State("cart-export", Kind.PRIVATE, "/cart?country=US", seed="states", visitor="typical"),
    State("cart-unknown-country", Kind.PRIVATE, "/cart?country=ZZ", seed="states", visitor="one"),
    State("cart-added", Kind.PRIVATE, f"/cart?added={MOON}", seed="states", visitor="one"),
    State("cart-422", Kind.PRIVATE, "/cart", 422, seed="states", visitor="typical", typed=("q-", "1.5")),
    State("add-422", Kind.PRIVATE, "/p/full-moon", 422, typed=("quantity", "0")),
    *_seeded(Kind.ERROR, "archived", "scheduled", "draft", "missing"),
    State("no-such-address", Kind.ERROR, "/nothing/here", 404),
    State("no-such-category", Kind.ERROR, "/c/nothing-here", 404),
    State("no-such-version", Kind.ERROR, "/p/summer-flowers?v=nope", 404),
    State("page-beyond-end", Kind.ERROR, f"{PAINTINGS}?page=3", 404),
    State("server-error", Kind.PLAIN, "/broken", 500, seed="sick"),
    State("database-away", Kind.PLAIN, "/", 503, seed="sick"),
    *_seeded(Kind.REDIRECT, "moved", to="/p/state-new-earth"),
    State("trailing-slash", Kind.REDIRECT, "/c/space/?page=2", 301, "/c/space?page=2"),
    State("empty-fields", Kind.REDIRECT, "/c/space?min=&max=&sort=featured", 303, "/c/space"),
    State("sku-search", Kind.REDIRECT, "/search?q=ap004-m-o", 303, "/p/summer-flowers?v=AP004-M-O"),
    State(
        "options-chosen",
        Kind.REDIRECT,
        "/p/state-range?option1=Large",
        303,
        "/p/state-range?v=ST-RANGE-L",
        seed="states",
    ),
    State("robots", Kind.FEED, "/robots.txt"),
    State("sitemap-index", Kind.FEED, "/sitemap.xml"),
    State("sitemap-pages", Kind.FEED, "/sitemaps/pages.xml"),
    State("sitemap-products", Kind.FEED, "/sitemaps/products-1.xml"),
    State("product-feed", Kind.STREAM, "/feeds/products.xml"),
    State("picture", Kind.FILE, "/", found=r"/media/originals/[\w./-]+"),
    State("stylesheet", Kind.FILE, "/", found=r"/static/\w+/css/\w+\.css"),
    State("script", Kind.FILE, "/", found=r"/static/\w+/js/\w+\.js"),
    State("font", Kind.FILE, "/", found=r"/static/\w+/fonts/[\w.-]+"),
    State("alive", Kind.MACHINE, "/livez"),
    State("ready", Kind.MACHINE, "/readyz"),
)
HTML_STATES = tuple(state for state in STATES if state.is_html)
