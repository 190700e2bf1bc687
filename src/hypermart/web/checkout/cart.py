"""The cart: its page, what can be changed on it, and putting something in from a product's page."""

from __future__ import annotations

import secrets
from functools import partial
from urllib.parse import urlencode

from litestar import get, post
from litestar.di import NamedDependency

from hypermart.db.session import WriteSession
from hypermart.domain.browse.frame import frame
from hypermart.domain.browse.pages import Frame
from hypermart.domain.browse.product import Wanted, product_page
from hypermart.domain.cart import actions
from hypermart.domain.cart.owned import merge_of
from hypermart.domain.cart.pages import Added
from hypermart.domain.cart.queries import offer
from hypermart.domain.cart.rules import MOST
from hypermart.domain.customers.address_rules import country_choices
from hypermart.domain.customers.queries import CustomerView
from hypermart.domain.orders import joining
from hypermart.domain.orders.own_cart import own_cart
from hypermart.domain.shipping.queries import countries
from hypermart.errors import NotFound
from hypermart.metrics import LINES_ADDED
from hypermart.web.checkout.cart_page import Asked, CartPage, Done, cart_page
from hypermart.web.forms import Form, whole
from hypermart.web.render import HTML, Answer, Shop
from hypermart.web.visit import CartNews, Template, Visit, hash_of

CART = Template("checkout/cart.html", "checkout/_cart.html")
ADD = Template("store/product.html", "store/_add.html")
QUANTITY = "quantity"
"""The field of the add-to-cart form. On the cart's page each line has its own, q- and its id."""


