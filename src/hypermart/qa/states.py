"""One table: every state that a page can show, where it is, and which seed and which visitor reach it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypermart.demo import states as seeded
from hypermart.demo.carts import CARTS, MOON
from hypermart.demo.checkouts import attempt_key
from hypermart.qa.state import HTML, PUBLIC, Kind, State
from hypermart.qa.states_accounts import accounts, order_path, staff

__all__ = ["HTML", "HTML_STATES", "PUBLIC", "STATES", "Kind", "State"]


def _seeded(kind: Kind, *names: str, to: str = "") -> list[State]:
    """States of hypermart.demo.states, under the names that they have there."""
    rows = {row.name: row for row in seeded.STATES}
    return [State(name, kind, rows[name].path, rows[name].status, to, seed="states") for name in names]


def _step(name: str, step: str, visitor: str, status: int = 200, **typed: str) -> State:
    sends = "" if status == 200 else "/checkout/orders" if step == "review" else f"/checkout/{step}"
    return State(
        name, Kind.PRIVATE, f"/checkout/{step}", status, seed="states", visitor=visitor, typed=typed, sends=sends
    )


def _order(number: int, name: str, more: str = "") -> State:
    return State(f"order-{name}", Kind.PRIVATE, f"{order_path(number)}{more}", seed="states")


def _attempt(name: str, seed: str = "states") -> State:
    path = f"/checkout/attempts/{attempt_key(name)}"
    return State(f"attempt-{name}", Kind.PRIVATE, path, seed=seed, visitor=name)


def _mail(name: str, subject: str) -> Iterator[State]:
    """A mail whose subject begins so: as the mailbox shows it, and its HTML part."""
    found = rf'/mail/[0-9a-f]{{32}}(?="><bdi>{subject} )'
    yield State(f"mail-{name}", Kind.PRIVATE, "/mail", found=found, seed="states")
    yield State(f"mail-{name}-html", Kind.MAIL, "/mail", found=found, more="/html", seed="states")


def _bank() -> Iterator[State]:
    def page(name: str, **more: Any) -> State:
        return State(name, Kind.BANK, _attempt("paying").path, found=r"/bogus/pay/[\w-]+", seed="states", **more)

    yield page("bank")
    yield page("bank-422", status=422, sends="/pay/", typed={"outcome": "nothing"})
    yield page("bank-challenge", more="/challenge")
    yield State("bank-unknown", Kind.BANK, "/bogus/pay/nothing", 404)


def _checkout() -> Iterator[State]:
    """Visitors of hypermart.demo.checkouts, on the pages that they have come to."""
    yield _step("address", "address", "at-address")
    yield _step("address-us", "address", "at-address-abroad")
    yield _step("address-without-postcode", "address", "at-address-without-postcode")
    yield _step("address-again", "address", "at-address-again")
    yield _step("address-422", "address", "at-address", 422, email="no address")
    yield _step("delivery-step", "delivery", "at-delivery")
    yield _step("delivery-nowhere", "delivery", "at-delivery-nowhere")
    yield _step("delivery-422", "delivery", "at-delivery", 422)
    yield _step("payment", "payment", "at-payment")
    yield _step("payment-422", "payment", "at-payment", 422)
    for name in ("at-review", "at-review-changed", "at-review-long", "at-review-export"):
        yield _step(name.removeprefix("at-"), "review", name)
    yield _step("review-422", "review", "at-review", 422)
    yield State(
        "review-409",
        Kind.PRIVATE,
        "/checkout/review",
        409,
        seed="states",
        visitor="at-review-changed",
        sends="/checkout/orders",
        typed={"total": "1990", "terms": "1"},
    )
    yield from map(_attempt, ("declined", "not-finished", "voided", "paying", "waiting"))
    yield _attempt("superseded", "unpaid")
    yield State("attempt-bank-away", Kind.PRIVATE, _attempt("paying").path, seed="unpaid", visitor="paying")
    yield State(
        "attempt-placed", Kind.REDIRECT, _attempt("paid").path, 303, f"{_order(1001, '').path}&new=1", seed="states"
    )
    yield State(
        "attempt-too-late", Kind.REDIRECT, _attempt("paid-earlier").path, 303, "/cart", seed="states", sends="/retries"
    )
    yield State("attempt-unknown", Kind.ERROR, "/checkout/attempts/nothing", 404)
    yield _order(1001, "paid")
    yield _order(1002, "transfer", "&new=1")
    yield _order(1002, "to-be-cancelled", "&cancel=1")
    yield _order(1003, "invoice")
    yield _order(1004, "collecting", "&new=1")
    yield _order(1005, "export")
    yield _order(1006, "cancelled")
    yield State("order-wrong-link", Kind.ERROR, "/orders/1001?t=wrong", 404, seed="states")
    yield State(
        "order-not-cancelled",
        Kind.ERROR,
        _order(1002, "", "&cancel=1").path,
        404,
        seed="states",
        typed={"t": "wrong"},
        sends="/cancellations",
    )


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
    State("cart-422", Kind.PRIVATE, "/cart", 422, seed="states", visitor="typical", typed={"q-": "1.5"}),
    *_checkout(),
    *accounts(),
    *staff(),
    State("mailbox", Kind.PRIVATE, "/mail", seed="states"),
    State("mailbox-empty", Kind.PRIVATE, "/mail", seed="unsold"),
    State("mail-samples", Kind.PRIVATE, "/mail/previews"),
    State("mail-sample", Kind.PRIVATE, "/mail/previews/mail_reset"),
    State("mail-sample-html", Kind.MAIL, "/mail/previews/mail_reset/html"),
    *_mail("paid", "Your order 1001"),
    *_mail("transfer", "Your order 1002"),
    *_mail("long", "Your order 1003"),
    *_mail("pickup", "Your order 1004"),
    *_mail("failed", "Your payment at"),
    *_mail("reminder", "Order 1002"),
    *_mail("welcome", "Your account at"),
    *_mail("account-exists", "You already have"),
    *_mail("password-changed", "Your password at"),
    State("mail-unknown", Kind.ERROR, f"/mail/{'0' * 32}", 404),
    *_bank(),
    State("add-422", Kind.PRIVATE, "/p/full-moon", 422, typed={"quantity": "0"}),
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
    State("ready-to-write", Kind.MACHINE, "/readyz/write"),
)
HTML_STATES = tuple(state for state in STATES if state.is_html)
