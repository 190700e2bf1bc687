"""More passwords at once than can be hashed soon: some are asked to come again, and the shop goes on."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import httpx
import pytest

from hypermart import passwords
from hypermart.passwords import AT_ONCE, Busy, hashed
from tests.parts.accounts import PASSWORD, AccountShop, sign_in

WANTED = "green bottle under a tree"


@pytest.fixture
def two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_PLACES", threading.BoundedSemaphore(2))


async def test_so_many_wait_and_no_more() -> None:
    answers = await asyncio.gather(*(hashed(PASSWORD) for _ in range(AT_ONCE + 20)), return_exceptions=True)
    assert [isinstance(each, Busy) for each in answers] == [False] * AT_ONCE + [True] * 20
    assert await hashed(PASSWORD), "the places are free again"


async def test_who_gives_up_leaves_a_place() -> None:
    waiting = [asyncio.ensure_future(hashed(PASSWORD)) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await hashed(PASSWORD)


@pytest.mark.usefixtures("two_places")
async def test_many_sign_in_at_once_and_pages_go_on(shop: AccountShop) -> None:
    await shop.account()
    signing_in = [sign_in(shop.browser(), "ada@example.com") for _ in range(12)]
    *answers, page = await asyncio.gather(*signing_in, shop.browser().get("/account/sign-in"))
    found = Counter(answer.status_code for answer in answers)
    assert set(found) == {303, 503}
    assert found[303] >= 2
    assert page.status_code == 200
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["retry-after"] == "60"
    assert "not possible at the moment" in refused.text
    assert 'value="ada@example.com"' in refused.text
    assert (await sign_in(shop.browser(), "ada@example.com")).status_code == 303


async def test_every_form_with_a_password_says_so(shop: AccountShop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.account()
    ada = await shop.signed_in()
    reset = f"/account/resets/{await shop.reset_token()}"
    monkeypatch.setattr(passwords, "_PLACES", threading.Semaphore(0))
    person = {"email": "ada@example.com", "password": WANTED}
    for browser, path, fields in (
        (shop.browser(), "/account/sign-in", person),
        (shop.browser(), "/staff/sign-in", person),
        (shop.browser(), "/account/register", {**person, "name": "Ada"}),
        (shop.browser(), reset, {"password": WANTED}),
        (ada, "/account/password", {"current": PASSWORD, "password": WANTED}),
    ):
        answer: httpx.Response = await browser.post(path, data=fields)
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "60"), path
        assert "not possible at the moment" in answer.text, path
    monkeypatch.undo()
    assert (await shop.browser().post(reset, data={"password": WANTED})).status_code == 303
