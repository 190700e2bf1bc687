"""What goes to a collector tells of nobody: no name, no address, no key that opens something, no error text."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from sqlalchemy import select, text

from hypermart.db.observed import summary
from hypermart.db.outbox import Outbox
from hypermart.domain.orders.links import order_token
from hypermart.domain.payments.models import PaymentAttempt
from hypermart.jobs.delivery import deliver
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from hypermart.tables import metadata
from tests.faults.buying import Shopper
from tests.parts import valkeys
from tests.parts.accounts import AccountShop, account_shop
from tests.parts.otlp_collector import Collector
from tests.parts.valkeys import Valkey

WHO = {"name": "Kanaria Gelbvogel", "line1": "Zwitscherweg 77", "postcode": "10117", "city": "Berlin"}
PASSWORD = "canary sings at noon"
QUERY = "kanarienquery"


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with valkeys.running() as server:
        yield server


async def lived(shop: AccountShop) -> list[str]:
    """All that a customer and a guest do; gives what is theirs alone."""
    browser = shop.browser()
    account = {"name": WHO["name"], "email": "kanaria@example.com", "password": PASSWORD}
    for _ in range(2):  # the second time there is one
        await browser.post("/account/register", data=account)
    assert (await browser.post("/account/sign-in", data=account)).status_code == 303
    reset = await shop.reset_token("kanaria")
    await browser.post("/account/forgotten", data=account)
    await browser.get(f"/account/resets/{reset}")
    customer = Shopper(browser, "kanaria")
    for how in ("card", "invoice"):
        await customer.buy(await shop.variant(), 1, payment=how, **WHO)
    await browser.get(f"/search?q={QUERY}", headers={"x-forwarded-for": "203.0.113.77"})
    await browser.get(f"/no/{QUERY}")
    services = shop.app.state.shop._services
    for (id_,) in await shop.rows(select(Outbox.id).where(Outbox.done_at.is_(None))):
        await deliver(services, id_, "mail", "quick")
    orders, keys = await shop.orders(), await shop.rows(select(PaymentAttempt.key))
    assert (len(orders), len(keys)) == (2, 2)
    tokens = [order_token(services.secret, order.number) for order in orders]
    cookies = [value for name, value in browser.cookies.items() if name != "cart_n"]
    assert len(cookies) == 2  # of the cart, and of who is signed in
    return [reset, *tokens, *(key for (key,) in keys), *cookies]


@pytest.mark.slow
async def test_nobody_is_in_a_trace(
    demo_copy_settings: Settings, clock: QaClock, collector: Collector, valkey: Valkey
) -> None:
    async with account_shop(collector.settings(demo_copy_settings), clock, valkey) as shop:
        theirs = await lived(shop)
    seen = {span.name for span in collector.spans}
    assert seen >= {
        "POST /account/register",
        "POST /account/sign-in",
        "GET /account/resets/{token}",
        "POST /checkout/orders",
        "GET /orders/{number}",
        "GET /checkout/attempts/{key}",
        "gateway open",
        "gateway capture",
        "process mail_order_confirmation",
        "send mail",
        "INSERT customers",
    }
    sent = b"".join(collector.bodies).decode("utf-8", "ignore").lower()
    canaries = [*theirs, *WHO["name"].split(), WHO["line1"], WHO["city"], "kanaria@", PASSWORD, QUERY, "203.0.113.77"]
    for canary in canaries:
        for form in {canary, quote(canary), quote(canary, safe="")}:
            assert form.lower() not in sent, canary


async def test_what_a_database_says_of_an_error_is_not_told(
    demo_copy_settings: Settings, clock: QaClock, collector: Collector, valkey: Valkey
) -> None:
    """It repeats what was asked: a column that is not there, or the address that is there twice."""
    async with account_shop(collector.settings(demo_copy_settings), clock, valkey) as shop:
        services = shop.app.state.shop._services

        async def fails(*_: object, **__: object) -> None:
            async with services.db.write() as db:
                await db.execute(text("SELECT kanaria FROM listings"))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("hypermart.web.store.home.home_page", fails, raising=True)
            answer = await shop.browser().get("/")
        assert answer.status_code >= 500
    page = await collector.one("GET /")
    (statement,) = [span for span in collector.under(page) if span.is_failed]
    assert page.is_failed
    assert page.known["error.type"] == str(answer.status_code)
    assert statement.name == "SELECT listings"
    assert statement.known["error.type"] in ("OperationalError", "ProgrammingError")
    assert b"kanaria" not in b"".join(collector.bodies)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT listings.id FROM listings WHERE x = 'FROM orders'", "SELECT listings"),
        ("select 1", "SELECT"),
        ("SELECT `x` FROM `orders` JOIN carts", "SELECT orders"),
        ("SELECT x FROM (SELECT y FROM carts) AS secret", "SELECT carts"),
        ("SELECT 'FROM kanaria' FROM secret", "SELECT"),
        ("INSERT INTO outbox (job) VALUES ('x')", "INSERT outbox"),
        ("UPDATE stock_levels SET on_hand=1", "UPDATE stock_levels"),
        ("DELETE FROM outbox WHERE id = 1", "DELETE outbox"),
        ("'kanaria'", "?"),
    ],
)
def test_of_a_statement_only_words_of_ours_are_told(statement: str, words: str) -> None:
    assert " ".join(summary(statement).values()) == words
    assert set(words.split()[1:]) <= metadata.tables.keys()
