"""The port Cdn: what is cached under a key is gone after a purge, or the purge says that it failed. All CDNs alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from hypermart.adapters.cdn import PurgeFailed, opened
from hypermart.settings import BadSetting
from tests.parts.cdn_doubles import FAULTS, TOKEN, WRONG, Double, double
from tests.parts.origin import origin, page
from tests.parts.varnish import running

URLS = {"fastly": "fastly:S1?api={}", "cloudflare": "cloudflare:Z1?api={}", "varnish": "varnish:{}"}
PATIENCE = 0.5


class RealVarnish:
    """A Varnish before an origin whose pages carry the keys that a test gives them."""

    def __init__(self, http: httpx.Client, pages: dict[str, list[str]]) -> None:
        self._http, self._pages = http, pages

    def cache(self, name: str, keys: list[str]) -> None:
        self._pages[f"/p/{name}"] = keys
        self._http.get(f"/p/{name}")
        assert self.has(name)

    def has(self, name: str) -> bool:
        return self._http.get(f"/p/{name}").headers["x-cache"] == "hit"


@pytest.fixture
def vendor() -> Iterator[Double]:
    with double() as server:
        yield server


@pytest.fixture(params=["fastly", "cloudflare", pytest.param("varnish", marks=pytest.mark.stack)])
def cdn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Double | RealVarnish]]:
    """The setting of a CDN that does its work, and the CDN."""
    if request.param != "varnish":
        with double() as server:
            yield URLS[request.param].format(server.url), server
        return
    pages: dict[str, list[str]] = {}
    with (
        origin() as shop,
        running(tmp_path, shop.port) as varnish,
        httpx.Client(base_url=varnish.url) as http,
    ):
        shop.answer = lambda asked: page(keys=" ".join(pages[asked.target]))
        yield f"varnish:{varnish.purge_url}", RealVarnish(http, pages)


async def purge(url: str, keys: list[str], token: str = TOKEN) -> None:
    async with opened(url, token, patience=PATIENCE) as found:
        await found.purge(keys)


async def test_what_is_cached_under_a_key_is_gone_and_the_rest_stays(cdn: tuple[str, Double | RealVarnish]) -> None:
    url, pages = cdn
    pages.cache("mug", ["menu", "product:1", "category:3"])
    pages.cache("bowl", ["menu", "product:11", "category:3"])
    await purge(url, ["product:1"])
    assert (pages.has("bowl"), pages.has("mug")) == (True, False)
    pages.cache("mug", ["menu", "product:1"])
    await purge(url, ["menu", "menu", "product:5"])
    assert not pages.has("mug")
    assert not pages.has("bowl")


async def test_a_thousand_keys(cdn: tuple[str, Double | RealVarnish]) -> None:
    url, pages = cdn
    pages.cache("other", ["product:5000"])
    for number in (0, 500, 999):
        pages.cache(f"page-{number}", [f"content:a-page-with-a-rather-long-name-{number}"])
    async with opened(url, TOKEN) as found:
        await found.purge(f"content:a-page-with-a-rather-long-name-{number}" for number in range(1000))
    assert pages.has("other")
    assert not [number for number in (0, 500, 999) if pages.has(f"page-{number}")]


@pytest.mark.parametrize("kind", URLS)
async def test_no_keys_no_call(kind: str, vendor: Double) -> None:
    vendor.cache("mug", ["menu"])
    await purge(URLS[kind].format(vendor.url), [])
    assert vendor.calls == []
    assert vendor.has("mug")


@pytest.mark.parametrize(("kind", "most"), [("fastly", 256), ("cloudflare", 100), ("varnish", 1000)])
async def test_calls_keep_within_what_the_vendor_takes(kind: str, most: int, vendor: Double) -> None:
    keys = [f"product:{number}" for number in range(1000)]
    await purge(URLS[kind].format(vendor.url), keys)
    assert sorted(key for call in vendor.calls for key in call) == sorted(keys)
    assert max(map(len, vendor.calls)) <= most
    assert len(vendor.calls) <= 10


@pytest.mark.parametrize("kind", URLS)
@pytest.mark.parametrize("fault", [*FAULTS, "away"])
async def test_a_failure_is_raised_soon_and_tells_no_secret(
    kind: str, fault: str, vendor: Double, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    vendor.fault = "" if fault == "away" else fault
    url = URLS[kind].format("http://127.0.0.1:1" if fault == "away" else vendor.url)
    started = time.monotonic()
    with structlog.testing.capture_logs() as logs, pytest.raises(PurgeFailed) as failed:
        await purge(url, ["menu"])
    assert time.monotonic() - started < PATIENCE + 1
    assert str(failed.value).startswith(f"{kind}: 1 of 1 calls failed: 127.0.0.1")
    if fault == "429":
        assert "again in 17 s" in str(failed.value)
    told = [repr(failed.getrepr(style="long")), str(failed.value), str(logs), caplog.text, *capsys.readouterr()]
    assert not [text for text in told if TOKEN in text]


@pytest.mark.parametrize("kind", ["fastly", "cloudflare"])
async def test_a_token_that_is_refused_is_not_told_either(kind: str, vendor: Double) -> None:
    with pytest.raises(PurgeFailed, match="answered 401") as failed:
        await purge(URLS[kind].format(vendor.url), ["menu"], WRONG)
    assert WRONG not in str(failed.value)


async def test_every_varnish_is_purged_also_if_one_is_away(vendor: Double) -> None:
    vendor.cache("mug", ["menu"])
    with double() as second:
        second.cache("mug", ["menu"])
        with pytest.raises(PurgeFailed, match=r"1 of 3 calls failed: 127\.0\.0\.1:1: ConnectError"):
            await purge(f"varnish:http://127.0.0.1:1, {vendor.url},{second.url}", ["menu"])
        assert not vendor.has("mug")
        assert not second.has("mug")


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("varnish:", "", "is no origin"),
        ("varnish:127.0.0.1:6082", "", "is no origin"),
        ("varnish:http://127.0.0.1:6082/", "", "is no origin"),
        ("varnish:http://127.0.0.1:http", "", "is no origin"),
        ("varnish:http://a:1,,http://b:1", "", "is no origin"),
        ("varnish:unix:/run/varnish", "", "is no origin"),
        ("fastly:", TOKEN, "SERVICE_ID"),
        ("fastly:../x", TOKEN, "SERVICE_ID"),
        ("fastly:S1", "", "CDN_TOKEN must be set"),
        ("fastly:S1", "to ken", "CDN_TOKEN must be set"),
        ("cloudflare:Z1", "token\n", "CDN_TOKEN must be set"),
        ("cloudflare:Z1?api=api.test", TOKEN, "is no origin"),
        ("akamai:1", TOKEN, "use none:"),
        ("nonsense", "", "use none:"),
    ],
)
async def test_a_setting_that_cannot_be_used_is_said_in_one_line(url: str, token: str, words: str) -> None:
    with pytest.raises(BadSetting, match=words) as bad:
        await purge(url, ["menu"], token)
    assert "\n" not in str(bad.value)
    assert not token or token not in str(bad.value)
