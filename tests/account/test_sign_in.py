"""Signing in, registering and staff: what is refused, how it is said, and what it gives away, which is nothing."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import httpx
import limits
import msgspec
import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from hypermart import passwords
from hypermart.adapters.limiter import WindowLimiter
from hypermart.domain.customers.models import Customer
from hypermart.emails import email_key
from hypermart.passwords import Proof, hashed, is_right, is_weak, problem
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from hypermart.web.sign_in import local
from tests.parts.accounts import PASSWORD, AccountShop, account_shop, sign_in
from tests.parts.valkeys import Valkey
from tests.web.test_cost_and_cache import counted


class Hashes(Counter[str]):
    """How often which hash was worked out. The work itself is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        for name in ("hash", "verify"):
            monkeypatch.setattr(PasswordHasher, name, self._counted(name, getattr(PasswordHasher, name)))

    def _counted(self, name: str, work: Any) -> Any:
        def counted_work(*arguments: Any, **more: Any) -> Any:
            self[name] += 1
            return work(*arguments, **more)

        return counted_work


def alike(answer: httpx.Response, email: str) -> tuple[int, str, list[str]]:
    """All that somebody can see of it, without what they typed themselves and what no two answers share."""
    text = re.sub(r'name="form_token" value="[^"]*"', "", answer.text).replace(email, "EMAIL")
    own = ("x-request-id", "content-length")
    headers = [f"{name}: {value}" for name, value in answer.headers.items() if name not in own]
    return answer.status_code, text, sorted(re.sub(r"session=[\w-]+", "", header) for header in headers)


