"""Somebody whose name, address, passwords and cookies are like nobody else's; and who looks for them in logs."""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from hypermart.qa.forms import Page
from tests.faults.buying import Shopper

Sql = Callable[[str], Awaitable[object]]
"""Says a statement to the shop's database."""
#: A bug, as far as the shop can tell: whatever a cart is to keep is refused.
BROKEN = {
    "sqlite": "CREATE TRIGGER broken BEFORE UPDATE ON carts BEGIN SELECT RAISE(ABORT, 'broken'); END",
    "mysql": "CREATE TRIGGER broken BEFORE UPDATE ON carts FOR EACH ROW "
    "SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1048, MESSAGE_TEXT = 'broken'",
}


def leaks(folder: Path, found: Mapping[str, str]) -> list[str]:
    """Which of these values stand in files of `folder`, in any spelling that logs have: WHAT in FILE: the line."""
    sought = {spelled.lower(): what for what, value in found.items() for spelled in spellings(value)}
    pattern = re.compile(b"|".join(re.escape(each) for each in sought))
    return [
        f"{sought[match[0].lower()]} in {path.name}: {line.decode(errors='replace').strip()[:600]}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for line in path.read_bytes().splitlines()
        if (match := pattern.search(line.lower()))
    ]


def spellings(value: str) -> set[bytes]:
    words = {
        value,
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        html.escape(value),
        repr(value)[1:-1],
    }
    return {word.encode() for word in words} | {base64.b64encode(value.encode())}


class Canary:
    """Lives through what people do in a shop, and notes what is secret about it."""

    def __init__(self, shopper: Shopper, staff: Shopper) -> None:
        self.shopper, self.staff = shopper, staff
        mark = secrets.token_hex(5)
        self.email, self.staff_email = f"nightingale-{mark}@example.com", f"keeper-{mark}@example.com"
        self.address = {"name": f"Ñame {mark}", "line1": f"Sträße-{mark} 7", "city": f"Citý-{mark}"}
        self.password, self.second = f"a first 'password' {mark}", f"a second pässword {mark}"
        self.phone = f"+49 30 {secrets.randbelow(10**9):09}"
        self.secrets = {
            "e-mail": f"nightingale-{mark}",
            "e-mail of staff": f"keeper-{mark}",
            "password": self.password,
            "new password": self.second,
            "phone": self.phone,
            **self.address,
        }

    async def buy(self, variant: int) -> Page:
        """By card, which is refused first."""
        await self.shopper.add(variant)
        self._note_cookies(self.shopper)
        given = {**self.address, "phone": self.phone, "email": self.email}
        bank = await self.shopper.place(await self.shopper.to_review(**given))
        declined = await self.shopper.pay(bank, "expired_card")
        self._note("attempt", declined.url, r"/attempts/(\w+)")
        again = await self.shopper.send(declined, "/retries")
        review = await self.shopper.send(again, "/checkout/payment", payment="card")
        order = await self.shopper.pay(await self.shopper.place(review))
        self._note("order's link", order.url, r"[?&]t=([\w-]+)")
        # As htmx and browsers tell where somebody is.
        there = {"referer": order.url, "hx-current-url": order.url, "hx-request": "true"}
        await self.shopper.client.get("/cart", headers=there)
        await self.shopper.visit(f"/search?q={quote_plus(self.email)}")
        return order

    async def have_an_account(self, mailed_link: Callable[[], Awaitable[str]]) -> None:
        """Opens one, mistypes, forgets and renews the password. `mailed_link`: the path of the page for it."""
        typed = {"email": self.email, "password": self.password}
        page = await self.shopper.visit("/account/register")
        await self.shopper.send(page, "/account/register", name=self.address["name"], **typed)
        for password in (self.second, self.password):
            page = await self._sign_in(self.shopper, "/account/sign-in", self.email, password)
        assert self.email in page.text
        page = await self.shopper.visit("/account/forgotten")
        await self.shopper.send(page, "/account/forgotten", email=self.email)
        path = await mailed_link()
        self._note("link for a password", path, r"/account/resets/([\w-]+)")
        page = await self.shopper.send(await self.shopper.visit(path), "/account/resets/", password=self.second)
        assert page.status == 200
        page = await self._sign_in(self.shopper, "/account/sign-in", self.email, self.second)
        assert self.email in page.text

    async def keep_shop(self) -> None:
        for password in (self.second, self.password):
            page = await self._sign_in(self.staff, "/staff/sign-in", self.staff_email, password)
        assert page.status == 200
        assert "sign-in" not in page.url

    async def meet_an_error(self, variant: int, dialect: str, sql: Sql) -> None:
        """The statement fails that would keep what was typed."""
        await self.staff.add(variant)
        page = await self.staff.visit("/checkout/address")
        await sql(BROKEN[dialect])
        typed = {**self.address, "phone": self.phone, "email": self.email, "postcode": "10119"}
        page = await self.staff.send(page, "/checkout/address", **typed)
        await sql("DROP TRIGGER broken")
        assert page.status == 500

    async def _sign_in(self, shopper: Shopper, path: str, email: str, password: str) -> Page:
        page = await shopper.send(await shopper.visit(path), path, email=email, password=password)
        self._note_cookies(shopper)
        return page

    def _note_cookies(self, shopper: Shopper) -> None:
        for cookie in shopper.client.cookies.jar:
            if cookie.name != "cart_n" and cookie.value:
                self.secrets[f"cookie {cookie.name} {cookie.value[:4]}"] = cookie.value

    def _note(self, what: str, text: str, pattern: str) -> None:
        found = re.search(pattern, text)
        assert found, text
        self.secrets[what] = found[1]
