"""What is counted of buying: as many as were committed, and by the words of the house."""

from __future__ import annotations

import pytest

from hypermart.db.session import Database, count
from hypermart.metrics import ORDERS
from tests.monitoring.counted import gained
from tests.parts.selling import FLOWERS, SellingShop


async def test_an_order_by_card_is_counted_once(selling: SellingShop) -> None:
    ada = selling.shopper()
    with (
        gained("hypermart_cart_lines_added_total") as lines,
        gained("hypermart_checkouts_begun_total") as checkouts,
        gained("hypermart_orders_total") as orders,
        gained("hypermart_payments_total") as payments,
        gained("hypermart_gateway_seconds_count") as calls,
    ):
        order = await ada.buy(await selling.variant())
        await ada.visit(order.url)
    assert (lines, checkouts, orders, payments) == ({"": 1}, {"": 1}, {"card": 1}, {"card,paid": 1})
    assert calls["open,ok"] == 1
    assert calls["capture,ok"] >= 1, "the callback and the return may both ask, with one key"
    assert {call.partition(",")[2] for call in calls} == {"ok"}


async def test_a_step_back_is_no_second_checkout(selling: SellingShop) -> None:
    ada = selling.shopper()
    await ada.add(await selling.variant())
    with gained("hypermart_checkouts_begun_total") as checkouts:
        await ada.to_review()
        await ada.send(await ada.visit("/checkout/address"), "/checkout/address", city="Hamburg")
    assert checkouts == {"": 1}


async def test_a_declined_payment_is_no_order(selling: SellingShop) -> None:
    ada = selling.shopper()
    await ada.add(await selling.variant())
    with gained("hypermart_orders_total") as orders, gained("hypermart_payments_total") as payments:
        await ada.pay(await ada.place(await ada.to_review()), "expired_card")
    assert (orders, payments) == ({}, {"card,declined": 1})


async def test_an_offline_payment_is_accepted(selling: SellingShop) -> None:
    with gained("hypermart_orders_total") as orders, gained("hypermart_payments_total") as payments:
        await selling.shopper().buy(await selling.variant(), payment="invoice")
    assert (orders, payments) == ({"invoice": 1}, {"invoice,accepted": 1})


async def test_what_is_not_put_in_is_not_counted(selling: SellingShop) -> None:
    await selling.in_stock(FLOWERS, 0)
    with gained("hypermart_cart_lines_added_total") as lines:
        assert (await selling.shopper().add(await selling.variant())).status == 409
    assert lines == {}


async def test_a_gateway_that_is_away_is_counted_as_that(selling: SellingShop) -> None:
    ada = selling.shopper()
    await ada.add(await selling.variant())
    review = await ada.to_review()
    await selling.tell_bank(faults=[{"call": "open", "kind": "error"}])
    with gained("hypermart_gateway_seconds_count") as calls:
        await ada.place(review)
    assert calls["open,away"] == 1


async def test_only_what_is_committed_is_counted(database: Database) -> None:
    with gained("hypermart_orders_total") as orders:
        with pytest.raises(ZeroDivisionError):
            async with database.write() as db:
                count(db, ORDERS.labels("card"))
                raise ZeroDivisionError
        async with database.write() as db:
            count(db, ORDERS.labels("free"))
            with gained("hypermart_orders_total") as early:
                pass
    assert (orders, early) == ({"free": 1}, {})
