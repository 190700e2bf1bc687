"""Staff looks after the queue: what stands in it, in words; trying again; and nobody else sees any of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, update

from hypermart.db.chores import Chore
from hypermart.db.outbox import Outbox
from hypermart.qa.forms import Page
from tests.jobs.rows import row, rows
from tests.parts.accounts import PASSWORD, AccountShop
from tests.web.test_cost_and_cache import counted

PATH = "/staff/queue"
NASTY = "<script>alert(1)</script> ' \" & \u202e" + "x" * 400


@pytest.fixture
async def stella(shop: AccountShop) -> httpx.AsyncClient:
    """Of the staff, signed in; the queue is empty."""
    await shop.person()
    async with shop.database.write() as db:
        await db.execute(update(Outbox).values(done_at=shop.clock.now(), result="sent"))
    browser = shop.browser()
    await browser.post("/staff/sign-in", data={"email": "stella@example.com", "password": PASSWORD})
    return browser


async def put(shop: AccountShop, job: str, minutes: float = 0, **values: Any) -> int:
    """A row that is due in so many minutes."""
    now = shop.clock.now()
    values = {"args": {}, "created_at": now, "due_at": now + timedelta(minutes=minutes), "attempts": 0} | values
    async with shop.database.write() as db:
        made: Any = await db.execute(insert(Outbox).values(job=job, **values))
    return int(made.inserted_primary_key[0])


async def sweep_well(shop: AccountShop) -> None:
    """A worker is at work."""
    now = shop.clock.now()
    async with shop.database.write() as db:
        db.add(Chore(name="sweep", about="Sweeps", period=3600, due_at=now, began_at=now, ended_at=now, words="3 gone"))


async def seen(browser: httpx.AsyncClient, path: str = PATH) -> str:
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    return words_of(answer)


def words_of(answer: httpx.Response) -> str:
    return re.sub(r" ([,;.])", r"\1", Page(answer).text)


def listed(text: str) -> str:
    """The rows of the page."""
    return text.partition("All jobs")[2].partition("Mails of an order")[0]


@pytest.mark.parametrize("path", [PATH, f"{PATH}?state=dead", f"{PATH}/1"])
async def test_it_is_for_staff_alone(shop: AccountShop, path: str) -> None:
    await shop.account()
    for browser in (shop.browser(), await shop.signed_in()):
        answer = await browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/staff/sign-in")
        assert answer.headers["cache-control"] == "no-store"


async def test_nobody_else_tries_again(shop: AccountShop) -> None:
    await shop.account()
    id_ = await put(shop, "purge_pages", dead_at=shop.clock.now())
    for browser in (shop.browser(), await shop.signed_in()):
        answer = await browser.post(f"{PATH}/retries", data={"row": str(id_)})
        assert answer.headers["location"] == "/staff/sign-in"
    assert (await row(shop.app.state.shop._services, id_)).dead_at


async def test_an_empty_queue_says_that_all_is_well(shop: AccountShop, stella: httpx.AsyncClient) -> None:
    text = await seen(stella)
    assert "Nothing is owed." in text
    assert "No worker is at work." in text, "for no chore has been noted"
    await sweep_well(shop)
    text = await seen(stella)
    assert "All is well" in text
    assert re.search(r"Sweeps sweep Well every hour; last just now; next just now 3 gone", text)
    overview = await seen(stella, "/staff")
    assert "Nothing is due, nothing was given up." in overview


async def test_each_state_is_said_in_words(shop: AccountShop, stella: httpx.AsyncClient) -> None:
    now = shop.clock.now()
    await sweep_well(shop)
    failed = await put(shop, "purge_pages", 5, attempts=3, last_error="ConnectError: the CDN is away")
    await put(shop, "mail_order_confirmation", -4, args={"order": 1001})
    await put(shop, "mail_reset", 120, args={"email_key": "ada@example.com"})
    await put(shop, "make_renditions", -2, leased_until=now + timedelta(seconds=50), attempts=1)
    await put(shop, "restate_stock", -90, dead_at=now - timedelta(days=2), attempts=10, last_error=NASTY)
    answer = await stella.get(PATH)
    text = words_of(answer)
    for words in (
        rf"purge_pages {failed} Failed next try in 5 minutes, 3 attempts ConnectError: the CDN is away",
        r"mail_order_confirmation \d+ Due due 4 minutes ago Order 1001",
        r"mail_reset \d+ Waits due in 2 hours",
        r"make_renditions \d+ Running due 2 minutes ago",
        r"restate_stock \d+ Given up 2 days ago, 10 attempts <script>alert\(1\)</script> ' \" & ",
        r"Quick 0 0 1 1",
        r"Mail oldest 4 minutes ago 1 0 1 0",
        r"Slow 0 1 0 0",
        r"1 to 10 minutes ago 1",
        r"Within an hour 1 Within a day 1",
        r"Workers do not keep up\. The oldest row was due 4 minutes ago",
    ):
        assert re.search(words, text), (words, text)
    assert "<script>" not in answer.text.partition("<main")[2]
    assert "ada@example.com" not in answer.text
    overview = await seen(stella, "/staff")
    assert "1 is due, 1 was given up." in overview


async def test_filters_and_pages_are_links(shop: AccountShop, stella: httpx.AsyncClient) -> None:
    for number in range(60):
        await put(shop, "purge_pages", 1 + number)
    await put(shop, "mail_reset", dead_at=shop.clock.now())
    first = await stella.get(PATH)
    assert Page(first).text.count("Waits due") == 24
    assert "?page=2#rows" in first.text
    last = await seen(stella, f"{PATH}?page=3")
    assert (last.count("Waits due"), "Previous" in last, "Next" in last) == (11, True, False)
    assert (await stella.get(f"{PATH}?page=4")).status_code == 404
    assert "purge_pages" not in listed(await seen(stella, f"{PATH}?state=dead")).replace("purge_pages", "", 1)
    assert "mail_reset" not in listed(await seen(stella, f"{PATH}?job=purge_pages")).replace("mail_reset", "", 1)
    assert "No row is like that." in await seen(stella, f"{PATH}?state=running&job=nothing")
    # What nobody can ask for is not asked; text browsers send fields that are empty.
    for query in ("state=&job=&order=&page=", "state=x&page=-1&order=abc", f"job={'x' * 5000}", "page=99999999999"):
        assert (await stella.get(f"{PATH}?{query}")).status_code == 200, query


async def test_mails_of_an_order(shop: AccountShop, stella: httpx.AsyncClient) -> None:
    await put(shop, "mail_order_confirmation", -60, args={"order": 1001}, done_at=shop.clock.now(), result="sent to x")
    await put(shop, "mail_payment_reminder", 9999, args={"order": 1001})
    await put(shop, "mail_order_confirmation", args={"order": 1002})
    form = Page(await stella.get(PATH)).form(f"{PATH}#rows")
    assert form.named("order")
    text = await seen(stella, f"{PATH}?order=1001")
    assert "Mails of order 1001" in text
    assert re.search(
        r"mail_payment_reminder \d+ Waits .* mail_order_confirmation \d+ Done just now Order 1001: sent", text
    )
    assert "Order 1002" not in text
    assert "No mail about this order" in await seen(stella, f"{PATH}?order=77")


async def test_a_row_has_a_page(shop: AccountShop, stella: httpx.AsyncClient) -> None:
    id_ = await put(
        shop,
        "mail_order_confirmation",
        -1,
        args={"order": 1001, "email": "ada@example.com"},
        dead_at=shop.clock.now(),
        attempts=90,
        crashes=2,
        last_error=NASTY,
        request="request-1",
    )
    text = await seen(stella, f"{PATH}/{id_}")
    for words in ("Given up", "order 1001", "90; 2 ended with the process", "request-1", "x" * 400, "(not shown)"):
        assert words in text, words
    assert "ada@example.com" not in text
    assert "2 Nov 2026, 12:00:00 UTC" in text
    for unknown in (id_ + 1, 10**30):
        assert (await stella.get(f"{PATH}/{unknown}")).status_code == 404


async def test_a_row_is_tried_again(shop: AccountShop, stella: httpx.AsyncClient) -> None:
    services = shop.app.state.shop._services
    now = shop.clock.now()
    dead = await put(shop, "purge_pages", -60, dead_at=now, attempts=10, last_error="no")
    failed = await put(shop, "mail_reset", 60, attempts=10, last_error="no")
    for id_ in (dead, failed):
        page = Page(await stella.get(f"{PATH}/{id_}"))
        answer = await stella.post(f"{PATH}/retries", data=dict(page.form("/retries").filled({}, None)))
        assert answer.headers["location"] == f"{PATH}/{id_}?again=1"
        found = await row(services, id_)
        assert (found.due_at, found.dead_at, found.attempts) == (now, None, 0)
        assert "It is tried again now." in await seen(stella, answer.headers["location"])


async def test_what_waits_runs_or_is_done_is_left_alone(shop: AccountShop, stella: httpx.AsyncClient) -> None:
    now = shop.clock.now()
    for values, why in (
        ({"minutes": 60}, "waits for its time"),
        ({"leased_until": now + timedelta(minutes=1), "attempts": 1}, "being run"),
        ({"done_at": now}, "done"),
    ):
        id_ = await put(shop, "mail_payment_reminder", **values)
        assert "Try again" not in await seen(stella, f"{PATH}/{id_}")
        before = await row(shop.app.state.shop._services, id_)
        answer = await stella.post(f"{PATH}/retries", data={"row": str(id_)})
        assert (answer.status_code, why in answer.text) == (409, True)
        assert await row(shop.app.state.shop._services, id_) == before
    for fields, status in (({"row": "999999999"}, 404), ({"row": "x"}, 422), ({}, 422)):
        assert (await stella.post(f"{PATH}/retries", data=fields)).status_code == status


async def test_all_dead_rows_of_a_job_are_tried_again(shop: AccountShop, stella: httpx.AsyncClient) -> None:
    now = shop.clock.now()
    for job in ("purge_pages", "purge_pages", "mail_reset"):
        await put(shop, job, -60, dead_at=now)
    page = Page(await stella.get(PATH))
    assert "3 given up" in page.text
    form = next(form for form in page.forms if ("job", "purge_pages") in form.filled({}, None))
    answer = await stella.post(f"{PATH}/retries", data=dict(form.filled({}, None)))
    text = await seen(stella, answer.headers["location"])
    assert "2 rows are tried again now." in text
    assert "1 given up" in text
    left = [each.job for each in await rows(shop.app.state.shop._services) if each.dead_at]
    assert left == ["mail_reset"]


async def test_what_it_costs(shop: AccountShop, stella: httpx.AsyncClient) -> None:
    """Who is signed in; rows, numbers, chores. However many rows there are."""
    for number in range(60):
        await put(shop, "purge_pages", number - 30)
    dashboard = ("who", "orders", "today", "lanes")
    for path, cost in ((PATH, 4), (f"{PATH}?state=dead", 4), (f"{PATH}?order=1", 4), ("/staff", len(dashboard))):
        with counted(shop.database) as taken:
            await stella.get(path)
        assert (len(taken["reader"]), len(taken["writer"])) == (cost, 0), path
