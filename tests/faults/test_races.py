"""Many shoppers at once, through HTTP: never more sold than there is, never two orders for one cart, all books agree.

On MySQL in the sizes that the shop promises; the single process on SQLite passes small ones. All requests meet in one
process here; that three processes do no worse is for the tests of the full topology.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, cast

import httpx
import msgspec
import pytest
from litestar import Litestar
from sqlalchemy import text

from hypermart.app import create_app
from hypermart.domain.orders.settle import finalise
from hypermart.domain.orders.till import Till
from hypermart.domain.stock.actions import Level, set_on_hand
from hypermart.jobs.delivery import deliver, due
from hypermart.qa.clock import QaClock
from hypermart.qa.forms import Page
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.faults import audit
from tests.faults.buying import Shopper
from tests.parts.databases import is_mysql
from tests.parts.visitor import ORIGIN

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
MANY, UNITS = (50, 20) if is_mysql() else (8, 4)
CROWD = 200 if is_mysql() else 16


class Mall:
    """One shop, with as many shoppers as one likes; each has cookies of their own."""

    def __init__(self, app: Litestar, services: Services, clock: QaClock, variants: Sequence[int]) -> None:
        self._transport = httpx.ASGITransport(cast("Any", app))
        self.services, self.clock, self.variants = services, clock, variants
        self.till: Till = app.state.shop.till
        self.shoppers: list[Shopper] = []

    def shopper(self) -> Shopper:
        client = httpx.AsyncClient(transport=self._transport, base_url=ORIGIN, timeout=120)
        shopper = Shopper(client, f"shopper{len(self.shoppers)}")
        self.shoppers.append(shopper)
        return shopper

    async def stock(self, units: dict[int, int], *, may_oversell: bool = False) -> None:
        levels = [Level(variant_id, left, may_oversell) for variant_id, left in units.items()]
        async with self.services.db.write() as db:
            await set_on_hand(db, levels, at=self.clock.now(), reason="count")

    async def findings(self) -> list[str]:
        """After all that is owed was done."""
        while owed := await due(self.services, "quick", "mail"):
            for outbox_id in owed:
                await deliver(self.services, outbox_id, "quick", "mail")
        settings = self.services.settings
        seen = [line for shopper in self.shoppers for line in shopper.seen]
        books = audit.bank(settings.data / "bogus.db"), audit.mailbox(settings.data / "mail"), seen
        return audit.findings(audit.Records(*books, await audit.database(settings.database_url)))

    async def sold(self, variant_id: int) -> int:
        async with self.services.db.fresh() as db:
            statement = text(f"SELECT COALESCE(SUM(quantity), 0) FROM order_lines WHERE variant_id = {int(variant_id)}")
            return int((await db.execute(statement)).scalar_one())

    async def orders(self) -> int:
        async with self.services.db.fresh() as db:
            return int((await db.execute(text("SELECT COUNT(*) FROM orders"))).scalar_one())


@pytest.fixture
async def mall(demo_copy_settings: Settings, clock: QaClock) -> AsyncIterator[Mall]:
    settings = msgspec.structs.replace(demo_copy_settings, base_url=ORIGIN)
    app = create_app(settings, clock=clock)
    async with app.lifespan(), opened(settings, clock) as services:
        async with services.db.write() as db:
            await db.execute(text("DELETE FROM outbox"))
            variants = (await db.execute(text("SELECT id FROM variants ORDER BY id LIMIT 20"))).scalars().all()
        mall = Mall(app, services, clock, variants)
        yield mall
        for shopper in mall.shoppers:
            await shopper.client.aclose()


async def together(works: Sequence[Callable[[], Awaitable[Page]]]) -> list[Page]:
    """All at once: each begins when the last is ready."""
    return list(await asyncio.gather(*(work() for work in works)))


async def placed(shopper: Shopper, review: Page) -> Page:
    """Presses the button; again, as the page asks for, when so many press at once that the shop says 503."""
    for pause in range(20):
        page = await shopper.place(review)
        if page.status != 503:
            break
        await asyncio.sleep(pause * 0.1)
    return page


async def ready(mall: Mall, wanted: Sequence[dict[int, int]], **how: str) -> list[tuple[Shopper, Page]]:
    """Shoppers with full carts, each on the review page."""

    async def fill(lines: dict[int, int]) -> tuple[Shopper, Page]:
        shopper = mall.shopper()
        for variant_id, quantity in lines.items():
            for _ in range(quantity):  # one by one, as if put in twice
                await shopper.add(variant_id)
        return shopper, await shopper.to_review(**how)

    pairs = []
    for start in range(0, len(wanted), 10):
        pairs += await asyncio.gather(*(fill(lines) for lines in wanted[start : start + 10]))
    for _, page in pairs:
        assert page.url.endswith("/checkout/review"), (page.url, page.text)
    return pairs


@pytest.mark.parametrize("payment", ["card", "invoice"])
async def test_the_last_unit_is_sold_once(mall: Mall, payment: str) -> None:
    last = mall.variants[0]
    await mall.stock({last: 1})
    pairs = await ready(mall, [{last: 1}] * MANY, payment=payment)
    pages = await together([partial(placed, *pair) for pair in pairs])
    through = [page for page in pages if page.status == 200]
    assert len(through) == 1
    assert {page.status for page in pages} == {200, 409}
    assert all("sold out" in page.text.lower() for page in pages if page.status == 409)
    if payment == "card":
        winner = next(shopper for (shopper, _), page in zip(pairs, pages, strict=True) if page.status == 200)
        await winner.pay(through[0])
    assert await mall.orders() == 1
    assert await mall.findings() == []


async def test_a_crowd_never_gets_more_than_there_is(mall: Mall) -> None:
    """Carts of several lines meet in every order; whoever wants one piece of what is left gets it."""
    units = dict.fromkeys(mall.variants[:3], UNITS)
    a, b, c = units
    await mall.stock(units)
    shapes = [{a: 1, b: 2}, {b: 1, a: 1, c: 1}, {c: 3, b: 1}, {a: 2}]
    pairs = await ready(mall, [shapes[n % 4] for n in range(CROWD)], payment="invoice")
    pages = await together([partial(placed, *pair) for pair in pairs])
    assert {page.status for page in pages} <= {200, 409}
    sold = {variant_id: await mall.sold(variant_id) for variant_id in units}
    assert all(sold[variant_id] <= UNITS for variant_id in units), sold
    for variant_id in units:
        rest = UNITS - sold[variant_id]
        if rest:
            late = await ready(mall, [{variant_id: 1}] * (rest + 2), payment="invoice") if rest < UNITS else []
            pages = await together([partial(placed, *pair) for pair in late])
            assert sum(page.status == 200 for page in pages) == min(rest, len(late))
    assert await mall.findings() == []


async def test_what_may_be_oversold_is(mall: Mall) -> None:
    variant_id = mall.variants[0]
    await mall.stock({variant_id: 1}, may_oversell=True)
    pairs = await ready(mall, [{variant_id: 1}] * MANY, payment="invoice")
    pages = await together([partial(placed, *pair) for pair in pairs])
    assert {page.status for page in pages} == {200}
    assert await mall.sold(variant_id) == MANY
    assert await mall.findings() == []


@pytest.mark.parametrize("payment", ["card", "invoice"])
async def test_a_double_click_is_one_order(mall: Mall, payment: str) -> None:
    variant_id = mall.variants[0]
    await mall.stock({variant_id: 5})
    ((shopper, review),) = await ready(mall, [{variant_id: 2}], payment=payment)
    pages = await together([lambda: shopper.place(review)] * 10)
    assert len({page.url for page in pages}) == 1
    if payment == "card":
        paid = await together([lambda: shopper.pay(pages[0])] * 5)
        assert len({page.url for page in paid}) == 1
    assert await mall.orders() == 1
    again = await shopper.place(review)  # back after paying
    assert again.url == shopper.client.base_url.join(again.url)
    assert await mall.orders() == 1
    assert await mall.sold(variant_id) == 2
    assert await mall.findings() == []


async def test_two_tabs_make_one_order(mall: Mall) -> None:
    """The cart is changed while the other tab stands at the bank: what was confirmed last is what is paid."""
    variant_id = mall.variants[0]
    await mall.stock({variant_id: 5})
    ((shopper, review),) = await ready(mall, [{variant_id: 1}])
    first_bank = await shopper.place(review)
    await shopper.add(variant_id)
    second_bank = await shopper.place(await shopper.visit("/checkout/review"))
    assert second_bank.url != first_bank.url
    pages = await together(
        [lambda: shopper.send(first_bank, "/pay/", outcome="approve"), lambda: shopper.pay(second_bank)]
    )
    assert await mall.orders() == 1, [page.url for page in pages]
    assert await mall.sold(variant_id) == 2
    mall.clock.advance(minutes=1)
    assert await mall.findings() == []


async def test_return_callback_and_reconciler_at_once_make_one_order(mall: Mall) -> None:
    variant_id = mall.variants[0]
    await mall.stock({variant_id: 5})
    ((shopper, review),) = await ready(mall, [{variant_id: 1}])
    bank = await shopper.place(review)
    answer = await shopper.send(bank, "/pay/", follow=False, outcome="callback_twice")
    back = answer.answer.headers["location"]
    key = back.rpartition("/")[2].partition("?")[0]

    async def come_back() -> Page:
        return shopper.note(await shopper.visit(back))

    async def look() -> None:
        await finalise(mall.till, key)

    await asyncio.gather(*(come_back() for _ in range(5)), *(look() for _ in range(5)))
    assert await mall.orders() == 1
    assert await mall.findings() == []


async def test_a_total_that_changed_is_asked_about(mall: Mall) -> None:
    variant_id = mall.variants[0]
    await mall.stock({variant_id: 5})
    ((shopper, review),) = await ready(mall, [{variant_id: 1}])
    async with mall.services.db.write() as db:
        await db.execute(text(f"UPDATE variants SET price = price + 100 WHERE id = {int(variant_id)}"))
    page = await shopper.place(review)
    assert page.status == 409
    assert await mall.orders() == 0
    with contextlib.suppress(AssertionError):
        page = await shopper.place(page)
    await shopper.pay(page)
    assert await mall.orders() == 1
    assert await mall.findings() == []
