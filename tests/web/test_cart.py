"""The cart over HTTP: with a plain form, with htmx and as JSON, and whatever is typed into it."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import func, select, update

from hypermart.db.session import Database
from hypermart.demo import carts
from hypermart.domain.cart.models import Cart, CartLine
from hypermart.domain.catalog.models import Product, Variant
from hypermart.domain.stock.models import StockLevel
from hypermart.qa.forms import Page
from tests.parts.shopping import FORM, JSON, PARTIAL, another, cart, lines, put, send, title, variant_of
from tests.web.test_cost_and_cache import counted

#: What people, machines and attackers send for a number from 1 to 999.
BAD = ["0", "-1", "1000", "1000000000", "1e9", "1.5", "1,5", "２", "٣", "NaN", "", " ", "two", "0x2", "9" * 9000]


async def test_a_plain_form_leads_to_the_cart_which_says_what_was_added(
    shopper: httpx.AsyncClient, db: Database
) -> None:
    product = Page(await shopper.get("/p/full-moon"))
    form = product.form("/cart/lines")
    assert "set-cookie" not in product.answer.headers
    assert not any(name == "form_token" for name, _ in form.fields)
    answer = await shopper.post("/cart/lines", data=dict(form.filled({"quantity": " 2 "})))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/cart?added={carts.MOON}")
    assert answer.headers["cache-control"] == "no-store"
    cookies = answer.headers.get_list("set-cookie")
    assert [re.sub("=[^;]*", "", cookie, count=1) for cookie in cookies] == [
        "cart; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax",
        "cart_n; Max-Age=2592000; Path=/; SameSite=lax",
    ]
    assert shopper.cookies["cart_n"] == "2"
    page = await cart(shopper, f"?added={carts.MOON}")
    assert "Full Moon, 21 × 30 cm, Unframed, is in your cart" in page.text
    assert "Cart (2) pieces" in page.text
    assert "€48.00" in page.text


async def test_htmx_gets_the_form_with_a_message_and_an_island_the_struct(
    shopper: httpx.AsyncClient, db: Database
) -> None:
    region = await put(shopper, db, carts.MOON, "3", **PARTIAL)
    assert region.status_code == 200
    assert region.text.lstrip().startswith('<div class="add" id="add">')
    assert 'id="added" tabindex="-1" data-autofocus' in region.text
    for words in (
        "Added: Full Moon",
        "3 pieces in your cart",
        'href="/cart"',
        'href="/checkout/address"',
        ">Continue<",
    ):
        assert words in region.text
    assert region.headers["vary"] == "HX-Request-Type, Accept"
    struct = (await put(shopper, db, **JSON)).json()
    assert (struct["sku"], struct["added"], struct["quantity"], struct["count"]) == (carts.MOON, 1, 4, 4)
    assert struct["subtotal"] == 4 * 2400


async def test_a_fragment_is_the_same_element_that_the_page_has(shopper: httpx.AsyncClient, db: Database) -> None:
    await put(shopper, db)
    whole, region = await shopper.get("/cart"), await shopper.get("/cart", headers=PARTIAL)
    assert region.text.strip() in whole.text
    assert region.text.startswith('<div class="cart" id="cart" data-island="cart" ')
    restored = await shopper.get("/cart", headers={"hx-request": "true", "hx-history-restore-request": "true"})
    assert restored.text == whole.text, "going back wants the page"


@pytest.mark.parametrize("quantity", BAD)
@pytest.mark.parametrize("headers", [{}, PARTIAL], ids=["plain", "htmx"])
async def test_a_bad_quantity_is_asked_again_and_kept(
    shopper: httpx.AsyncClient, db: Database, quantity: str, headers: dict[str, str]
) -> None:
    fields = {"variant": str(await variant_of(db, carts.MOON)), "quantity": quantity}
    answer = await shopper.post("/cart/lines", data=fields, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert 'aria-describedby="quantity-error"' in answer.text
    assert "Enter a whole number from 1 to 999, in digits" in answer.text
    kept = dict(Page(answer).form("/cart/lines").fields)
    assert kept == {"variant": fields["variant"], "quantity": quantity.strip()[:255]}
    if not headers:
        assert title(answer.text).startswith("Error: Full Moon")
        assert '<a href="#quantity">' in answer.text


@pytest.mark.parametrize("body", ["variant={}", "variant={}&quantity=1&quantity=2", "variant={}&quantity[]=1"])
async def test_a_quantity_that_is_missing_or_twice_is_asked_again(
    shopper: httpx.AsyncClient, db: Database, body: str
) -> None:
    content = body.format(await variant_of(db, carts.MOON))
    answer = await shopper.post("/cart/lines", content=content, headers=FORM)
    assert answer.status_code == 422
    assert "Enter a whole number" in answer.text


@pytest.mark.parametrize("variant", ["", "0", "-1", "999999999", "1e3", "x", "9" * 40, "1' OR 1=1"])
async def test_what_is_no_variant_is_a_page_with_a_way_on(shopper: httpx.AsyncClient, variant: str) -> None:
    answer = await shopper.post("/cart/lines", data={"variant": variant, "quantity": "1"})
    assert answer.status_code == 404
    assert "/c/space" in answer.text
    assert "set-cookie" not in answer.headers


async def test_what_is_not_for_sale_is_not_found_and_what_is_sold_out_is_a_conflict(
    shopper: httpx.AsyncClient, db: Database
) -> None:
    moon, flowers = await variant_of(db, carts.MOON), await variant_of(db, carts.FLOWERS)
    async with db.write() as session:
        await session.execute(
            update(StockLevel).where(StockLevel.variant_id == moon).values(on_hand=0, may_oversell=False)
        )
        await session.execute(update(Product).where(Product.slug == "summer-flowers").values(published_at=None))
    assert (await shopper.post("/cart/lines", data={"variant": flowers, "quantity": "1"})).status_code == 404
    plain = await put(shopper, db)
    assert plain.status_code == 409
    assert title(plain.text).startswith("Error: Full Moon")
    assert "Sold out. Somebody was faster." in plain.text
    region = await put(shopper, db, hx_request_type="partial")
    assert region.status_code == 409
    assert "Sold out. Somebody was faster." in region.text
    assert "<form" not in region.text
    async with db.fresh() as session:
        assert (await session.execute(select(func.count()).select_from(Cart))).scalar_one() == 0


async def test_fewer_than_wanted_are_added_and_it_is_said(shopper: httpx.AsyncClient, db: Database) -> None:
    moon = await variant_of(db, carts.MOON)
    async with db.write() as session:
        await session.execute(
            update(StockLevel).where(StockLevel.variant_id == moon).values(on_hand=2, may_oversell=False)
        )
    answer = await put(shopper, db, quantity="5")
    assert answer.headers["location"] == f"/cart?added={carts.MOON}&limited=1"
    assert "Only 2 left, all of them in your cart now." in (await cart(shopper, answer.headers["location"][5:])).text
    assert shopper.cookies["cart_n"] == "2"
    async with another(shopper) as second:
        region = await put(second, db, quantity="5", hx_request_type="partial")
    assert "Only 2 left, so 2 of 5 were added" in region.text
    again = await put(shopper, db)
    assert again.status_code == 409
    assert "Only 2 left, and your cart has them already." in again.text


async def test_posted_prices_are_ignored(shopper: httpx.AsyncClient, db: Database) -> None:
    fields = {"variant": await variant_of(db, carts.MOON), "quantity": 1}
    more = {"price": "1", "unit_price": "0", "total": "0", "currency": "XXX", "discount": "100", "seen_price": "1"}
    assert (await shopper.post("/cart/lines", data=fields | more)).status_code == 303
    answer = await send(shopper, more, **JSON)
    assert answer.json()["totals"]["total"] == {"minor": 2400, "currency": "EUR"}


async def test_quantities_are_changed_in_three_ways(shopper: httpx.AsyncClient, db: Database) -> None:
    await put(shopper, db)
    (field,) = await lines(shopper)
    plain = await send(shopper, {field: "2"})
    assert (plain.status_code, plain.headers["location"]) == (303, "/cart")
    assert shopper.cookies["cart_n"] == "2"
    region = await send(shopper, {field: "3"}, hx_request_type="partial")
    assert 'id="said">Cart updated. Total €72.00.<' in region.text
    assert (await send(shopper, {field: "4"}, **JSON)).json()["lines"][0]["quantity"] == 4
    empty = await send(shopper, {field: "0"}, hx_request_type="partial")
    assert "Nothing is in your cart." in empty.text
    assert shopper.cookies["cart_n"] == "0"


@pytest.mark.parametrize("quantity", [value for value in BAD if value != "0"])
async def test_a_bad_quantity_in_the_cart_changes_nothing_and_is_kept(
    shopper: httpx.AsyncClient, db: Database, quantity: str
) -> None:
    await put(shopper, db, quantity="7")
    await put(shopper, db, carts.FLOWERS)
    before = await lines(shopper)
    first, second = before
    for headers in ({}, PARTIAL):
        answer = await send(shopper, {first: quantity, second: "5"}, **headers)
        assert answer.status_code == 422
        assert f'<a href="#{first}">Full Moon: Enter a whole number from 0 to 999, in digits</a>' in answer.text
        kept = dict(Page(answer).form("/cart").fields)
        assert (kept[first], kept[second]) == (quantity.strip()[:255], "5")
        assert title(answer.text).startswith("Error: ") if not headers else "data-autofocus" in answer.text
    assert await lines(shopper) == before


async def test_rubbish_for_a_line_that_went_in_another_tab_is_said_to_be_late(
    shopper: httpx.AsyncClient, db: Database
) -> None:
    await put(shopper, db)
    await put(shopper, db, carts.FLOWERS)
    first, second = await lines(shopper)
    await send(shopper, {first: "0"})
    answer = await send(shopper, {first: "rubbish", second: "4"})
    assert answer.status_code == 422
    assert "Your cart has changed in the meantime." in answer.text
    assert (await send(shopper, {first: "5", second: "4"})).status_code == 303
    assert await lines(shopper) == {second: "4"}


async def test_lines_are_removed_saved_and_taken_back(shopper: httpx.AsyncClient, db: Database) -> None:
    await put(shopper, db)
    await put(shopper, db, carts.FLOWERS)
    first, second = await lines(shopper)
    id_ = first.removeprefix("q-")
    saved = await send(shopper, {first: "rubbish", second: "3"}, f"save-{id_}", **PARTIAL)
    assert 'id="said">Full Moon saved for later. Total €279.00.<' in saved.text.replace(", 21 × 30 cm, Unframed", "")
    assert list(await lines(shopper)) == [second], "and what was typed elsewhere is kept"
    back = await send(shopper, {}, f"unsave-{id_}", **PARTIAL)
    assert "moved to your cart." in back.text
    assert await lines(shopper) == {first: "1", second: "3"}
    removed = await send(shopper, {}, f"remove-{id_}", **PARTIAL)
    assert "Full Moon, 21 × 30 cm, Unframed removed. Total €279.00." in removed.text
    for op in (f"remove-{id_}", "remove-", "remove-x", "save-999999", "explode-1", ""):
        assert (await send(shopper, {}, op)).status_code == 303
    assert await lines(shopper) == {second: "3"}


async def test_the_estimate_is_for_the_country_asked_about(shopper: httpx.AsyncClient, db: Database) -> None:
    await put(shopper, db)
    home, away = await cart(shopper), await cart(shopper, "?country=us")
    assert "of which 19 % VAT" in home.text
    assert "Export, no VAT" in away.text
    assert "International parcel: €19.90" in away.text
    assert '<option value="US" selected>' in away.answer.text
    for odd in ("ZZ", "", "usa", "%00", "Narnia", "🇩🇪"):
        page = await cart(shopper, f"?country={odd}")
        assert '<option value="DE" selected>' in page.answer.text
        assert ("That is no country that we deliver to." in page.text) is bool(odd)


async def test_a_cart_of_many_lines_costs_as_few_statements_as_one_of_one(
    shopper: httpx.AsyncClient, db: Database
) -> None:
    await put(shopper, db)
    assert await statements(shopper, db) == {4}
    await fill(db, 100)
    assert await statements(shopper, db) == {5}, "one more asks what is held, where something is sold out"
    assert len(await lines(shopper)) > 100


async def statements(shopper: httpx.AsyncClient, db: Database) -> set[int]:
    """How many the cart's page and its region take; none on the writer."""
    counts = set()
    for headers in ({}, PARTIAL):
        with counted(db) as seen:
            await shopper.get("/cart", headers=headers)
        assert seen["writer"] == []
        counts.add(len(seen["reader"]))
    return counts


async def fill(db: Database, number: int) -> None:
    """Puts more lines into the one cart, one of them sold out."""
    async with db.write() as session:
        cart_id = (await session.scalars(select(Cart.id))).one()
        others = select(Variant.id, Variant.price).where(Variant.sku != carts.MOON).order_by(Variant.id)
        for id_, price in (await session.execute(others.limit(number))).all():
            line = CartLine(cart_id=cart_id, variant_id=id_, title="", quantity=1, seen_price=price)
            line.added_at = db.clock.now()
            session.add(line)
        await session.execute(
            update(StockLevel).where(StockLevel.variant_id == id_).values(on_hand=0, may_oversell=False)
        )
