"""While the primary is away, forms of accounts are kept for another try, without any password."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import msgspec

from hypermart.qa.forms import Page
from hypermart.web.forms import SECRETS
from tests.parts.accounts import PASSWORD, AccountShop, account_shop
from tests.parts.shopping import FORM
from tests.parts.shops import AWAY

WANTED = "green bottle under a tree"


async def test_the_form_of_the_password_page_is_kept_without_the_passwords(shop: AccountShop) -> None:
    await shop.account()
    ada = await shop.signed_in()
    form = Page(await ada.get("/account/password")).form("/account/password")
    fields = form.filled({"current": PASSWORD, "password": WANTED})
    settings = shop.app.state.shop.settings
    lost = msgspec.structs.replace(settings, database_url=AWAY, database_read_url=settings.database_url)
    async with account_shop(lost, shop.clock, shop.valkey) as without:
        browser = without.browser()
        browser.cookies = ada.cookies
        answer = await browser.post("/account/password", content=urlencode(fields), headers=FORM)
    assert answer.status_code == 503
    assert PASSWORD not in answer.text
    assert WANTED not in answer.text
    kept = next(form for form in Page(answer).forms if form.method == "post").fields
    assert kept == [field for field in fields if field[0] in ("form_token", "email")]


async def test_every_field_of_a_password_is_known_as_one(shop: AccountShop) -> None:
    await shop.account()
    ada, nobody = await shop.signed_in(), shop.browser()
    found = set()
    for browser, path in (
        (ada, "/account/password"),
        (nobody, "/account/sign-in"),
        (nobody, "/account/register"),
        (nobody, f"/account/resets/{await shop.reset_token()}"),
        (nobody, "/staff/sign-in"),
    ):
        inputs = re.findall(r"<input[^>]*>", (await browser.get(path)).text)
        names = [re.findall(r'name="([^"]+)"', each)[0] for each in inputs if 'type="password"' in each]
        assert names, path
        found.update(names)
    assert found == SECRETS
