"""Many sign in at once: hashes of passwords take a core for seconds, and pages must not wait for them.

The docstring is a row of docs/reliability.md (tests/topology/table.py).
"""

from __future__ import annotations

import asyncio

import pytest

from hypermart.domain.customers.actions import Registration, register
from hypermart.passwords import hashed
from tests.topology.crowd import Patient, shopper
from tests.topology.running import Running
from tests.topology.test_faults import LONGEST, edge_is_asked, patience

pytestmark = pytest.mark.timeout(500)
PEOPLE, WRONG = 200, 20
PASSWORD = "purple kettle on the moon"
LATER = 3.0
"""Seconds after which somebody tries again who was told that too many sign in."""


async def test_two_hundred_sign_in_at_once(stack: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Some are told to try again, and are signed in then. Pages come as ever.

    Holds: no page fails or takes 10 s; whoever has the right password is signed in, nobody else, and as nobody else.
    """
    secret = await hashed(PASSWORD)
    async with stack.services() as services, services.db.write() as db:
        for number in range(PEOPLE):
            await register(
                db,
                Registration(f"many{number}@example.com", "", secret, wants_news=False),
                services.clock.now(),
                is_told=False,
            )

    crowd = [
        shopper(stack.url, f"many{number}", Patient(f"127.0.{1 + number // 200}.{1 + number % 200}", LATER))
        for number in range(PEOPLE)
    ]

    async def sign_in(number: int) -> str:
        async with crowd[number].client:
            typed = {"email": f"many{number}@example.com", "password": PASSWORD if number >= WRONG else f"{PASSWORD}!"}
            await crowd[number].send(await crowd[number].visit("/account/sign-in"), "/account/sign-in", **typed)
            page = await crowd[number].visit("/account")
            return typed["email"] if typed["email"] in page.text else page.url.removeprefix(stack.url)

    asked = asyncio.create_task(edge_is_asked(stack, 8))
    endings = await asyncio.gather(*map(sign_in, range(PEOPLE)))
    statuses, longest = await asked
    assert set(statuses) == {200}
    assert longest < LONGEST
    assert all(ending.startswith("/account/sign-in") for ending in endings[:WRONG])
    assert endings[WRONG:] == [f"many{number}@example.com" for number in range(WRONG, PEOPLE)]
    tries = sum(len(patience(each).troubles) for each in crowd)
    figures = (
        f"{PEOPLE} sign-ins, put off {tries} times; {len(statuses)} pages beside them, the slowest {longest:.1f} s"
    )
    with capsys.disabled():
        print(f"\n{figures}")  # noqa: T201
