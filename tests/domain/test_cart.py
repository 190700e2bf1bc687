"""Carts: what goes in, what is told about it, who may change it, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeAlias

import pytest
from sqlalchemy import delete, func, insert, select, update

from hypermart.db.session import Database, WriteSession
from hypermart.demo.selling import write_selling
from hypermart.domain.cart import actions, expiry, rules
from hypermart.domain.cart.models import Cart, CartLine
from hypermart.domain.cart.pages import Added, CartView, Terms
from hypermart.domain.cart.queries import cart_count, cart_view
from hypermart.domain.catalog.models import Product, SalePrice, Variant
from hypermart.domain.customers.address import Address
from hypermart.domain.orders.own_cart import own_cart
from hypermart.domain.payments.models import CREATED, DECLINED, PaymentAttempt
from hypermart.domain.shipping.models import DeliveryMethod, DeliveryRate, ZoneCountry
from hypermart.domain.stock.models import StockLevel
from hypermart.domain.stock.reservations import reserve
from hypermart.errors import NotFound
from hypermart.qa.clock import QaClock
from tests.parts.stock import AT_ONCE, put

Act: TypeAlias = Callable[[WriteSession, str, int, datetime], Awaitable[str]]
MINE, HERS = "a" * 64, "b" * 64
TERMS = Terms("EUR", "DE", "line")


@pytest.fixture
async def shelf(database: Database, clock: QaClock) -> list[int]:
    """Variants of which there are 5, 2, none, and as many as one likes."""
    ids = [*await put(database, 5, 2, 0), 0]
    async with database.write() as db:
        await db.execute(update(Product).values(published_at=clock.now()))
        product = Product(slug="many", title="Many", created_at=clock.now(), updated_at=clock.now())
        product.published_at = clock.now()
        db.add(product)
        await db.flush()
        variant = Variant(product_id=product.id, sku="many", price=1000, option1="Red")
        db.add(variant)
        await db.flush()
        db.add(StockLevel(variant_id=variant.id, may_oversell=True))
        ids[3] = variant.id
        for token_hash in (MINE, HERS):
            await actions.new_cart(db, token_hash, clock.now())
    return ids


async def add(database: Database, variant_id: int, quantity: int = 1, token_hash: str = MINE) -> Added:
    now = database.clock.now()
    added = await database.retried(lambda db: actions.add_line(db, token_hash, variant_id, quantity, now))
    assert added is not None
    return added


async def seen(database: Database, token_hash: str = MINE, country: str = "") -> CartView:
    async with database.fresh() as db:
        view = await cart_view(db, token_hash, TERMS, database.clock.now(), country=country)
    assert view is not None
    return view


async def quantities(database: Database, token_hash: str = MINE) -> dict[int | None, int]:
    return {line.variant_id: line.quantity for line in (await seen(database, token_hash)).lines}


async def test_what_is_added_is_in_the_cart_and_the_same_again_is_more_of_it(
    database: Database, shelf: list[int]
) -> None:
    first = await add(database, shelf[0], 2)
    assert (first.added, first.quantity, first.count, first.subtotal) == (2, 2, 2, 3800)
    await add(database, shelf[3])
    again = await add(database, shelf[0])
    assert (again.added, again.quantity, again.count, again.subtotal) == (1, 3, 4, 6700)
    view = await seen(database)
    assert [(line.title, line.options, line.quantity, line.total.minor) for line in view.lines] == [
        ("P0", "", 3, 5700),
        ("Many", "Red", 1, 1000),
    ]
    assert (view.count, view.version, view.totals.total.minor) == (4, 4, 6700)
    async with database.fresh() as db:
        assert await cart_count(db, MINE, database.clock.now()) == 4
        assert await cart_count(db, HERS, database.clock.now()) == 0


async def test_more_than_is_left_adds_what_is_left_and_then_no_more(database: Database, shelf: list[int]) -> None:
    added = await add(database, shelf[1], 5)
    assert (added.wanted, added.added, added.left) == (5, 2, 2)
    with pytest.raises(actions.CannotAdd, match="Only 2 left, and your cart has them already"):
        await add(database, shelf[1])
    with pytest.raises(actions.CannotAdd, match="Sold out"):
        await add(database, shelf[2])
    assert (await add(database, shelf[3], 998)).added == 998
    assert (await add(database, shelf[3], 5)).added == 1
    with pytest.raises(actions.CannotAdd, match="999 of it already"):
        await add(database, shelf[3])


async def test_what_is_not_for_sale_cannot_be_added(database: Database, shelf: list[int], clock: QaClock) -> None:
    async with database.write() as db:
        await db.execute(update(Product).where(Product.slug == "p0").values(published_at=clock.now() + timedelta(1)))
        await db.execute(update(Product).where(Product.slug == "p1").values(status="archived"))
    for variant_id in (shelf[0], shelf[1], 10**9):
        with pytest.raises(NotFound):
            await add(database, variant_id)


async def test_a_cart_has_room_for_so_many_different_things(
    database: Database, shelf: list[int], clock: QaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LINES", 2)
    await add(database, shelf[0])
    await add(database, shelf[1])
    with pytest.raises(actions.CannotAdd, match="2 different things"):
        await add(database, shelf[3])
    assert (await add(database, shelf[0])).quantity == 2, "more of the same is no other thing"


async def test_without_an_open_cart_nothing_is_added_or_changed(
    database: Database, shelf: list[int], clock: QaClock
) -> None:
    await add(database, shelf[0])
    async with database.write() as db:
        await db.execute(update(Cart).where(Cart.token_hash == HERS).values(completed_at=clock.now()))
    clock.advance(days=30)
    line_id = await only_line(database)
    async with database.write() as db:
        for token_hash in (MINE, HERS, "c" * 64):
            assert await actions.add_line(db, token_hash, shelf[0], 1, clock.now()) is None
            assert await cart_view(db, token_hash, TERMS, clock.now()) is None
            assert await cart_count(db, token_hash, clock.now()) == 0
            await actions.change_quantities(db, token_hash, {line_id: 0}, clock.now())
            assert await actions.remove_line(db, token_hash, line_id, clock.now()) == ""
            assert not await actions.choose_delivery(db, token_hash, "standard", clock.now())
    assert await only_line(database) == line_id


async def only_line(database: Database) -> int:
    async with database.fresh() as db:
        return int((await db.execute(select(CartLine.id))).scalar_one())


async def test_nobody_changes_the_lines_of_another_cart(database: Database, shelf: list[int]) -> None:
    await add(database, shelf[0], 2)
    line_id, now = await only_line(database), database.clock.now()
    async with database.write() as db:
        await actions.change_quantities(db, HERS, {line_id: 1}, now)
        for act in (actions.remove_line, actions.save_line, actions.unsave_line):
            assert await act(db, HERS, line_id, now) == ""
    assert await quantities(database) == {shelf[0]: 2}
    assert (await seen(database, HERS)).version == 1


async def test_quantities_change_and_nought_removes(database: Database, shelf: list[int], clock: QaClock) -> None:
    for variant_id in (shelf[0], shelf[1]):
        await add(database, variant_id)
    one, two = (line.id for line in (await seen(database)).lines)
    clock.advance(days=29)
    async with database.write() as db:
        await actions.change_quantities(db, MINE, {one: 4, two: 0, 10**8: 3}, clock.now())
    clock.advance(days=29)  # each change keeps the cart for another 30 days
    assert await quantities(database) == {shelf[0]: 4}
    version = (await seen(database)).version
    async with database.write() as db:
        await actions.change_quantities(db, MINE, {one: 4}, clock.now())
    assert (await seen(database)).version == version, "the same again is no change"


async def test_a_line_is_set_aside_and_taken_back_and_twins_are_one(database: Database, shelf: list[int]) -> None:
    await add(database, shelf[0], 2)
    now = database.clock.now()
    async with database.write() as db:
        assert await actions.save_line(db, MINE, await only_line(database), now) == "P0"
    view = await seen(database)
    assert (view.is_empty, view.count, [line.quantity for line in view.saved]) == (True, 0, [2])
    again = await add(database, shelf[0])
    assert (again.count, again.subtotal) == (1, 1900), "what is set aside is not in the cart"
    async with database.write() as db:
        await actions.unsave_line(db, MINE, view.saved[0].id, now)
    after = await seen(database)
    assert ([line.quantity for line in after.lines], after.saved) == ([3], ())


async def test_lines_tell_what_has_changed_and_block_what_cannot_be_had(
    database: Database, shelf: list[int], clock: QaClock
) -> None:
    for variant_id, quantity in ((shelf[0], 3), (shelf[1], 2), (shelf[3], 1)):
        await add(database, variant_id, quantity)
    assert not (await seen(database)).is_blocked
    async with database.write() as db:
        await db.execute(update(StockLevel).where(StockLevel.variant_id == shelf[0]).values(on_hand=1))
        await db.execute(update(StockLevel).where(StockLevel.variant_id == shelf[1]).values(on_hand=0))
        await db.execute(update(Variant).where(Variant.id == shelf[3]).values(price=1250))
    view = await seen(database)
    told = [[(notice.code, notice.was and notice.was.minor) for notice in line.notices] for line in view.lines]
    assert told == [[("reduced", None)], [("sold_out", None)], [("price", 1000)]]
    assert view.is_blocked
    assert view.lines[2].unit_price.minor == 1250
    async with database.write() as db:
        await actions.change_quantities(db, MINE, {view.lines[0].id: 1, view.lines[1].id: 0}, clock.now())
    view = await seen(database)
    assert [line.notices for line in view.lines] == [(), ()], "the shopper has looked it through"
    async with database.write() as db:
        await db.execute(update(Product).where(Product.slug == "p0").values(status="archived"))
        await db.execute(delete(Variant).where(Variant.id == shelf[3]))
    view = await seen(database)
    assert [[notice.code for notice in line.notices] for line in view.lines] == [["gone"], ["gone"]]
    assert [(line.slug, line.title, line.unit_price.minor) for line in view.lines] == [
        ("", "P0", 1900),
        ("", "Many, Red", 1250),
    ]


async def test_what_is_held_for_the_shoppers_own_payment_is_not_sold_out_to_them(
    database: Database, shelf: list[int], clock: QaClock
) -> None:
    await add(database, shelf[1], 2)
    await add(database, shelf[1], token_hash=HERS)
    paying = await seen(database)
    async with database.write() as db:
        db.add(attempt(paying.id, clock, CREATED))
        await db.flush()
        await reserve(db, "k" * 32, {shelf[1]: 2}, now=clock.now(), until=clock.now() + timedelta(minutes=20))
    async with database.fresh() as db:
        mine, hers = [await own_cart(db, each, TERMS, clock.now()) for each in (MINE, HERS)]
    assert mine is not None
    assert hers is not None
    assert (mine.is_blocked, mine.lines[0].left, mine.lines[0].notices) == (False, 2, ())
    assert (hers.is_blocked, hers.lines[0].left) == (True, 0)


async def test_a_sale_is_charged_from_its_second_on(database: Database, shelf: list[int], clock: QaClock) -> None:
    async with database.write() as db:
        variant = await db.get_one(Variant, shelf[0])
        starts, ends = clock.now() + timedelta(minutes=1), clock.now() + timedelta(minutes=2)
        db.add(
            SalePrice(variant_id=variant.id, product_id=variant.product_id, price=900, starts_at=starts, ends_at=ends)
        )
    charged = []
    for _ in range(3):
        charged.append((await add(database, shelf[0])).subtotal)
        clock.advance(minutes=1)
    assert charged == [1900, 2 * 900, 3 * 1900]


async def test_parallel_changes_of_one_cart_queue_up(database: Database, shelf: list[int]) -> None:
    many = min(AT_ONCE, 12)
    await asyncio.gather(*(add(database, shelf[3]) for _ in range(many)))
    assert await quantities(database) == {shelf[3]: many}
    await asyncio.gather(*(add(database, shelf[0], 2) for _ in range(2)), add(database, shelf[3]))
    assert await quantities(database) == {shelf[3]: many + 1, shelf[0]: 4}
    line_id, now = (await seen(database)).lines[0].id, database.clock.now()
    before = (await seen(database)).version

    def change(act: Act) -> Callable[[WriteSession], Awaitable[str]]:
        return lambda db: act(db, MINE, line_id, now)

    acts = (actions.save_line, actions.unsave_line) * 2
    await asyncio.gather(*(database.retried(change(act)) for act in acts))
    after = await seen(database)
    assert sum(line.quantity for line in (*after.lines, *after.saved)) == many + 5
    assert after.version > before


async def test_where_it_goes_decides_the_tax_but_a_pickup_pays_the_shops(
    database: Database, shelf: list[int], clock: QaClock
) -> None:
    await add(database, shelf[0])
    async with database.write() as db:
        await write_selling(db, "Shop")
        assert await actions.choose_delivery(db, MINE, "pickup", clock.now())
    assert [tax.rate.rate for tax in (await seen(database)).totals.summary] == [1900]
    view = await seen(database, country="US")
    assert (view.country, view.delivery, view.options != ()) == ("US", None, True)
    assert [(tax.rate.rate, tax.rate.reason, tax.gross) for tax in view.totals.summary] == [(0, "export", 1900)]
    async with database.write() as db:
        zone = select(ZoneCountry.zone_id).where(ZoneCountry.country == "US").scalar_subquery()
        pickup = select(DeliveryMethod.id).where(DeliveryMethod.code == "pickup").scalar_subquery()
        await db.execute(insert(DeliveryRate).values(method_id=pickup, zone_id=zone, price=0, min_days=1, max_days=1))
    view = await seen(database, country="US")
    assert view.delivery is not None
    assert [tax.rate.rate for tax in view.totals.summary] == [1900], "the goods do not leave the country"


async def test_checkout_writes_into_the_cart(database: Database, shelf: list[int], clock: QaClock) -> None:
    address = Address(name="Zoë 漢", line1="Weg 1", postcode="10115", city="Berlin", country="DE")
    async with database.write() as db:
        given: actions.Contact = {"email": "a@b.example", "address": address, "billing": None, "wants_news": True}
        assert await actions.set_address(db, MINE, now=clock.now(), **given)
        assert await actions.choose_payment(db, MINE, "invoice", clock.now())
        assert await actions.choose_delivery(db, MINE, "standard", clock.now())
    view = await seen(database)
    assert (view.email, view.address, view.billing, view.wants_news) == ("a@b.example", address, None, True)
    assert (view.payment_method, view.country, view.version) == ("invoice", "DE", 4)


async def test_an_order_takes_what_was_bought_and_leaves_the_rest_to_the_shopper(
    database: Database, shelf: list[int], clock: QaClock
) -> None:
    await add(database, shelf[0], 3)
    await add(database, shelf[1])
    bought = await seen(database)
    await add(database, shelf[0], 2)  # in another tab, while the bank thought about it
    await add(database, shelf[3])
    async with database.write() as db:
        await actions.save_line(db, MINE, bought.lines[1].id, clock.now())
        assert await actions.add_line(db, MINE, shelf[1], 1, clock.now())
        await actions.complete(db, bought.id, {shelf[0]: 3, shelf[1]: 1}, clock.now())
    left = await seen(database)
    assert left.id != bought.id
    assert {line.variant_id: line.quantity for line in left.lines} == {shelf[0]: 2, shelf[3]: 1}
    assert [line.variant_id for line in left.saved] == [shelf[1]]
    async with database.fresh() as db:
        rows = await db.execute(select(CartLine.variant_id, CartLine.quantity).where(CartLine.cart_id == bought.id))
        assert dict(tuple(row) for row in rows) == {shelf[0]: 3, shelf[1]: 1}
        cart = (await db.execute(select(Cart.token_hash, Cart.completed_at).where(Cart.id == bought.id))).one()
    assert cart.token_hash != MINE
    assert cart.completed_at == clock.now()


async def test_a_cart_that_was_bought_whole_stays_and_is_closed(
    database: Database, shelf: list[int], clock: QaClock
) -> None:
    await add(database, shelf[0], 3)
    bought = await seen(database)
    async with database.write() as db:
        await actions.complete(db, bought.id, {shelf[0]: 3}, clock.now())
        cart = await actions.locked_cart(db, MINE)
        assert cart is not None
        assert cart.id == bought.id
        assert await cart_view(db, MINE, TERMS, clock.now()) is None


async def test_old_carts_are_forgotten_but_not_those_that_money_hangs_on(
    database: Database, shelf: list[int], clock: QaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(database, shelf[0])
    paying = await seen(database)
    await add(database, shelf[0], token_hash=HERS)
    async with database.write() as db:
        db.add(attempt(paying.id, clock))
    clock.advance(days=29)
    async with database.write() as db:
        await actions.new_cart(db, "c" * 64, clock.now())
    clock.advance(days=1)
    async with database.write() as db:
        assert await expiry.expire_carts(db, clock.now()) == 1
        assert await expiry.expire_carts(db, clock.now()) == 0
    async with database.fresh() as db:
        kept = set((await db.execute(select(Cart.token_hash))).scalars())
        lines = (await db.execute(select(func.count()).select_from(CartLine))).scalar_one()
    assert kept == {MINE, "c" * 64}
    assert lines == 1


def attempt(cart_id: int, clock: QaClock, state: str = DECLINED) -> PaymentAttempt:
    return PaymentAttempt(
        key="k" * 32,
        cart_id=cart_id,
        cart_version=1,
        method="card",
        amount=1900,
        currency="EUR",
        state=state,
        draft="{}",
        created_at=clock.now(),
        expires_at=clock.now(),
    )
