"""What strangers can have mailed to somebody: little, and nobody learns from the answers when it ends."""

from __future__ import annotations

import httpx
import msgspec
import pytest
from sqlalchemy import select

from hypermart.db.outbox import Outbox
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.account.test_sign_in import alike
from tests.parts.accounts import PASSWORD, account_shop
from tests.parts.valkeys import Valkey

JOBS = {"register": "mail_registered", "forgotten": "mail_reset"}
MANY = 5


@pytest.mark.parametrize("email", ["ada@example.com", "nobo@example.com"])
@pytest.mark.parametrize("path", list(JOBS))
async def test_three_an_hour_and_the_answer_is_the_same(
    demo_copy_settings: Settings, clock: QaClock, valkey: Valkey, path: str, email: str
) -> None:
    settings = msgspec.structs.replace(demo_copy_settings, mode="demo")
    async with account_shop(settings, clock, valkey) as shop:
        await shop.account("ada")
        jobs = select(Outbox.id).where(Outbox.job == JOBS[path])
        before = len(await shop.rows(jobs))

        async def ask(email: str, host: str) -> httpx.Response:
            fields = {"email": email, "name": "Eve", "password": PASSWORD}
            return await shop.browser(host=host).post(f"/account/{path}", data=fields)

        answers = [await ask(email.upper() if n % 2 else email, f"192.0.2.{n}") for n in range(MANY)]
        assert len({str(alike(answer, email)) for answer in answers}) == 1
        assert answers[0].status_code == 303
        assert len(await shop.rows(jobs)) - before == 3
        await ask("bo@example.com", "192.0.2.1")
        assert len(await shop.rows(jobs)) - before == 4, "others still get theirs"
