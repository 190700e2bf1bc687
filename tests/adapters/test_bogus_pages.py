"""The shopper at the bogus gateway: every outcome through the pages, as a browser without scripting sends it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hypermart.bogus.outcomes import OUTCOMES
from hypermart.money import Money
from hypermart.qa.clock import QaClock
from hypermart.qa.tools import need
from tests.parts.bank import RETURN, SHOP, Stand, open_bank


@pytest.fixture
async def bank(tmp_path: Path, clock: QaClock) -> AsyncIterator[Stand]:
    async with open_bank(tmp_path, clock, patience=0.3) as stand:
        yield stand


class Page(HTMLParser):
    """The one form of a page, and what is worth a look beside it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[str] = []
        self.radios: dict[str, list[str]] = {}
        self.checked: dict[str, str] = {}
        self.buttons: list[str | None] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "form":
            assert given["method"] == "post"
            self.forms.append(given["action"] or "")
        if tag == "input":
            name, value = given["name"] or "", given["value"] or ""
            assert given["type"] == "radio"
            self.radios.setdefault(name, []).append(value)
            if "checked" in given:
                assert name not in self.checked
                self.checked[name] = value
        if tag == "button":
            self.buttons.append(given.get("name"))
        if tag == "a":
            self.links.append(given["href"] or "")


async def test_the_page_offers_every_outcome_in_one_form(bank: Stand) -> None:
    opened = await bank.open()
    answer = await bank.http.get(opened.pay_url)
    page = Page(answer.text)
    assert page.forms == [f"/pay/{opened.ref}"]
    assert page.radios == {"outcome": [*OUTCOMES]}
    assert page.checked == {"outcome": "approve"}
    assert page.buttons == [None, "cancel"]  # Enter presses the first
    assert "€49.00" in answer.text
    assert "shop.test" in answer.text
    assert not {"script", "template", "dialog"} & {*page.tags}


async def test_only_the_shop_is_where_the_form_may_lead(bank: Stand) -> None:
    answer = await bank.http.get((await bank.open()).pay_url)
    assert f"form-action 'self' {SHOP}" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    style = re.findall(r'<link rel="stylesheet" href="([^"]+)"', answer.text)
    assert (await bank.http.get(style[0])).headers["content-type"].startswith("text/css")


DECLINES = ["insufficient_funds", "expired_card", "lost_card", "do_not_honour", "fraud_suspected"]
AT_ONCE = {
    "approve": ("authorised", ""),
    **{reason: ("declined", reason) for reason in DECLINES},
    "pending_paid": ("pending", ""),
    "pending_failed": ("pending", ""),
    **dict.fromkeys(("callback_late", "callback_twice", "callback_lost", "callback_forged"), ("authorised", "")),
    **dict.fromkeys(("capture_late", "capture_refused"), ("authorised", "")),
}


def test_every_outcome_is_tried() -> None:
    assert {*AT_ONCE, "challenge"} == {*OUTCOMES}


@pytest.mark.parametrize("outcome", AT_ONCE)
async def test_a_choice_comes_true_and_leads_back_to_the_shop(bank: Stand, outcome: str) -> None:
    opened = await bank.open()
    answer = await bank.choose(opened, outcome)
    assert (answer.status_code, answer.headers["location"]) == (303, RETURN)
    found = await bank.gateway.find(opened.ref)
    assert (found.state, found.reason) == AT_ONCE[outcome]


@pytest.mark.parametrize(
    ("outcome", "state", "reason"),
    [("pending_paid", "authorised", ""), ("pending_failed", "declined", "insufficient_funds")],
)
async def test_what_is_pending_is_decided_in_the_end(
    bank: Stand, clock: QaClock, outcome: str, state: str, reason: str
) -> None:
    waited, hurried = await bank.open("1"), await bank.open("2")
    await bank.choose(waited, outcome)
    clock.advance(seconds=5)
    await bank.choose(hurried, outcome)
    clock.advance(seconds=5)
    await bank.hook.has(3)  # both are pending, and the first is decided
    found = await bank.gateway.find(waited.ref)
    assert (found.state, found.reason) == (state, reason)
    assert (await bank.gateway.find(hurried.ref)).state == "pending"
    assert (await bank.control(settle=True))["settled"] == [hurried.ref]
    assert (await bank.gateway.find(hurried.ref)).state == state
    await bank.hook.has(4)


