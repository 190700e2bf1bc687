"""Staff: a room apart from customers, that no page leads to, and the command that adds somebody."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from sqlalchemy import select

from hypermart.domain.staff.actions import add_person
from hypermart.domain.staff.models import Person
from hypermart.errors import Refused
from hypermart.passwords import hashed
from hypermart.settings import Settings
from tests.parts.accounts import PASSWORD, AccountShop, sign_in


async def test_staff_is_apart_from_customers(shop: AccountShop) -> None:
    await shop.account("ada")
    await shop.person("stella")
    fields = {"email": "stella@example.com", "password": PASSWORD}
    browser = await shop.signed_in("ada")
    assert (await browser.get("/staff")).headers["location"] == "/staff/sign-in", "a customer is nobody there"
    assert (await sign_in(shop.browser(), "stella@example.com")).status_code == 422
    wrong = await shop.browser().post("/staff/sign-in", data={"email": "ada@example.com", "password": PASSWORD})
    assert wrong.status_code == 422
    assert (await browser.post("/staff/sign-in", data=fields)).headers["location"] == "/staff"
    page = await browser.get("/staff")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert "Stella" in page.text
    assert "No orders since midnight UTC" in page.text
    await shop.shopper("bo").buy(await shop.variant(), payment="invoice")
    assert "1 order since midnight UTC" in (await browser.get("/staff")).text
    shop.clock.advance(hours=8)
    assert (await browser.get("/staff")).status_code == 303, "staff stays for a shorter time"
    assert (await browser.get("/account")).status_code == 200
    await browser.post("/staff/sign-in", data=fields)
    await browser.post("/staff/sign-out")
    assert (await browser.get("/staff")).status_code == 303


async def test_staff_is_found_by_the_same_rule_as_customers(shop: AccountShop) -> None:
    """In both ways to write a domain in another script."""
    async with shop.database.write() as db:
        await add_person(db, "Stella", "Stella@b\u00fccher.example", await hashed(PASSWORD), shop.clock.now())
    for email in ("stella@xn--bcher-kva.example", "STELLA@B\u00dcCHER.example"):
        answer = await shop.browser().post("/staff/sign-in", data={"email": email, "password": PASSWORD})
        assert answer.headers.get("location") == "/staff", email
    with pytest.raises(Refused):
        async with shop.database.write() as db:
            await add_person(db, "Eve", "stella@xn--bcher-kva.example", "", shop.clock.now())


async def test_no_page_of_the_shop_leads_to_staff(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    for path in ("/", "/cart", "/account", "/account/sign-in", "/pages/about", "/robots.txt", "/sitemaps/pages.xml"):
        assert "/staff" not in (await browser.get(path)).text


def command(settings: Settings, *words: str, stdin: str) -> subprocess.CompletedProcess[str]:
    environ = {"DATA_DIR": str(settings.data), "DATABASE_URL": settings.database_url, "MODE": "qa", "PATH": ""}
    return subprocess.run(
        [sys.executable, "-m", "hypermart", "staff", "add", *words],
        input=stdin,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
async def test_the_command_line_adds_staff_and_says_in_one_line_what_is_wrong(shop: AccountShop) -> None:
    settings = shop.app.state.shop.settings
    for words, stdin, said in (
        (("Stella", "stella"), f"{PASSWORD}\n", "is no e-mail address: write it like name@example.com"),
        (("Stella", "stella@example.com"), "short\n", "Use 15 characters or more"),
        ((" ", "stella@example.com"), f"{PASSWORD}\n", "the name is empty"),
    ):
        done = await asyncio.to_thread(command, settings, *words, stdin=stdin)
        assert (done.returncode, done.stderr.count("\n"), said in done.stderr) == (2, 1, True), done.stderr
        assert stdin.strip() not in done.stderr
    done = await asyncio.to_thread(command, settings, "Stella Staff", "stella@example.com", stdin=f"{PASSWORD}\n")
    assert (done.returncode, done.stderr) == (0, "")
    again = await asyncio.to_thread(command, settings, "Stella Staff", "Stella@example.com", stdin=f"{PASSWORD}\n")
    assert (again.returncode, "is of the staff already" in again.stderr) == (2, True)
    assert len(await shop.rows(select(Person.id))) == 1
    answer = await shop.browser().post("/staff/sign-in", data={"email": "stella@example.com", "password": PASSWORD})
    assert answer.headers["location"] == "/staff"
