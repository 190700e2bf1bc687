"""/qa: there only in QA mode, only for who knows the secret; and what it does is what it says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import func, select

from hypermart import cli
from hypermart.app import create_app
from hypermart.db import snapshot
from hypermart.demo.carts import CARTS
from hypermart.domain.cart.models import Cart
from hypermart.domain.orders.models import Order
from hypermart.qa.clock import START, QaClock
from hypermart.qa.desk import ORDERED
from hypermart.settings import BadSetting, Settings, load
from tests.parts.visitor import ORIGIN, visiting
from tests.qa.conftest import SECRET, QaSite, opened_site, with_secret

pytestmark = pytest.mark.slow  # each worker fills a shop

DOORS: list[tuple[str, str, Any]] = [
    ("GET", "/qa/clock", None),
    ("POST", "/qa/clock", {"seconds": 1}),
    ("POST", "/qa/reset", None),
    ("POST", "/qa/orders", {"status": "paid"}),
    ("GET", "/qa/mails", None),
    ("POST", "/qa/login-as", {"visitor": "typical"}),
]
DOOR = pytest.mark.parametrize(("method", "path", "body"), DOORS, ids=lambda each: str(each).removeprefix("/qa/"))
KNOWN = {"authorization": f"Bearer {SECRET}"}


@DOOR
@pytest.mark.parametrize("mode", ["production", "demo"])
async def test_other_shops_have_no_qa(mode: str, method: str, path: str, body: Any, demo_settings: Settings) -> None:
    """Not even for who knows the secret."""
    settings = msgspec.structs.replace(with_secret(demo_settings), mode=mode)
    async with visiting(create_app(settings, clock=QaClock())) as http:
        nothing = await http.request(method, "/qa/nothing", json=body, headers=KNOWN)
        answer = await http.request(method, path, json=body, headers=KNOWN)
    assert answer.status_code == nothing.status_code == 404
    assert answer.text == nothing.text


@pytest.mark.parametrize("word", ["", "Bearer", "Bearer ", f"Bearer {SECRET}x", f"bearer {SECRET}", SECRET])
async def test_without_the_secret_there_is_nothing(qa: QaSite, word: str) -> None:
    before = await _rows(qa)
    async with qa.shopper() as http:
        given = {"authorization": word} if word else {}
        nothing = await http.get("/qa/nothing")
        for method, path, body in DOORS:
            answer = await http.request(method, path, json=body, headers=given)
            assert (answer.status_code, answer.text) == (404, nothing.text), path
    assert await _rows(qa) == before


async def _rows(qa: QaSite) -> dict[str, Any]:
    """But for those that jobs write by themselves: renditions may be being made."""
    tables = await snapshot.take(qa.database.writer)
    return {name: rows for name, rows in tables.items() if name not in ("pictures", "outbox")}


async def test_a_qa_shop_without_a_secret_has_no_qa(qa: QaSite) -> None:
    from hypermart.qa.shop import create_qa_app  # noqa: PLC0415
    from tests.parts.selling_site import delivering  # noqa: PLC0415

    app = create_qa_app(msgspec.structs.replace(qa.settings, qa_secret=""), delivering)
    assert not [route.path for route in app.routes if route.path.startswith("/qa")]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"MODE": "production", "QA_SECRET": SECRET}, "QA_SECRET opens shops for tests"),
        ({"MODE": "demo", "QA_SECRET": SECRET}, "QA_SECRET opens shops for tests"),
        ({"MODE": "qa", "QA_SECRET": "short"}, "16 characters"),
    ],
)
def test_a_secret_is_for_qa_and_long(environ: dict[str, str], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        load(environ)


async def count(qa: QaSite, table: type[Cart | Order]) -> int:
    async with qa.database.fresh() as db:
        return int((await db.execute(select(func.count()).select_from(table))).scalar_one())


async def test_reset_takes_back_whatever_has_happened(qa: QaSite) -> None:
    kept, mails = await snapshot.take(qa.database.writer), (await qa.tester.get("/qa/mails")).json()
    journal = (await qa.tester.get("/bogus/journal", headers={"authorization": "Bearer bogus"})).json()
    await qa.tester.post("/qa/orders", json={"status": "paid", "email": "ada@example.com"})
    await qa.tester.post("/qa/clock", json={"seconds": 3600})
    async with qa.shopper() as http:
        await http.post("/cart/lines", data={"variant": "1", "quantity": "2"})
    await qa.tester.post("/bogus/control", json={"settle": True}, headers={"authorization": "Bearer bogus"})
    assert (await qa.tester.get("/qa/mails?to=ada@example.com&wait=5")).json()
    changed = (await qa.tester.post("/qa/reset")).json()["changed"]
    assert {"orders", "carts", "cart_lines", "stock_levels", "counters"} <= set(changed)
    assert "products" not in changed
    assert await snapshot.take(qa.database.writer) == kept
    assert (await qa.tester.get("/qa/mails")).json() == mails
    assert (await qa.tester.get("/bogus/journal", headers={"authorization": "Bearer bogus"})).json() == journal
    assert (await qa.tester.get("/qa/clock")).json() == {"now": START.isoformat().replace("+00:00", "Z")}
    assert (await qa.tester.post("/qa/reset")).json() == {"changed": []}


@pytest.mark.parametrize("status", ORDERED)
async def test_an_order_in_each_status_is_made_and_can_be_opened(qa: QaSite, status: str) -> None:
    before = await count(qa, Order)
    made = (await qa.tester.post("/qa/orders", json={"status": status})).json()
    assert await count(qa, Order) == before + 1
    async with qa.shopper() as http:
        page = await http.get(made["url"])
        seeded = await http.get(_seeded(status, page))
    assert page.status_code == 200
    assert f"Order {made['number']}" in page.text
    assert _facts(page) == _facts(seeded)


def _seeded(status: str, page: httpx.Response) -> str:
    from hypermart.domain.orders.links import order_token  # noqa: PLC0415
    from hypermart.settings import QA_KEY  # noqa: PLC0415

    number = 1001 + list(ORDERED).index(status)
    return f"{ORIGIN}/orders/{number}?t={order_token(QA_KEY.encode(), number)}"


def _facts(page: httpx.Response) -> list[str]:
    return [words for words in ("Not paid yet", "Paid", "It was cancelled", "Export, no VAT") if words in page.text]


async def test_time_stands_and_moves_when_told(qa: QaSite) -> None:
    at = datetime(2027, 1, 1, 9, 30, tzinfo=UTC)
    assert (await qa.tester.post("/qa/clock", json={"at": at.isoformat()})).json() == {"now": "2027-01-01T09:30:00Z"}
    await qa.tester.post("/qa/clock", json={"seconds": 90})
    assert (await qa.tester.get("/qa/clock")).json() == {"now": "2027-01-01T09:31:30Z"}
    async with qa.shopper() as http:
        await http.post("/cart/lines", data={"variant": "1", "quantity": "1"})
    async with qa.database.fresh() as db:
        assert at < (await db.execute(select(func.max(Cart.updated_at)))).scalar_one()


async def test_mails_are_found_by_address_and_subject_and_waited_for(qa: QaSite) -> None:
    await qa.tester.post("/qa/orders", json={"status": "transfer", "email": "ada@example.com"})
    (mail,) = (await qa.tester.get("/qa/mails?to=ada@example.com&subject=Your+order&wait=5")).json()
    assert mail["subject"] == "Your order 1007 at Plate & Paper"
    assert "Please transfer" in mail["text"]
    assert mail["links"]["See your order"].startswith(f"{ORIGIN}/orders/1007?t=")
    assert (await qa.tester.get("/qa/mails?to=nobody@example.com&wait=0.1")).json() == []


@pytest.mark.parametrize("visitor", ["typical", "at-review", "declined"])
async def test_a_browser_becomes_a_seeded_visitors(qa: QaSite, visitor: str) -> None:
    answer = await qa.tester.post("/qa/login-as", json={"visitor": visitor})
    assert answer.json() == {"name": "cart", "value": f"visitor-{visitor}"}
    assert "Nothing is in your cart" not in (await qa.tester.get("/cart")).text
    qa.tester.cookies.clear()


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/qa/clock", {"at": "2026-11-02T12:00:00"}, "with its zone"),
        ("/qa/clock", {"seconds": "soon"}, "float"),
        ("/qa/clock", {"minutes": 5}, "minutes"),
        ("/qa/orders", {"status": "stolen"}, "status is one of paid"),
        ("/qa/orders", {}, "status"),
        ("/qa/login-as", {"visitor": "nobody"}, "visitor is one of at-address"),
    ],
)
async def test_what_cannot_be_done_is_said(qa: QaSite, path: str, body: Any, words: str) -> None:
    answer = await qa.tester.post(path, json=body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


async def test_every_named_cart_is_seeded(qa: QaSite) -> None:
    assert await count(qa, Cart) > len(CARTS)


def test_a_merchants_shop_is_never_emptied(
    demo_copy_settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"MODE": "qa", "PORT": "8999", "DATABASE_URL": demo_copy_settings.database_url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATA_DIR", str(demo_copy_settings.data))
    assert cli.main(["serve"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hypermart: MODE=qa would empty this shop")


@pytest.mark.slow
async def test_a_qa_shop_begins_anew_each_time(settings: Settings) -> None:
    async with opened_site(with_secret(settings)) as site:
        await site.tester.post("/qa/orders", json={"status": "paid"})
        decided = {"settle": True, "deliver": True}  # for the visitor who waits for the bank: that is an order, too
        await site.tester.post("/bogus/control", json=decided, headers={"authorization": "Bearer bogus"})
        assert await count(site, Order) == len(ORDERED) + 2
    async with opened_site(with_secret(settings)) as site:
        assert await count(site, Order) == len(ORDERED)
        assert len((await site.tester.get("/qa/mails")).json()) > len(ORDERED)
