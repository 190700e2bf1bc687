"""Whatever is asked for: the right page, or a clear refusal with a way on. Never a traceback."""

from __future__ import annotations

import re

import httpx
import msgspec
import pytest

from hypermart.app import create_app
from hypermart.settings import Settings
from tests.parts.server import free_port, serving
from tests.parts.visitor import visiting

pytestmark = pytest.mark.slow  # every country

CATEGORY, PRODUCT = "/c/paintings-prints", "/p/earth"


async def see(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await client.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.headers.get("location"))
    return answer.text


async def moved(client: httpx.AsyncClient, path: str) -> tuple[int, str]:
    answer = await client.get(path)
    return answer.status_code, answer.headers.get("location", "")


@pytest.mark.parametrize(
    "query", ["?nope=1", "?utm_source=mail&gclid=1", "?sort=nope", "?available=2", "?page=1", "?sort=featured"]
)
async def test_what_means_nothing_changes_nothing(client: httpx.AsyncClient, query: str) -> None:
    assert await see(client, CATEGORY + query) == await see(client, CATEGORY)


async def test_fields_that_a_plain_form_sends_empty_are_cleaned_away(client: httpx.AsyncClient) -> None:
    query = "?min=&max=&sort=featured&frame=oak-frame&size="
    assert await moved(client, CATEGORY + query) == (303, CATEGORY + "?frame=oak-frame")
    assert await moved(client, "/search?q=") == (303, "/search")


async def test_a_filter_value_that_does_not_exist_is_named(client: httpx.AsyncClient) -> None:
    page = await see(client, CATEGORY + "?artist=nobody-at-all&max=cheap")
    assert "nobody-at-all" in page
    assert "cheap" in page


@pytest.mark.parametrize("page", ["1000000000", "99", "-1", "0", "abc", "1.5", "1" * 500])
async def test_a_page_that_is_not_there_shows_the_way_to_the_last(client: httpx.AsyncClient, page: str) -> None:
    text = await see(client, f"{CATEGORY}?frame=oak-frame&page={page}", 404)
    assert f'href="{CATEGORY}?frame=oak-frame&amp;page=2"' in text


