"""Every HTML state is valid, small, and tells machines the same as people."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from hypermart.qa.checks import html_errors
from hypermart.qa.forms import Page
from hypermart.qa.states import HTML_STATES, Kind, State
from hypermart.web.store.structured import script

Shops = Callable[[str], httpx.Client]
#: Bytes of HTML on the wire, gzip -9: the first row that a shopper waits for.
PAGE_BYTES = {
    Kind.HOME: 14_000,
    Kind.LIST: 16_000,
    Kind.PRODUCT: 14_000,
    Kind.CONFLICT: 14_000,
    Kind.CONTENT: 10_000,
    Kind.ERROR: 10_000,
    Kind.PLAIN: 1_000,
    Kind.PRIVATE: 16_000,
    Kind.MAIL: 4_000,
    Kind.BANK: 2_000,
}
STYLE_BYTES, SCRIPT_BYTES = 14_000, 18_000
#: The one face that every page preloads; woff2 is compressed already.
FONT_BYTES = 24_000
PRODUCTS = [state for state in HTML_STATES if state.kind is Kind.PRODUCT]
G = "{http://base.google.com/ns/1.0}"
FEED_FIELDS = ("id", "title", "description", "link", "availability", "price", "condition")


def packed(content: bytes) -> int:
    return len(gzip.compress(content, 9))


@pytest.mark.slow
def test_the_html_checker_finds_nothing(shops: Shops, tmp_path: Path) -> None:
    pages = {state.name: state.answer(shops(state.seed)).content for state in HTML_STATES}
    assert html_errors(pages, tmp_path) == []


@pytest.mark.parametrize("state", HTML_STATES, ids=lambda state: state.name)
def test_a_page_is_small(state: State, shops: Shops) -> None:
    assert packed(state.answer(shops(state.seed)).content) <= PAGE_BYTES[state.kind]


@pytest.mark.parametrize("state", HTML_STATES, ids=lambda state: state.name)
def test_every_form_that_changes_something_has_a_field(state: State, shops: Shops) -> None:
    """lynx sends a form without any by GET."""
    forms = Page(state.answer(shops(state.seed))).forms
    assert [form.action for form in forms if form.method == "post" and not form.fields] == []


def test_what_every_page_loads_is_small(shop: httpx.Client) -> None:
    page = shop.get("/p/full-moon").text

    def weight(expression: str) -> int:
        found = re.findall(expression, page)
        assert found, expression
        return sum(packed(shop.get(address).content) for address in found)

    assert weight(r'<link rel="stylesheet" href="([^"]+)"') <= STYLE_BYTES
    assert weight(r'<script src="([^"]+)"') <= SCRIPT_BYTES
    assert weight(r'<link rel="preload" href="([^"]+)" as="font"') <= FONT_BYTES


def structured(page: str) -> list[dict[str, Any]]:
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert len(found) == 1
    graph: list[dict[str, Any]] = json.loads(found[0])["@graph"]
    return graph


def shown_price(page: str) -> str:
    """The price that a shopper reads beside the options, without what it was before."""
    match = re.search(r'<p class="price" id="price"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert match
    now = re.search(r"€([\d,.]+)", re.sub(r'<span class="was">.*?</span>', "", match[1]))
    assert now
    return now[1].replace(",", "")


def test_no_title_ends_the_script_that_holds_it() -> None:
    data = {"name": "</script><!-- R&D \u2028\u2029"}
    text = str(script(data))
    assert not {*"<>&\u2028\u2029"} & {*text}
    assert json.loads(text) == data


@pytest.mark.parametrize("state", PRODUCTS, ids=lambda state: state.name)
def test_structured_data_has_what_google_requires(state: State, shop: httpx.Client) -> None:
    page = shop.get(state.path).text
    item, crumbs = structured(page)
    variants = item["hasVariant"] if item["@type"] == "ProductGroup" else [item]
    assert item["name"] == html.unescape(re.findall(r"<h1[^>]*>(.*?)</h1>", page)[0])
    if item["@type"] == "ProductGroup":
        assert item["productGroupID"]
        assert item["variesBy"]
        assert len(variants) > 1
    if state.name != "no-picture":
        assert all(url.startswith(str(shop.base_url)) for url in item["image"])
    offers = {variant["sku"]: variant["offers"] for variant in variants}
    for variant in variants:
        assert variant["name"]
    for sku, offer in offers.items():
        assert offer["@type"] == "Offer"
        assert re.fullmatch(r"\d+\.\d\d", offer["price"])
        assert offer["priceCurrency"] == "EUR"
        assert offer["availability"].rpartition("/")[2] in {"InStock", "OutOfStock", "MadeToOrder"}
        assert offer["url"].endswith(f"?v={sku}")
    assert shown_price(page) in {offer["price"] for offer in offers.values()}
    assert crumbs["@type"] == "BreadcrumbList"
    assert [entry["position"] for entry in crumbs["itemListElement"]] == [*range(1, len(crumbs["itemListElement"]) + 1)]


def feed(shop: httpx.Client) -> list[dict[str, str]]:
    tree = ET.fromstring(shop.get("/feeds/products.xml").content)  # noqa: S314  (our own bytes)
    return [{field.tag.removeprefix(G): field.text or "" for field in item} for item in tree.iter("item")]


def test_the_product_feed_has_what_google_requires(shop: httpx.Client) -> None:
    items = feed(shop)
    assert len(items) > 600
    assert len({item["id"] for item in items}) == len(items)
    for item in items:
        assert all(item.get(name) for name in FEED_FIELDS), item
        assert re.fullmatch(r"\d+\.\d\d EUR", item["price"])
        assert item["availability"] in {"in_stock", "out_of_stock", "backorder"}
        assert item.get("brand") or item.get("identifier_exists") == "no"
        assert len(item["title"]) <= 150
    assert {item["link"].partition("?")[0] for item in items if "image_link" not in item} == {
        f"{shop.base_url}/p/state-no-picture".replace("//p", "/p")
    }


def one_of_each(items: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """The last variant of each product: rarely the one that its page shows by itself."""
    yield from {item["link"].partition("?")[0]: item for item in items}.values()


@pytest.mark.slow
def test_the_feed_and_the_page_name_the_same_price(shop: httpx.Client) -> None:
    for item in one_of_each(feed(shop)):
        asked = item.get("sale_price", item["price"])
        assert shown_price(shop.get(item["link"]).text) == asked.split()[0], item["link"]
