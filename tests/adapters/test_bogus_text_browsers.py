"""Paying at the bogus gateway in edbrowse and lynx, which know neither scripts nor styles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar, get

from hypermart import bogus
from hypermart.adapters.clock import SystemClock
from hypermart.bogus import journal
from tests.parts.bank import SECRET, TEMPLATES
from tests.parts.server import address, free_port, serving
from tests.parts.text_browsers import Lynx, edbrowse


@get("/thanks", media_type="text/html")
async def show_thanks() -> str:
    return "<!doctype html><html lang=en><title>Shop</title><p>Welcome back to the shop</p>"


@pytest.fixture
def pay_url(tmp_path: Path, worker: str) -> Iterator[str]:
    shop, bank = free_port(), free_port()
    clock, hook = SystemClock(), f"{address(shop)}/hooks/payments"
    setup = bogus.Setup(tmp_path / "bogus.db", TEMPLATES, address(bank), hook, SECRET, clock.now)
    with (
        serving(Litestar([show_thanks], openapi_config=None, logging_config=None), shop),
        serving(bogus.create_app(setup), bank),
    ):
        headers = {"authorization": f"Bearer {SECRET.decode()}", "idempotency-key": "k"}
        order = {"key": "k", "amount": 4900, "currency": "EUR", "return_url": f"{address(shop)}/thanks"}
        yield httpx.post(f"{address(bank)}/payments", json=order, headers=headers).json()["pay_url"]


def ended(folder: Path) -> list[str]:
    entries = journal.entries(folder / "bogus.db")
    return [entry.detail or entry.kind for entry in entries if not entry.kind.startswith("callback")]


@pytest.mark.text_browser
def test_edbrowse_approves(pay_url: str, tmp_path: Path) -> None:
    said = edbrowse([f"b {pay_url}", "/Pay /p", "/Do this/", "i1*", "1,$p"], tmp_path)
    assert "Pay €49.00" in said
    assert "Welcome back to the shop" in said
    assert ended(tmp_path) == ["opened", "authorised"]


@pytest.mark.text_browser
def test_edbrowse_declines(pay_url: str, tmp_path: Path) -> None:
    said = edbrowse([f"b {pay_url}", "/card has expired/", "i=+", "/Do this/", "i1*", "1,$p"], tmp_path)
    assert "Welcome back to the shop" in said
    assert ended(tmp_path) == ["opened", "expired_card"]


@pytest.mark.text_browser
def test_edbrowse_cancels(pay_url: str, tmp_path: Path) -> None:
    said = edbrowse([f"b {pay_url}", "/Cancel and/", "i2*", "1,$p"], tmp_path)
    assert "Welcome back to the shop" in said
    assert ended(tmp_path) == ["opened", "voided"]


@pytest.mark.text_browser
def test_lynx_passes_3d_secure(pay_url: str, tmp_path: Path) -> None:
    lynx = Lynx(tmp_path)
    lynx.follow("Ask for 3-D")
    lynx.follow("Do this")
    lynx.save()
    lynx.follow("Do this")
    lynx.save()
    challenge, shop = lynx.read(pay_url)
    assert "Is it you who pays €49.00?" in challenge
    assert "Welcome back to the shop" in shop
    assert ended(tmp_path) == ["opened", "challenged", "authorised"]