@pytest.mark.parametrize(
    "query",
    [
        "<script>alert(1)</script>",
        "' OR 1=1 --",
        '"zq* AND NEAR(',
        "+-*()~<>@",
        "%00%ff%fe",
        "\\",
        "a" * 5000,
        "%",
        "_",
        "🖼️",
        "漢字 картина",
    ],
)
async def test_anything_may_be_searched_for(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get("/search", params={"q": query})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("size", [100, 3000])
async def test_huge_queries_are_read_within_limits(client: httpx.AsyncClient, size: int) -> None:
    assert "products" in await see(client, CATEGORY + "?" + "&".join(f"key{n}=value{n}" for n in range(size)))
    assert "products" in await see(client, CATEGORY + "?artist=" + "x" * size * 10)


async def test_a_variant_of_another_product_is_refused_with_a_way_on(client: httpx.AsyncClient) -> None:
    for sku in ("AP001-S-U", "nope", "<b>", "x" * 3000):
        assert f'href="{PRODUCT}"' in await see(client, f"{PRODUCT}?v={sku}", 404)


async def test_option_fields_lead_to_the_address_of_the_variant(client: httpx.AsyncClient) -> None:
    answer = await client.get("/p/summer-flowers", params={"option1": "30 × 40 cm", "option2": "Oak frame"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/summer-flowers?v=AP004-M-O")


async def test_a_combination_that_is_not_made_shows_the_nearest_and_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/p/summer-flowers", params={"option1": "30 × 40 cm", "option2": "Gold"})
    assert answer.status_code == 409
    assert "We do not make 30 × 40 cm, Gold." in answer.text


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/P/earth", None),
        ("/p/Earth?v=x", "/p/earth?v=x"),
        ("/c/SPACE", "/c/space"),
        ("/p/earth/", "/p/earth"),
        ("/c/space//?page=2", "/c/space?page=2"),
        ("//evil.example/", "/evil.example"),
        ("///evil.example//x/", "/evil.example/x"),
    ],
)
async def test_other_spellings_of_an_address(client: httpx.AsyncClient, asked: str, meant: str | None) -> None:
    request = client.build_request("GET", "http://shop.test/")
    request.url = request.url.copy_with(raw_path=asked.encode())
    answer = await client.send(request)
    if meant is None:
        assert answer.status_code == 404
    else:
        assert (answer.status_code, answer.headers["location"]) == (301, meant)


@pytest.mark.parametrize(
    "path",
    [
        *("/nope", "/p/nope", "/c/nope", "/collections/nope", "/pages/nope", "/p/..%2f..%2fetc", "/p/%00", "/p/%ff"),
        *("/media/originals/../../etc/passwd", "/media/x", "/media/originals", "/media/originals/%2e%2e/x.jpg"),
        *("/static/x/../pyproject.toml", "/sitemaps/products-0.xml", "/sitemaps/products-99.xml", "/sitemaps/x"),
        *("/p", "/c/a/b", "/c/space%20", "/p/earth%20", f"/sitemaps/products-{'9' * 5000}.xml"),
        f"/media/originals/{'x' * 300}.jpg",
    ],
)
async def test_what_is_not_there_is_a_page_with_departments(client: httpx.AsyncClient, path: str) -> None:
    assert 'href="/c/space"' in await see(client, path, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_public_pages_take_nothing(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, PRODUCT)
    assert answer.status_code in (405, 204)
    assert "GET" in answer.headers["allow"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", CATEGORY, PRODUCT, "/search?q=sea", "/nope", "/feeds/products.xml"])
async def test_head_is_get_without_the_body(client: httpx.AsyncClient, path: str) -> None:
    head, get = await client.head(path), await client.get(path)
    assert head.content == b""
    ignored = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in ignored} == {
        k: v for k, v in get.headers.items() if k not in ignored
    }


async def test_what_the_browser_has_already_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get(PRODUCT)
    tag = first.headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await client.get(PRODUCT, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await client.get(PRODUCT, headers={"if-none-match": '"other"'})).status_code == 200


async def test_search_folds_accents_and_finds_beginnings(client: httpx.AsyncClient) -> None:
    for query in ("cezanne", "CÉZANNE", "cez", "paul cezanne"):
        assert "Paul Cézanne" in await see(client, f"/search?q={query}")


async def test_a_typing_mistake_gets_another_spelling(client: httpx.AsyncClient) -> None:
    assert 'href="/search?q=paul+cezanne"' in await see(client, "/search?q=paul+cezane")
    assert 'href="/search?q=flowers"' in await see(client, "/search?q=flwoers")


async def test_a_sku_goes_to_its_product(client: httpx.AsyncClient) -> None:
    assert await moved(client, "/search?q=ap004-m-o") == (303, "/p/summer-flowers?v=AP004-M-O")


async def test_the_title_ranks_before_the_rest(client: httpx.AsyncClient) -> None:
    page = await see(client, "/search?q=flower")
    assert page.index("/p/flower-studies") < page.index("/p/still-life-flowers-and-fruit")


def test_head_leaves_the_connection_as_it_was(demo_settings: Settings) -> None:
    """The server counts bytes by the method that it was asked for."""
    with serving(create_app(demo_settings), free_port()) as base, httpx.Client(base_url=base) as client:
        for path in (PRODUCT, "/feeds/products.xml", "/nope"):
            assert client.head(path).content == b""
            connection = client._transport._pool.connections[0]  # type: ignore[attr-defined]
            assert client.get(PRODUCT).status_code == 200
            assert client._transport._pool.connections == [connection]  # type: ignore[attr-defined]


async def test_a_picture_says_what_it_is_and_is_sent_once(client: httpx.AsyncClient) -> None:
    address = re.findall(r'href="(/media/originals/[^"]+[.]jpg)"', await see(client, PRODUCT))[0]
    first = await client.get(address)
    assert first.headers["content-type"] == "image/jpeg"
    again = await client.get(address, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.get(address + "x.jpg", headers={"if-none-match": "*"})).status_code == 404


async def test_only_https_shops_ask_for_https(demo_settings: Settings) -> None:
    for base_url, is_strict in (("http://shop.test", False), ("https://shop.test", True)):
        async with visiting(create_app(msgspec.structs.replace(demo_settings, base_url=base_url))) as client:
            assert ("strict-transport-security" in (await client.get("/nope")).headers) is is_strict