async def test_an_unknown_address_and_a_wrong_password_are_answered_alike(
    shop: AccountShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.account("ada")
    found = []
    for email in ("ada@example.com", "nobo@example.com"):
        hashes = Hashes(monkeypatch)
        with counted(shop.database) as seen:
            answer = await sign_in(shop.browser(), email, "not the one that it is")
        statements = [*seen["reader"], "|", *seen["writer"]]
        found.append((alike(answer, email), statements, dict(hashes)))
        monkeypatch.undo()
    assert found[0] == found[1]
    assert found[0][0][0] == 422
    assert found[0][2] == {"verify": 1}


async def test_registering_an_address_twice_is_answered_as_the_first_time(
    shop: AccountShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.account("ada")
    found = []
    for email in ("ADA@Example.com", "nobo@example.com"):
        hashes = Hashes(monkeypatch)
        fields = {"email": email, "name": "Eve", "password": "a password of an attacker"}
        with counted(shop.database) as seen:
            answer = await shop.browser().post("/account/register", data=fields)
        statements = [*seen["reader"], "|", *seen["writer"]]
        statements = [re.sub("(ROLLBACK TO|RELEASE) SAVEPOINT", "END", each) for each in statements]
        found.append((alike(answer, email), statements, dict(hashes)))
        monkeypatch.undo()
    assert found[0] == found[1]
    assert found[0][2] == {"hash": 1}
    names = await shop.rows(select(Customer.email, Customer.name).order_by(Customer.id))
    assert [tuple(row) for row in names] == [("ada@example.com", "Ada"), ("nobo@example.com", "Eve")]
    assert (await sign_in(shop.browser(), "ada@example.com")).status_code == 303, "nothing of hers was changed"


async def test_registered_at_the_same_moment_is_one_account(shop: AccountShop) -> None:
    fields = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
    answers = await asyncio.gather(*(shop.browser().post("/account/register", data=fields) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(await shop.rows(select(Customer.id))) == 1


@pytest.mark.parametrize(
    ("password", "is_fine"),
    [
        ("", False),
        ("fourteen char.", False),
        ("fifteen chars..", True),
        ("  two blanks before", True),
        ("a b c d e f g h", True),
        ("🐘🦒🦓🦛🦏🐪🐫🦘🐃🐂🐄🐎🐖🐏🐑", True),
        ("Füße über Österreich", True),
        ("nul\x00nul\x01in the middle", True),
        ("x" + "yz€ü7" * 26, False),
        ("passwordpassword", False),
        ("Password Password", False),
        ("123456789012345", False),
        ("correct horse battery staple", False),
        ("aaaaaaaaaaaaaaaaaaaa", False),
        ("ada.lovelace@example.com", False),
        ("ADA.lovelace@example.com ", False),
    ],
)
def test_what_can_be_a_password(password: str, is_fine: bool) -> None:
    assert (problem(password, email="ada.lovelace@example.com") == "") == is_fine


async def test_the_bounds_of_a_password_by_its_form(shop: AccountShop) -> None:
    for length, status in ((14, 422), (15, 303), (128, 303), (129, 422), (10_000, 413)):
        password = "".join(chr(0x4E00 + n * 37 % 5000) for n in range(length))
        fields = {"email": f"n{length}@example.com", "name": "Ada", "password": password}
        answer = await shop.browser().post("/account/register", data=fields)
        assert answer.status_code == status, length
        if status == 303:
            assert (await sign_in(shop.browser(), fields["email"], password)).status_code == 303
            assert (await sign_in(shop.browser(), fields["email"], password[:-1])).status_code == 422


async def test_ten_thousand_letters_are_refused_before_they_are_hashed(
    shop: AccountShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.account()
    hashes = Hashes(monkeypatch)
    fields = {"email": "ada@example.com", "name": "Ada", "password": "ab cd ef" * 1250}
    answer = await shop.browser().post("/account/register", data=fields)
    assert (answer.status_code, "Use 128 characters or fewer" in answer.text) == (422, True)
    assert fields["password"] not in answer.text
    assert (await sign_in(shop.browser(), "ada@example.com", fields["password"])).status_code == 422
    assert dict(hashes) in ({"verify": 1}, {}), "one at most, of what is capped"


async def test_a_password_is_the_same_in_both_ways_to_write_its_letters() -> None:
    text = "Über den Dächern von Nizza"
    proof = Proof(1, 1, await hashed(unicodedata.normalize("NFD", text)))
    assert await is_right(unicodedata.normalize("NFC", text), proof)
    assert not await is_right(f"{text} ", proof)
    assert not await is_right(text, None)


async def test_a_hash_of_less_work_is_made_anew_at_sign_in(shop: AccountShop) -> None:
    await shop.account()
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    async with shop.database.write() as db:
        await db.execute(update(Customer).values(password_hash=weak))
    await shop.signed_in()
    now = str(await shop.value(select(Customer.password_hash)))
    assert now != weak
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in now
    assert not is_weak(Proof(1, 1, now))
    await shop.signed_in()
    assert await shop.value(select(Customer.password_hash)) == now


REDIRECTS = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "/%5Cevil.example",
    "/%09/evil.example",
    "/%2Fevil.example",
    "/%252Fevil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/ /evil.example",
    "https:evil.example",
    "https://evil.example",
    "//evil.example/%2e%2e",
    "/..//evil.example",
    "/.//evil.example",
    "/x/..//evil.example",
    "/%2e%2e//evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "?next=//evil.example",
    "/\u3002evil.example",
    "/\r\nLocation: https://evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "http:///evil.example",
    "/\u2028/evil.example",
    "",
    "/" + "a" * 600,
]


@pytest.mark.parametrize("to", REDIRECTS, ids=range(len(REDIRECTS)))
def test_what_leads_elsewhere_is_not_followed(to: str) -> None:
    assert local(to, "/account") == "/account"


async def test_nobody_is_sent_elsewhere_after_signing_in(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    for to in REDIRECTS:
        page = await browser.get("/account/sign-in", params={"next": to})
        assert (page.status_code, page.headers["location"]) == (303, "/account"), to
    for to in ("//evil.example", "/%09/evil.example", REDIRECTS[-1]):
        answer = await sign_in(browser, "ada@example.com", more={"next": to})
        assert (answer.status_code, answer.headers["location"]) == (303, "/account"), to


@pytest.mark.parametrize(
    "to", ["/", "/cart", "/checkout/address", "/account/orders?page=2", "/search?q=a%20b&x=%C3%BC"]
)
def test_one_comes_back_to_pages_of_the_shop(to: str) -> None:
    assert local(to, "/account") == to


@given(st.text(alphabet="/\\.%25fF:?#@ev\t\n ilaé0aA9", max_size=20).map(lambda text: f"/{text}"))
@settings(max_examples=2000)
def test_whatever_is_let_through_stays_here(text: str) -> None:
    to = local(text, "/account")
    for resolved in (httpx.URL("https://shop.test/account/sign-in").join(to), httpx.URL(f"https://shop.test{to}")):
        assert resolved.host == "shop.test"
        assert not resolved.path.startswith("//")
    assert not urlsplit(to).netloc


async def test_a_burst_over_three_replicas_lets_exactly_the_limit_through(valkey: Valkey) -> None:
    replicas = [WindowLimiter(limits.parse("10 per minute"), valkey.url, fails_closed=True) for _ in range(3)]
    waits = await asyncio.gather(*(replica.wait("ada") for _ in range(50) for replica in replicas))
    for replica in replicas:
        await replica.close()
    assert sum(seconds == 0 for seconds in waits) == 10


async def test_too_many_tries_are_told_to_wait(demo_copy_settings: Settings, clock: QaClock, valkey: Valkey) -> None:
    few = msgspec.structs.replace(demo_copy_settings, sign_in_tries="3 per 10 minutes")
    async with account_shop(few, clock, valkey) as shop:
        await shop.account("ada")
        await shop.account("bo")
        answers = [await sign_in(shop.browser(), "Ada@example.com", "wrong") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [422, 422, 422, 429]
        assert answers[-1].headers["retry-after"] == "600"
        assert "Those were too many tries. Wait 10 minutes, then try again" in answers[-1].text
        assert 'value="Ada@example.com"' in answers[-1].text
        assert (await sign_in(shop.browser(), "ada@example.com")).status_code == 429, "also with the right one"
        elsewhere = shop.browser(host="192.0.2.1")
        assert (await sign_in(elsewhere, "ada@example.com")).status_code == 303, "at home she is not locked out"
        assert (await sign_in(shop.browser(), "bo@example.com")).status_code == 303, "others are not held up"
        others = [await sign_in(shop.browser(), f"n{n}@example.com", "wrong") for n in range(40)]
    assert [answer.status_code for answer in others].count(429) >= 10, "one address may not try for ever"


async def test_many_networks_together_may_not_try_for_ever(
    demo_copy_settings: Settings, clock: QaClock, valkey: Valkey
) -> None:
    few = msgspec.structs.replace(demo_copy_settings, sign_in_tries="1 per 10 minutes")
    async with account_shop(few, clock, valkey) as shop:
        await shop.person("stella")
        fields = {"email": "stella@example.com", "password": "wrong"}
        answers = [await shop.browser(host=f"192.0.2.{n // 2}").post("/staff/sign-in", data=fields) for n in range(24)]
    assert [answer.status_code for answer in answers] == [422, 429] * 10 + [429] * 4


async def test_without_valkey_no_password_is_tried(shop: AccountShop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.account()
    shop.valkey.kill()
    hashes = Hashes(monkeypatch)
    assert (await sign_in(shop.browser(), "ada@example.com")).status_code == 503
    assert not hashes


async def test_what_is_missing_is_said_and_nothing_is_counted(shop: AccountShop) -> None:
    answer = await sign_in(shop.browser(), "", "")
    assert (answer.status_code, "Error: Sign in" in answer.text) == (422, True)
    assert "Enter your e-mail address" in answer.text
    assert "Enter your password" in answer.text


async def test_a_foreign_site_cannot_sign_anybody_in_or_out(shop: AccountShop) -> None:
    await shop.account()
    foreign = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    fields = {"email": "ada@example.com", "password": PASSWORD}
    for path in ("/account/sign-in", "/account/register", "/account/sign-out", "/staff/sign-in", "/staff/sign-out"):
        answer = await shop.browser().post(path, data=fields, headers=foreign)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_a_browser_that_says_nothing_signs_in_by_the_token_of_the_form(shop: AccountShop) -> None:
    """As lynx does. Not by the token of somebody else's form: that would sign it in as an attacker."""
    await shop.account()
    quiet, other = shop.shopper().client, shop.shopper().client
    tokens = [_token(await each.get("/account/sign-in")) for each in (quiet, other)]
    fields = {"email": "ada@example.com", "password": PASSWORD}
    for token in ("", tokens[1]):
        answer = await quiet.post("/account/sign-in", data={**fields, "form_token": token})
        assert (answer.status_code, "keeps no cookies" in answer.text) == (422, True)
    answer = await quiet.post("/account/sign-in", data={**fields, "form_token": tokens[0]})
    assert answer.status_code == 303
    assert (await quiet.get("/account")).status_code == 200
    used = await quiet.post("/account/sign-out", data={"form_token": tokens[0]})
    assert (await quiet.get("/account")).status_code == 200, f"a token of before: {used.status_code}"
    await quiet.post("/account/sign-out", data={"form_token": _token(await quiet.get("/account"))})
    assert (await quiet.get("/account")).status_code == 303


def _token(page: httpx.Response) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Ada@Example.com", "ada@example.com", True),
        ("ADA@EXAMPLE.COM", "ada@example.com", True),
        ("ada@bücher.example", "ada@xn--bcher-kva.example", True),
        ("u\u0308@example.com", "\u00fc@example.com", True),
        ("ada@example.com", "ada+1@example.com", False),
        ("\u00e4da@example.com", "ada@example.com", False),
        ("ada@fass.example", "ada@faß.example", False),
    ],
)
def test_which_addresses_are_one(one: str, other: str, is_same: bool) -> None:
    assert (email_key(one) == email_key(other)) == is_same


async def test_one_address_is_one_account_on_both_databases(shop: AccountShop) -> None:
    """MySQL takes ä for a where it is not told otherwise."""
    for email in ("ada@example.com", "Ada@EXAMPLE.com", "\u00e4da@example.com", "a\u0308da@example.com"):
        await shop.browser().post("/account/register", data={"email": email, "name": "A", "password": PASSWORD})
    assert len(await shop.rows(select(Customer.id))) == 2


def test_the_parameters_are_what_owasp_asks_for() -> None:
    hasher = passwords._HASHER
    assert (hasher.memory_cost, hasher.time_cost, hasher.parallelism) == (19456, 2, 1)
    assert hasher.type.name == "ID"
