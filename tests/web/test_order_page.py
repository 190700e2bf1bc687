"""Pages behind secret links: a placed order, and a payment under way."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hypermart.domain.cart.models import Cart
from hypermart.domain.orders.links import order_token
from hypermart.domain.stock.models import StockLevel
from hypermart.qa.forms import Page
from tests.faults.buying import Shopper
from tests.parts.selling import FLOWERS, MOON, SellingShop
from tests.web.test_cost_and_cache import counted

PAGES = {
    "/checkout/address": 5,
    "/checkout/delivery": 4,
    "/checkout/payment": 4,
    "/checkout/review": 4,
}


@pytest.fixture
async def ada(selling: SellingShop) -> Shopper:
    ada = selling.shopper()
    await ada.add(await selling.variant())
    return ada


@pytest.fixture
async def order(ada: Shopper) -> Page:
    """An order that is to be paid later."""
    return await ada.place(await ada.to_review(payment="invoice"))


async def test_the_link_opens_the_order_in_any_browser(selling: SellingShop, order: Page) -> None:
    page = await selling.shopper("eve").visit(order.url.removesuffix("&new=1"))
    assert (page.status, page.title) == (200, "Order 1001 – Plate & Paper")
    assert "Thank you" not in page.text
    for words in (
        "Ada Lovelace",
        "Summer Flowers",
        "€27.90",
        "Order placed November 2, 2026, 12:00 UTC",
        "Not paid yet",
    ):
        assert words in page.text
    assert page.answer.headers["cache-control"] == "no-store"


async def test_wrong_links_are_all_answered_alike_and_cost_the_same(selling: SellingShop, order: Page) -> None:
    good = order_token(selling.app.state.shop.secret, 1001)
    wrong = ("x" * 32, "", good[:-1], good.lower(), f"{good}x", "é" * 32, order_token(b"other", 1001))
    addresses = [f"/orders/1001?t={token}" for token in wrong] + ["/orders/1001", f"/orders/1002?t={good}"]
    addresses += [f"/orders/{'9' * 30}?t={good}", f"/orders/-1?t={good}", f"/orders/0?t={good}"]
    client = selling.shopper("eve").client
    answers = []
    for address in addresses:
        with counted(selling.database) as seen:
            answer = await client.get(address)
        answers.append((answer.status_code, answer.text, seen))
    assert len({(status, text, str(seen)) for status, text, seen in answers}) == 1
    status, text, seen = answers[0]
    assert status == 404
    assert "orders" not in "".join(seen["reader"]), "only the departments of the page are read"
    assert "1001" not in text
    post = await client.post("/orders/1001/cancellations", data={"t": "wrong"})
    assert post.status_code == 404


async def test_an_unpaid_order_can_be_cancelled_once_it_is_confirmed(selling: SellingShop, order: Page) -> None:
    eve = selling.shopper("eve")  # by the mail's link, in another browser without any cookie
    page = await eve.visit(f"{order.url}&cancel=1")
    assert "Cancel this order?" in page.text
    assert (await selling.orders())[0].cancelled_at is None
    assert await allocated(selling) == 1
    page = await eve.send(page, "/cancellations")
    assert "It was cancelled." in page.text
    assert "Order cancelled" in page.text
    assert "Cancel this order" not in page.text
    assert await allocated(selling) == 0
    again = await eve.client.post("/orders/1001/cancellations", data={"t": order_token_of(order)})
    assert again.status_code == 303


async def test_a_paid_order_cannot_be_cancelled_here(selling: SellingShop, ada: Shopper) -> None:
    order = await ada.pay(await ada.place(await ada.to_review()))
    assert "Cancel this order" not in order.text
    assert "Cancel this order?" not in (await ada.visit(f"{order.url}&cancel=1")).text
    answer = await ada.client.post("/orders/1001/cancellations", data={"t": order_token_of(order)})
    assert answer.status_code == 409
    assert "This order is paid or on its way" in answer.text
    assert (await selling.orders())[0].status == "open"


def order_token_of(order: Page) -> str:
    return order.url.partition("?t=")[2].partition("&")[0]


async def allocated(selling: SellingShop) -> int:
    variant_id = await selling.variant()
    return int(await selling.value(select(StockLevel.allocated).where(StockLevel.variant_id == variant_id)))


async def test_paying_again_works_in_another_browser_and_takes_the_cart_there(
    selling: SellingShop, ada: Shopper
) -> None:
    declined = await ada.pay(await ada.place(await ada.to_review()), "expired_card")
    phone = selling.shopper("ada on her phone")
    page = await phone.send(await phone.visit(declined.url), "/retries")
    assert page.url.endswith("/checkout/payment")
    order = await phone.pay(await phone.place(await phone.send(page, "/checkout/payment")))
    assert "/orders/1001" in order.url
    assert "Nothing is in your cart" in (await ada.visit("/cart")).text


async def test_paying_again_after_the_order_was_placed_leaves_the_next_cart_alone(
    selling: SellingShop, ada: Shopper
) -> None:
    declined = await ada.pay(await ada.place(await ada.to_review()), "do_not_honour")
    again = await ada.send(await ada.send(declined, "/retries"), "/checkout/payment")
    await ada.pay(await ada.place(again))
    await ada.add(await selling.variant(MOON))
    page = await ada.send(declined, "/retries")
    assert page.url.endswith("/cart")
    assert "Full Moon" in page.text
    assert len(await selling.orders()) == 1


async def test_an_unknown_payment_is_not_found(selling: SellingShop, ada: Shopper) -> None:
    for key in ("0" * 32, "x", "é", "0" * 500):
        assert (await ada.client.get(f"/checkout/attempts/{key}")).status_code == 404
        assert (await ada.client.post(f"/checkout/attempts/{key}/retries")).status_code == 404
    assert "set-cookie" not in (await ada.client.post("/checkout/attempts/x/retries")).headers


async def test_a_payment_that_nobody_finished_in_time(selling: SellingShop, ada: Shopper) -> None:
    await ada.place(await ada.to_review())
    [attempt] = await selling.attempts()
    selling.clock.advance(minutes=16)
    page = await ada.visit(f"/checkout/attempts/{attempt.key}")
    assert "The payment was not finished" in page.text
    assert "Pay again" in page.text
    hashes = await selling.rows(select(Cart.token_hash))
    await ada.send(page, "/retries")
    assert await selling.rows(select(Cart.token_hash)) == hashes, "it is this browser's own cart"


@pytest.mark.parametrize(("address", "most"), PAGES.items())
async def test_a_step_costs_few_statements(selling: SellingShop, ada: Shopper, address: str, most: int) -> None:
    await ada.add(await selling.variant(MOON), 2)
    await ada.to_review()
    with counted(selling.database) as seen:
        assert (await ada.client.get(address)).status_code == 200
    assert len(seen["reader"]) <= most, "\n".join(seen["reader"])
    assert seen["writer"] == []


async def test_the_page_of_an_order_costs_few_statements(selling: SellingShop, order: Page, ada: Shopper) -> None:
    with counted(selling.database) as seen:
        await ada.client.get(order.url)
    assert len(seen["reader"]) <= 4
    assert seen["writer"] == []


async def test_a_declined_card_gives_the_last_one_back_at_once(selling: SellingShop, ada: Shopper) -> None:
    await selling.in_stock(FLOWERS, 1)
    page = await ada.pay(await ada.place(await ada.to_review()), "insufficient_funds")
    assert "The payment was declined" in page.text
    bo = selling.shopper("bo")
    await bo.add(await selling.variant())
    order = await bo.place(await bo.to_review(payment="invoice"))
    assert "/orders/1001?" in order.url, order.text