@get("/cart", media_type=HTML)
async def show_cart(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    query = visit.request.query_params
    page, around = await _read(visit, shop, Done(added=query.get("added", ""), is_limited="limited" in query))
    merge = None
    if visit.session.id:  # guests have one cart
        async with shop.db.fresh() as db:
            merge = await merge_of(db, visit.token_hash)
    return visit.show(CART, page, count=page.count, frame=around, merge=merge)


@post("/cart/lines", media_type=HTML, status_code=200)
async def add_line(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    """Needs no form token, so that the pages of products can be cached."""
    form = await visit.form(needs_token=False)
    variant_id = whole(form.text("variant"), 1, 999_999_999)
    if variant_id is None:
        raise NotFound("variant")
    quantity = _quantity(form, QUANTITY, least=1)
    if quantity is None:
        return await _asked_again(visit, shop, variant_id, form, 422)
    owner = await visit.customer()
    try:
        added = await shop.db.retried(partial(_put_in, visit, owner, (variant_id, quantity)))
    except actions.CannotAdd as no:
        form.problems[QUANTITY] = str(no)
        return await _asked_again(visit, shop, variant_id, form, 409)
    LINES_ADDED.inc()
    query = {"added": added.sku} | ({"limited": "1"} if added.added < added.wanted else {})
    extra = {"added": added, "variant_id": variant_id, "form": Form([])}
    visit.renew()
    news = CartNews(added.cart, added.version, added.count, added.subtotal)
    return visit.changed(ADD, added, news, otherwise=f"/cart?{urlencode(query)}", **extra)


@post("/cart", media_type=HTML, status_code=200)
async def change_cart(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    """All of the page's quantities, and what the pressed button says: update, or remove, save or unsave a line.

    A script that changes one quantity by itself says so (ONE): its shopper has not looked the whole page through.
    """
    form = await visit.form()
    op, _, number = form.text("op").partition("-")
    quantities = _quantities(form, is_strict=op not in LINE_ACTIONS)
    if form.problems:
        page, around = await _read(visit, shop, Done(refused=form))
        return visit.show(CART, page, status=422, count=page.count, frame=around)
    change = partial(_change, visit.token_hash, quantities, (op, whole(number, 1, 999_999_999) or 0), shop)
    said = await shop.db.retried(change)
    page, around = await _read(visit, shop, Done(said))
    if page.cart:
        visit.renew()
    return visit.changed(CART, page, page.news, otherwise="/cart", frame=around)


@post("/cart/partings", status_code=200)
async def part_carts(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    """The two carts that became one at sign-in are two again; the browser has what it had before."""
    form = await visit.form()
    token = secrets.token_urlsafe(32)
    if not form.problems:
        new_hash = hash_of(token)
        if await shop.db.retried(lambda db: joining.part_carts(db, visit.token_hash, new_hash, shop.now())):
            visit.take(token)
    return visit.leave("/cart", count=await visit.count())


ONE = "one"
LINE_ACTIONS = {
    "remove": (actions.remove_line, "removed"),
    "save": (actions.save_line, "saved for later"),
    "unsave": (actions.unsave_line, "moved to your cart"),
}


async def _put_in(visit: Visit, owner: CustomerView | None, what: tuple[int, int], db: WriteSession) -> Added:
    """In the visitor's open cart, else in a new one: of the customer who is signed in, or of a guest."""
    now = visit.shop.now()
    added = await actions.add_line(db, visit.token_hash, *what, now) if visit.token else None
    if added is None and owner:
        added = await actions.add_line(db, visit.take(visit.own_token(owner)), *what, now)
        return added or await actions.add_first_line(db, actions.Holder(visit.token_hash, owner.id), *what, now)
    return added or await actions.add_first_line(db, actions.Holder(visit.mint()), *what, now)


async def _change(
    token_hash: str, quantities: dict[int, int], asked: tuple[str, int], shop: Shop, db: WriteSession
) -> str:
    """Gives what was done, in words. Prices count as seen only when the shopper sends the whole page."""
    op, line_id = asked
    now = shop.now()
    accepts_prices = op != ONE and op not in LINE_ACTIONS
    await actions.change_quantities(db, token_hash, quantities, now, accepts_prices=accepts_prices)
    if op not in LINE_ACTIONS:
        return "Cart updated."
    act, done = LINE_ACTIONS[op]
    title = await act(db, token_hash, line_id, now)
    return f"{title} {done}." if title else ""


def _quantities(form: Form, *, is_strict: bool) -> dict[int, int]:
    """By line. What is no number is a problem if `is_strict`, else passed over: somebody else's line is at stake."""
    found = {}
    for name in dict.fromkeys(name for name, _ in form.fields if name.startswith("q-")):
        line_id = whole(name.removeprefix("q-"), 1, 999_999_999)
        quantity = _quantity(form, name, least=0)
        if line_id and quantity is not None:
            found[line_id] = quantity
        elif not is_strict:
            form.problems.pop(name, None)
    return found


def _quantity(form: Form, name: str, least: int) -> int | None:
    """The one whole number in the field; None, with the problem noted, for anything else."""
    text, given = form.text(name), form.values(name)
    quantity = whole(text, least, MOST) if len(given) == 1 else None
    if quantity is None:
        form.problems[name] = f"Enter a whole number from {least} to {MOST}, in digits"
    return quantity


async def _read(visit: Visit, shop: Shop, done: Done) -> tuple[CartPage, Frame]:
    """The visitor's cart, and what stands around its page."""
    wanted = visit.request.query_params.get("country", "").upper()
    async with shop.db.fresh() as db:
        codes = await countries(db)
        country = wanted if wanted in codes else ""
        cart = await own_cart(db, visit.token_hash, shop.terms, shop.now(), country=country)
        around = await frame(db)
    asked = Asked(country, country_choices(shop.settings.locale, codes), bool(wanted and not country))
    return cart_page(cart, asked, around, shop.settings, done), around


async def _asked_again(visit: Visit, shop: Shop, variant_id: int, form: Form, status: int) -> Answer:
    """The product's page, or its form alone, with what is wrong and what was typed. Raises NotFound."""
    async with shop.db.fresh() as db:
        wanted = await offer(db, variant_id, shop.now())
        page = await product_page(db, wanted.slug, Wanted(wanted.sku), shop.now(), shop.currency)
    offered = variant_id if page.chosen.is_available else None
    return visit.page(ADD, page, status=status, structured=None, form=form, variant_id=offered)
