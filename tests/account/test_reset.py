"""A forgotten password: the link works once, for half an hour, for one account, and tells nobody who has one."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import select

from hypermart.db.outbox import Outbox
from hypermart.jobs.delivery import deliver
from hypermart.ports import Mailbox
from hypermart.services import Services
from tests.account.test_sign_in import alike
from tests.parts.accounts import PASSWORD, AccountShop, sign_in
from tests.web.test_cost_and_cache import counted

WANTED = {"password": "green bottle under a tree"}


async def mailed(shop: AccountShop) -> list[str]:
    """The addresses of new passwords that the shop has sent, once all that is owed is done."""
    services: Services = shop.app.state.shop._services
    for (id_,) in await shop.rows(select(Outbox.id).where(Outbox.done_at.is_(None)).order_by(Outbox.id)):
        await deliver(services, id_, "mail")
    assert isinstance(services.mail, Mailbox)
    texts = [str(mail.get_body(("plain",))) for _, mail in await services.mail.newest(50)]
    texts = [text.replace("=\n", "").replace("=\r\n", "") for text in texts]
    return [found for text in texts for found in re.findall(r"http://shop\.test(/account/resets/[\w-]+)", text)]


async def test_every_address_is_answered_alike_and_only_accounts_get_a_mail(shop: AccountShop) -> None:
    await shop.account("ada")
    found = []
    for email in ("ada@example.com", "nobo@example.com"):
        evil = {"host": "shop.test", "x-forwarded-host": "evil.example"}
        with counted(shop.database) as seen:
            answer = await shop.browser().post("/account/forgotten", data={"email": email}, headers=evil)
        found.append((alike(answer, email), [*seen["reader"], "|", *seen["writer"]]))
    assert found[0] == found[1]
    (path,) = await mailed(shop)
    assert (await shop.browser().get(path)).status_code == 200


async def test_it_works_once_and_ends_all_sessions(shop: AccountShop) -> None:
    await shop.account()
    thief = await shop.signed_in()
    path = f"/account/resets/{await shop.reset_token()}"
    second = f"/account/resets/{await shop.reset_token()}"
    answer = await shop.browser().post(path, data=WANTED)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/sign-in?reset=1")
    assert (await thief.get("/account")).status_code == 303
    for used in (path, second):
        assert (await shop.browser().get(used)).status_code == 404
        assert (await shop.browser().post(used, data=WANTED)).status_code == 404
    assert (await sign_in(shop.browser(), "ada@example.com")).status_code == 422
    assert (await sign_in(shop.browser(), "ada@example.com", WANTED["password"])).status_code == 303


async def test_it_works_for_half_an_hour(shop: AccountShop) -> None:
    await shop.account()
    path = f"/account/resets/{await shop.reset_token()}"
    shop.clock.advance(minutes=29, seconds=59)
    assert (await shop.browser().get(path)).status_code == 200
    shop.clock.advance(seconds=1)
    assert (await shop.browser().get(path)).status_code == 404
    assert (await shop.browser().post(path, data=WANTED)).status_code == 404


async def test_a_link_that_was_spoiled_opens_nothing(shop: AccountShop) -> None:
    ada, bo = await shop.account("ada"), await shop.account("bo")
    token = await shop.reset_token("ada")
    _, expires, digest = token.split("-")
    for guess in (
        f"{bo}-{expires}-{digest}",
        f"{ada}-{int(expires) + 1}-{digest}",
        f"{ada}-{expires}-{'0' * 64}",
        token[:-1],
        token.upper(),
        "x",
        "é",
        "9" * 500,
    ):
        assert (await shop.browser().get(f"/account/resets/{guess}")).status_code == 404, guess
        assert (await shop.browser().post(f"/account/resets/{guess}", data=WANTED)).status_code == 404, guess
    assert (await sign_in(shop.browser(), "bo@example.com", PASSWORD)).status_code == 303


@pytest.mark.parametrize("password", ["", "short", "passwordpassword", "Ada@example.com"])
async def test_a_password_that_cannot_be_used_leaves_the_link_as_it_is(shop: AccountShop, password: str) -> None:
    await shop.account()
    path = f"/account/resets/{await shop.reset_token()}"
    answer: httpx.Response = await shop.browser().post(path, data={"password": password})
    assert answer.status_code == 422
    assert (await shop.browser().post(path, data=WANTED)).status_code == 303
