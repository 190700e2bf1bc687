"""Nothing secret or personal is in any log of the topology; and one request is found in all of them by its id."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import re
import subprocess
import sys
import time

import httpx
import pytest

from hypermart.stack.plan import DATABASE, shop_environment
from tests.parts.canary import Canary, leaks
from tests.parts.origin import until
from tests.topology.crowd import shopper
from tests.topology.running import Running

pytestmark = pytest.mark.timeout(300)
PATIENCE = 60.0
"""Seconds until a mail has come, on a busy machine."""


async def mail(stack: Running, sought: str) -> str:
    """The text of the one that has these words, headers and all, as soon as it has come."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for path in (stack.folder / "shop" / "mail").glob("*.eml"):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            body = message.get_body(("plain",))
            text = f"{message['To']}\n{message['X-Request-Id']}\n{body.get_content() if body else ''}"
            if re.search(sought, text, re.DOTALL):
                return text
        await asyncio.sleep(0.2)
    raise AssertionError(f"no mail has {sought}")


async def test_no_log_knows_who_came(stack: Running) -> None:
    """A purchase with a refused card, an account, a forgotten password, staff, and an error.

    Holds: no password, cookie, key or name is in any log.
    """
    (variant,) = await stack.stocked(1, units=1000)
    person = shopper(stack.url, "canary", httpx.AsyncHTTPTransport(local_address="127.0.2.1"))
    staff = shopper(stack.url, "canary", httpx.AsyncHTTPTransport(local_address="127.0.2.2"))
    canary = Canary(person, staff)
    for name in ("gateway", "shop"):
        canary.secrets[f"secret of the {name}"] = (stack.folder / f"{name}.secret").read_text()
    command = [sys.executable, "-m", "hypermart", "staff", "add", "Keeper", canary.staff_email]
    environment = os.environ | shop_environment(stack.shape, stack.folder)
    await asyncio.to_thread(
        subprocess.run,
        command,
        env=environment,
        input=f"{canary.password}\n",
        text=True,
        check=True,
        capture_output=True,
    )

    async def link() -> str:
        found = re.search(r"/account/resets/[\w-]+", await mail(stack, f"{canary.email}.*/account/resets/"))
        assert found
        return found[0]

    async def sql(statement: str) -> None:
        named = statement.replace("TRIGGER broken", f"TRIGGER {DATABASE}.broken").replace(
            " carts ", f" {DATABASE}.carts "
        )
        await asyncio.to_thread(stack.sql, "mysql-primary", named)

    app = [stack.gain(name) for name in stack.shape.apps]
    async with person.client, staff.client:
        await canary.buy(variant)
        await canary.have_an_account(link)
        await canary.keep_shop()
        await canary.meet_an_error(variant, "mysql", sql)
    events = [row["event"] for log in app for row in log.rows()]
    assert events.count("request") > 30
    until(lambda: "request.failed" in [row["event"] for log in app for row in log.rows()])
    assert leaks(stack.folder / "logs", canary.secrets) == []


async def test_an_order_is_found_in_every_log_by_one_id(stack: Running) -> None:
    """Where it was placed: at the edge, at the gateway, in the app, in the worker, and in the mail.

    Holds: one id leads through all of it.
    """
    (variant,) = await stack.stocked(1, units=1000)
    ids: list[str] = []

    async def note(answer: httpx.Response) -> None:
        if (answer.request.method, answer.request.url.path) == ("POST", "/checkout/orders"):
            ids.append(answer.headers["x-request-id"])

    ada = shopper(stack.url, "traced", httpx.AsyncHTTPTransport(local_address="127.0.2.3"))
    ada.client.event_hooks["response"] = [note]
    async with ada.client:
        await ada.buy(variant, payment="invoice")
    (id_,) = ids
    assert "traced@example.com" in await mail(stack, re.escape(id_))
    processes: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while len({name.rstrip("123") for name in processes}) < 4 and time.monotonic() < deadline:
        said = stack.say("logs", "--request", id_).stdout
        processes = [line.split()[0] for line in said.splitlines()]
    assert {name.rstrip("123") for name in processes} == {"varnish-log", "caddy", "app", "worker"}
    assert processes[0] == "varnish-log"
    assert processes[-1].startswith("worker")
    assert "POST" in said.splitlines()[0]
    assert "/checkout/orders" in said.splitlines()[0]


def test_an_unknown_id_is_said_in_a_line(stack: Running) -> None:
    for id_, code in (("no-such-request", 1), ("no id", 2)):
        said = stack.say("logs", "--request", id_, check=False)
        assert (said.returncode, (said.stdout + said.stderr).count("\n")) == (code, 1)


def test_the_log_follows_a_varnish_that_was_started_anew(stack: Running) -> None:
    """Nothing: from a moment after the start each request has its line again.

    Holds: the log follows.
    """
    for how in ("KILL", ""):
        if how:
            stack.kill("varnish", how)
        stack.say("restart", "varnish")
        deadline = time.monotonic() + PATIENCE
        log = stack.gain("varnish-log")
        while not any(row["path"] == "/cart" for row in log.rows()):
            assert time.monotonic() < deadline
            httpx.get(f"{stack.url}/cart")
            time.sleep(0.1)
    assert "varnish-log" not in stack.ill()