@pytest.mark.parametrize(
    ("given", "state", "reason"),
    [("pass", "authorised", ""), ("fail", "declined", "authentication_failed"), ("leave", "open", "")],
)
async def test_3d_secure_asks_once_more(bank: Stand, given: str, state: str, reason: str) -> None:
    opened = await bank.open()
    asked = await bank.choose(opened, "challenge")
    assert (asked.status_code, asked.headers["location"]) == (303, f"{opened.pay_url}/challenge")
    page = Page((await bank.http.get(asked.headers["location"])).text)
    assert page.forms == [f"/pay/{opened.ref}/challenge"]
    assert (page.radios, page.checked) == ({"answer": ["pass", "fail", "leave"]}, {"answer": "pass"})
    assert (await bank.gateway.find(opened.ref)).state == "open"
    answer = await bank.http.post(asked.headers["location"], data={"answer": given})
    assert (answer.status_code, answer.headers["location"]) == (303, RETURN)
    found = await bank.gateway.find(opened.ref)
    assert (found.state, found.reason) == (state, reason)


async def test_who_walked_away_may_come_back(bank: Stand) -> None:
    opened = await bank.open()
    await bank.http.post(f"{opened.pay_url}/challenge", data={"answer": "leave"})
    await bank.choose(opened, "approve")
    assert (await bank.gateway.find(opened.ref)).state == "authorised"


async def test_cancel_leads_back_and_lets_go(bank: Stand) -> None:
    opened = await bank.open()
    answer = await bank.http.post(opened.pay_url, data={"outcome": "approve", "cancel": "1"})
    assert (answer.status_code, answer.headers["location"]) == (303, RETURN)
    assert (await bank.gateway.find(opened.ref)).state == "voided"
    await bank.hook.has(1)


@pytest.mark.parametrize("path", ["", "/challenge"])
@pytest.mark.parametrize("outcome", ["approve", "lost_card", "pending_paid"])
async def test_what_is_decided_stays_decided(bank: Stand, outcome: str, path: str) -> None:
    opened = await bank.open()
    await bank.choose(opened, outcome)
    before = await bank.gateway.find(opened.ref)
    page = Page((await bank.http.get(opened.pay_url + path)).text)
    assert (page.forms, page.links) == ([], [RETURN])
    for data in ({"outcome": "do_not_honour"}, {"outcome": "challenge"}, {"cancel": "1"}, {"answer": "fail"}):
        answer = await bank.http.post(opened.pay_url + path, data=data)
        assert answer.status_code in (200, 303)
        assert await bank.gateway.find(opened.ref) == before


@pytest.mark.parametrize("state", ["captured", "voided"])
async def test_the_page_says_how_it_ended(bank: Stand, state: str) -> None:
    opened = await bank.open()
    if state == "captured":
        await bank.choose(opened, "approve")
        await bank.gateway.capture(opened.ref, key="c")
    else:
        await bank.gateway.void(opened.ref, key="v")
    answer = await bank.http.get(opened.pay_url)
    assert {"captured": "paid", "voided": "cancelled"}[state] in answer.text
    assert Page(answer.text).links == [RETURN]


@pytest.mark.parametrize("path", ["", "/challenge"])
@pytest.mark.parametrize(
    "body", [b"", b"outcome=", b"outcome=free", b"answer=%00", b"outcome[]=approve", b"\xff\xfe=1", b"a=1&" * 50]
)
async def test_a_form_without_sense_is_asked_again(bank: Stand, path: str, body: bytes) -> None:
    opened = await bank.open()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await bank.http.post(opened.pay_url + path, content=body, headers=headers)
    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    page = Page(answer.text)
    assert len(page.forms) == 1
    assert f'id="{page.links[0][1:]}"' in answer.text
    assert (await bank.gateway.find(opened.ref)).state == "open"


@pytest.mark.parametrize("path", ["/pay/unknown", "/pay/unknown/challenge", "/", "/nothing"])
async def test_unknown_addresses_are_a_page(bank: Stand, path: str) -> None:
    answer = await bank.http.get(path)
    assert answer.status_code == 404
    assert "<h1>No such payment</h1>" in answer.text
    assert (await bank.http.post("/pay/unknown", data={"outcome": "approve"})).status_code == 404


@pytest.mark.slow
async def test_the_html_checker_finds_nothing(bank: Stand, tmp_path: Path) -> None:
    jar, folder = need("vnu"), tmp_path / "pages"
    folder.mkdir()
    opened, none = await bank.open(), await bank.open("none", Money(0, "EUR"))
    decided = await bank.open("decided")
    await bank.choose(decided, "approve")
    urls = [opened.pay_url, f"{opened.pay_url}/challenge", none.pay_url, decided.pay_url, f"{opened.pay_url}x"]
    pages = [await bank.http.get(url) for url in urls] + [await bank.http.post(url) for url in urls[:2]]
    for number, page in enumerate(pages):
        (folder / f"{number}-{page.status_code}.html").write_bytes(page.content)
    command = ["java", "-Xss4m", "-jar", jar, "--errors-only", "--format", "json", str(folder)]
    checked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=110)  # noqa: ASYNC221
    assert json.loads(checked.stderr)["messages"] == []
    assert checked.returncode == 0
