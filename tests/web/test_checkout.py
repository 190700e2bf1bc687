"""A purchase by plain forms, without a header that text browsers do not send; and what comes between."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from hypermart.db.outbox import Outbox
from hypermart.domain.cart.models import Cart
from hypermart.domain.orders import place
from hypermart.domain.payments import rules
from hypermart.domain.stock.reservations import OutOfStock
from hypermart.qa.forms import Page
from tests.faults.buying import ADDRESS, Shopper
from tests.parts.selling import FLOWERS, MOON, SellingShop

STEPS = ("address", "delivery", "payment", "review")


@pytest.fixture
async def ada(selling: SellingShop) -> Shopper:
    """Has a print in her cart."""
    ada = selling.shopper()
    await ada.add(await selling.variant())
    return ada


def path(page: Page) -> str:
    return page.url.removeprefix("http://shop.test").partition("?")[0]


async def test_a_whole_purchase(selling: SellingShop, ada: Shopper) -> None:
    address = await ada.visit("/checkout/address")
    wrong = await ada.send(address, "/checkout/address", **{**ADDRESS, "email": "ada", "postcode": "1"})
    assert (wrong.status, wrong.title) == (422, "Error: Address – Plate & Paper")
    assert "There is a problem Enter an e-mail address, like name@example.com Enter a postcode" in wrong.text
    delivery = await ada.send(wrong, "/checkout/address", email="ada@example.com", postcode="10119")
    assert path(delivery) == "/checkout/delivery"
    payment = await ada.send(delivery, "/checkout/delivery", delivery="standard")
    assert path(payment) == "/checkout/payment"
    review = await ada.send(payment, "/checkout/payment", payment="transfer")
    assert path(review) == "/checkout/review"
    for words in ("Ada Lovelace Torstr. 1 10119 Berlin Germany", "Standard", "Bank transfer", "Place order, €27.90"):
        assert words in review.text
    order = await ada.place(review)
    assert path(order) == "/orders/1001"
    assert order.title == "Thank you – Plate & Paper"
    for words in ("Thank you, your order is placed", "€27.90", "of which 19 % VAT €4.45", "Reference: Order 1001"):
        assert words in order.text
    [row] = await selling.orders()
    assert (row.total, row.email, row.payment_status) == (2790, "ada@example.com", "pending")
    jobs = await selling.rows(select(Outbox.job).where(Outbox.job == "mail_order_confirmation"))
    assert len(jobs) == 1
    assert ada.client.cookies["cart_n"] == "0"


async def test_declined_then_paid_at_the_price_on_the_button(selling: SellingShop, ada: Shopper) -> None:
    bank = await ada.place(await ada.to_review())
    assert "Pay €27.90" in bank.text
    declined = await ada.pay(bank, "insufficient_funds")
    assert path(declined).startswith("/checkout/attempts/")
    assert (
        "The card does not have enough money for this. Nothing was ordered, and you are not charged." in declined.text
    )
    again = await ada.send(declined, "/retries")
    assert path(again) == "/checkout/payment"
    review = await ada.send(again, "/checkout/payment")
    assert path(review) == "/checkout/review", "what was chosen is still chosen"
    assert "Place order and pay €27.90" in review.text
    order = await ada.pay(await ada.place(review))
    assert path(order) == "/orders/1001"
    assert "We have received €27.90." in order.text
    assert [(row.total, row.payment_status) for row in await selling.orders()] == [(2790, "paid")]
    assert [row.state for row in await selling.attempts()] == ["declined", "paid"]


@pytest.mark.parametrize(("answer", "ends"), [("pass", "/orders/1001"), ("fail", "/checkout/attempts/")])
async def test_3d_secure(ada: Shopper, answer: str, ends: str) -> None:
    challenge = await ada.pay(await ada.place(await ada.to_review()), "challenge")
    done = await ada.send(challenge, "/challenge", answer=answer)
    assert path(done).startswith(ends)


async def test_who_walks_away_from_the_bank_may_go_on_paying(ada: Shopper) -> None:
    challenge = await ada.pay(await ada.place(await ada.to_review()), "challenge")
    back = await ada.send(challenge, "/challenge", answer="leave")
    assert "Your order is placed when €27.90 is paid." in back.text
    assert 'href="http://shop.test/bogus/pay/' in back.answer.text


async def test_a_bank_that_takes_its_time(selling: SellingShop, ada: Shopper) -> None:
    waiting = await ada.pay(await ada.place(await ada.to_review()), "pending_paid")
    assert "We are waiting for the payment" in waiting.text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in waiting.answer.text
    assert f'href="{path(waiting)}">Check again</a>' in waiting.answer.text
    await selling.tell_bank(settle=True)
    assert path(await ada.visit(waiting.url)) == "/orders/1001"


async def test_a_gateway_that_is_away_is_said_and_asked_again(selling: SellingShop, ada: Shopper) -> None:
    review = await ada.to_review()
    await selling.tell_bank(faults=[{"call": "open", "kind": "error", "times": 2}])
    page = await ada.place(review)
    assert path(page).startswith("/checkout/attempts/")
    assert "Our payment provider does not answer at the moment." in page.text
    assert "Check again" in page.text
    again = await ada.visit(page.url)
    assert "Continue paying" in again.text
    assert "does not answer" not in again.text


@pytest.mark.parametrize("step", STEPS)
async def test_without_a_cart_every_step_leads_to_it(selling: SellingShop, step: str) -> None:
    shopper = selling.shopper()
    assert path(await shopper.visit(f"/checkout/{step}")) == "/cart"
    shopper.client.cookies.set("cart", "of somebody else, perhaps")
    answer = await shopper.client.get(f"/checkout/{step}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
    assert "set-cookie" not in answer.headers


async def test_an_empty_and_an_expired_cart_lead_to_the_cart(selling: SellingShop, ada: Shopper) -> None:
    selling.clock.advance(days=31)
    assert path(await ada.visit("/checkout/address")) == "/cart"
    page = await ada.add(await selling.variant())
    [line] = [name for form in page.forms for name, _ in form.fields if name.startswith("q-")]
    await ada.send(page, "/cart", press=("op", "update"), **{line: 0})
    for step in STEPS:
        assert path(await ada.visit(f"/checkout/{step}")) == "/cart"


async def test_each_step_leads_to_the_first_that_lacks_something(ada: Shopper) -> None:
    async def reached() -> list[str]:
        return [path(await ada.visit(f"/checkout/{step}")).rpartition("/")[2] for step in STEPS]

    assert await reached() == ["address"] * 4
    page = await ada.send(await ada.visit("/checkout/address"), "/checkout/address", **ADDRESS)
    assert await reached() == ["address", "delivery", "delivery", "delivery"]
    page = await ada.send(page, "/checkout/delivery", delivery="pickup")
    assert await reached() == ["address", "delivery", "payment", "payment"]
    page = await ada.send(page, "/checkout/payment", payment="pickup")
    assert await reached() == list(STEPS)
    delivery = await ada.send(await ada.visit("/checkout/delivery"), "/checkout/delivery", delivery="express")
    assert path(delivery) == "/checkout/payment", "nobody pays at pickup what is sent"
    back = await ada.send(delivery, "/checkout/payment", payment="invoice")
    assert path(back) == "/checkout/review"
    changed = await ada.send(await ada.visit("/checkout/address"), "/checkout/address", name="Ada King")
    assert path(changed) == "/checkout/review", "who changes one thing comes back"


@pytest.mark.parametrize(
    ("step", "sentence"), [("delivery", "Select how you want it delivered"), ("payment", "Select how you want to pay")]
)
@pytest.mark.parametrize("value", ["", "teleport", "standard\x00'; --", "🚚"])
async def test_a_choice_that_is_none_is_asked_again(ada: Shopper, step: str, sentence: str, value: str) -> None:
    review = await ada.to_review()
    page = await ada.send(await ada.visit(f"/checkout/{step}"), f"/checkout/{step}", **{step: value})
    assert page.status == 422
    assert sentence in page.text
    assert page.title.startswith("Error: ")
    assert (await ada.visit("/checkout/review")).text == review.text, "nothing was changed"


async def test_without_accepting_the_terms_nothing_is_ordered(selling: SellingShop, ada: Shopper) -> None:
    review = await ada.to_review(payment="invoice")
    page = await ada.send(review, "/checkout/orders")
    assert page.status == 422
    assert 'href="#terms">Accept the terms to place your order</a>' in page.answer.text
    assert await selling.orders() == []
    assert path(await ada.place(page)) == "/orders/1001"


async def test_double_click_two_tabs_and_back_give_one_order(selling: SellingShop, ada: Shopper) -> None:
    review = await ada.to_review(payment="invoice")
    tab = await ada.visit("/checkout/review")
    order = await ada.place(review)
    assert (await ada.place(review)).url == order.url
    assert (await ada.place(tab)).url == order.url
    assert path(await ada.visit("/checkout/review")) == "/cart"
    assert len(await selling.orders()) == 1


async def test_back_while_paying_leads_to_the_same_payment(selling: SellingShop, ada: Shopper) -> None:
    review = await ada.to_review()
    bank = await ada.place(review)
    assert (await ada.place(review)).url == bank.url
    assert len(await selling.attempts()) == 1
    order = await ada.pay(bank)
    assert (await ada.place(review)).url == order.url


async def test_who_holds_the_last_one_may_go_back_and_pay_in_another_way(selling: SellingShop) -> None:
    await selling.in_stock(MOON, 1)
    ada = selling.shopper()
    await ada.add(await selling.variant(MOON))
    await ada.place(await ada.to_review())
    assert path(await ada.visit("/checkout/review")) == "/checkout/review"
    review = await ada.send(await ada.visit("/checkout/payment"), "/checkout/payment", payment="invoice")
    assert path(await ada.place(review)) == "/orders/1001"
    assert [row.state for row in await selling.attempts()] == ["superseded", "accepted"]


async def test_a_price_that_changed_is_said_and_must_be_confirmed(selling: SellingShop, ada: Shopper) -> None:
    review = await ada.to_review(payment="invoice")
    await selling.costs(FLOWERS, 2500)
    page = await ada.place(review)
    assert page.status == 409
    assert "Your order has changed The total is €28.90, no longer €27.90" in page.text
    assert "Summer Flowers: €25.00 each, no longer €24.00" in page.text
    assert await selling.orders() == []
    assert ("terms", "1") in page.form("/checkout/orders").fields, "what was ticked stays ticked"
    await ada.place(page)
    assert [row.total for row in await selling.orders()] == [2890]


async def test_what_is_sold_meanwhile_is_said_with_the_way_to_the_cart(selling: SellingShop, ada: Shopper) -> None:
    await ada.add(await selling.variant(MOON), 2)
    review = await ada.to_review(payment="invoice")
    await selling.in_stock(MOON, 1)
    page = await ada.place(review)
    assert page.status == 409
    assert "Full Moon: Only 1 left. Please take 1. Nothing was ordered. Please change your cart" in page.text
    assert "Place order" not in page.text
    assert path(await ada.visit("/checkout/review")) == "/cart"
    assert await selling.orders() == []


@pytest.mark.parametrize(("payment", "step"), [("card", "reserve"), ("invoice", "allocate_now")])
async def test_what_is_sold_in_the_same_moment_is_said(
    selling: SellingShop, ada: Shopper, monkeypatch: pytest.MonkeyPatch, payment: str, step: str
) -> None:
    flowers = await selling.variant()

    async def too_late(*_: object, **__: object) -> None:
        raise OutOfStock({flowers: 0})

    review = await ada.to_review(payment=payment)
    monkeypatch.setattr(place, step, too_late)
    page = await ada.place(review)
    assert page.status == 409
    assert page.title == "Your order has changed – Plate & Paper"
    assert "Summer Flowers: sold out" in page.text
    assert '<a href="/cart">change your cart</a>' in page.answer.text
    assert await selling.orders() == []
    assert await selling.attempts() == []


async def test_too_many_tries_must_wait(selling: SellingShop, ada: Shopper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "ATTEMPTS", 1)
    declined = await ada.pay(await ada.place(await ada.to_review()), "lost_card")
    review = await ada.send(await ada.send(declined, "/retries"), "/checkout/payment")
    page = await ada.place(review)
    assert (page.status, page.answer.headers["retry-after"]) == (429, "3600")
    assert "This was tried too often. Please wait a while and try again." in page.text
    selling.clock.advance(hours=1, seconds=1)
    assert "/pay/" in (await ada.place(page)).url


async def test_what_a_browser_claims_of_money_is_not_believed(selling: SellingShop, ada: Shopper) -> None:
    lies = {"price": "1", "currency": "JPY", "discount": "2790", "delivery_price": "0", "tax": "0", "amount": "1"}
    review = await ada.to_review(payment="invoice", **lies)
    await ada.send(review, "/checkout/orders", terms="1", **lies)
    [row] = await selling.orders()
    assert (row.total, row.currency) == (2790, "EUR")


@pytest.mark.parametrize("total", ["1", "", "-1", "2790.0", "２７９０", "9" * 400, "NaN", "2,790"])
async def test_another_total_than_ours_is_asked_about(selling: SellingShop, ada: Shopper, total: str) -> None:
    page = await ada.send(await ada.to_review(payment="invoice"), "/checkout/orders", terms="1", total=total)
    assert page.status == 409
    assert "The total is €27.90" in page.text
    assert await selling.orders() == []


async def test_a_form_without_our_token_changes_nothing_and_keeps_what_was_typed(
    selling: SellingShop, ada: Shopper
) -> None:
    page = await ada.send(await ada.visit("/checkout/address"), "/checkout/address", **ADDRESS, form_token="forged")
    assert page.status == 422
    assert "This page was open for too long" in page.text
    assert ("city", "Berlin") in page.form("/checkout/address").fields
    assert await selling.value(select(func.max(Cart.email))) == ""
    delivery = await ada.send(page, "/checkout/address")
    assert path(delivery) == "/checkout/delivery", "the page came with a fresh token"
    review = await ada.to_review(payment="invoice")
    selling.clock.advance(hours=13)
    stale = await ada.place(review)
    assert (stale.status, path(stale)) == (422, "/checkout/orders")
    assert await selling.orders() == []
    assert path(await ada.place(stale)) == "/orders/1001"


@pytest.mark.parametrize(
    "address", ["/checkout/address", "/checkout/delivery", "/checkout/payment", "/checkout/orders"]
)
async def test_another_site_cannot_send_our_forms(ada: Shopper, address: str) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = await ada.client.post(address, data=ADDRESS, headers=headers)
        assert answer.status_code == 403


async def test_nobody_may_keep_a_page_of_checkout(ada: Shopper) -> None:
    await ada.to_review()
    for step in STEPS:
        answer = await ada.client.get(f"/checkout/{step}")
        assert answer.headers["cache-control"] == "no-store"
        assert '<meta name="referrer" content="same-origin">' in answer.text


async def test_a_shopper_sees_nothing_of_another(selling: SellingShop, ada: Shopper) -> None:
    bob = selling.shopper("bob")
    await ada.to_review()
    await bob.add(await selling.variant(MOON))
    review = await bob.to_review(name="Bob", line1="Bobstr. 2")
    for page in (review, await bob.visit("/checkout/address"), await bob.visit("/cart")):
        assert "Ada" not in page.answer.text
        assert "Summer Flowers" not in page.text
