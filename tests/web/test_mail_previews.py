"""Samples of every mail, for people who write and translate them: rendered, never sent; none in production."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from hypermart.app import create_app
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from hypermart.settings import ROOT, Settings
from hypermart.web.demo.mail import ALONE
from hypermart.web.demo.samples import samples
from tests.jobs.rows import rows
from tests.parts.visitor import visiting

TEMPLATES = sorted(path.name for path in (ROOT / "templates" / "email").iterdir() if path.is_dir())


@pytest.fixture
async def http(services: Services, clock: QaClock) -> AsyncIterator[httpx.AsyncClient]:
    async with visiting(create_app(services.settings, clock=clock)) as client:
        yield client


def test_every_mail_has_a_sample(settings: Settings) -> None:
    assert sorted({sample.template for sample in samples(settings)}) == TEMPLATES


async def test_samples_are_listed_and_read(http: httpx.AsyncClient, services: Services) -> None:
    assert 'href="/mail/previews"' in (await http.get("/mail")).text
    listed = (await http.get("/mail/previews")).text
    links = re.findall(r'href="(/mail/previews/[^"]+)"', listed)
    assert len(links) == len(set(links)) == len(list(samples(services.settings)))
    assert "Your order 1001 at Plate &amp; Paper" in listed
    for link in links:
        page = await http.get(link)
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert f'href="{link}/html"' in page.text
        assert "Ada Beispiel &lt;ada@example.com&gt;" in page.text
        html = await http.get(f"{link}/html")
        assert html.headers.get_list("content-security-policy") == [ALONE]
        assert html.text.startswith("<!doctype html>")
    assert "Please transfer" in (await http.get("/mail/previews/mail_order_confirmation.transfer")).text
    assert not (services.settings.data / "mail").exists()
    assert await rows(services) == []


@pytest.mark.parametrize("path", ["/mail/previews/x", "/mail/previews/x/html", "/mail/previews/parts.html"])
async def test_what_is_not_there_is_404(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


async def test_a_production_shop_has_none(settings: Settings, clock: QaClock) -> None:
    real = msgspec.structs.replace(settings, mode="production", gateway_url="none:")
    async with visiting(create_app(real, clock=clock)) as client:
        for path in ("/mail/previews", "/mail/previews/mail_payment_failed.expired"):
            assert (await client.get(path)).status_code == 404
