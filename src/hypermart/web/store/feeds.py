"""What machines read: robots.txt, sitemaps, the product feed. Made of the same reads as the pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from xml.sax.saxutils import escape

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from hypermart.addresses import category_url, collection_url, content_url, media_url, product_url
from hypermart.domain.browse.feeds import OfferRow, next_price_change, offers, product_count, sitemap_rows
from hypermart.domain.browse.frame import frame
from hypermart.domain.browse.pages import CategoryRow
from hypermart.errors import NotFound
from hypermart.web.caching import Public, etag
from hypermart.web.render import Answer, AnyRequest, Shop

XML = "application/xml; charset=utf-8"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
SITEMAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
#: Products per sitemap; the protocol allows 50,000, but smaller ones are made faster.
SHARD = 5000
SHARD_NUMBER = re.compile(r"[1-9]\d{0,5}", re.ASCII)
#: Seconds that a CDN may keep what machines read: they come rarely and need not see the last minute.
SLOW = 3600


def _answer(request: AnyRequest, shop: Shop, body: str, media_type: str) -> Answer:
    content = body.encode()
    headers = shop.kept(Public(("menu", "feeds"), shared=SLOW)) | {"etag": etag(content)}
    return shop.answer(request, content, media_type, headers)


@get("/robots.txt", media_type="text/plain")
async def show_robots(request: AnyRequest, shop: NamedDependency[Shop]) -> Answer:
    text = f"User-agent: *\nDisallow: /search\nDisallow: /*?*sort=\n\nSitemap: {shop.settings.base_url}/sitemap.xml\n"
    return _answer(request, shop, text, "text/plain")


@get("/sitemap.xml", media_type=XML)
async def show_sitemap_index(request: AnyRequest, shop: NamedDependency[Shop]) -> Answer:
    async with shop.read() as db:
        shards = -(-await product_count(db, shop.now()) // SHARD)
    names = ["pages", *(f"products-{number}" for number in range(1, shards + 1))]
    base = shop.settings.base_url
    places = "".join(f"<sitemap><loc>{base}/sitemaps/{name}.xml</loc></sitemap>\n" for name in names)
    return _answer(request, shop, f"{HEAD}<sitemapindex {SITEMAP}>\n{places}</sitemapindex>\n", XML)


@get("/sitemaps/{name:str}", media_type=XML)
async def show_sitemap(request: AnyRequest, name: FromPath[str], shop: NamedDependency[Shop]) -> Answer:
    kind, _, number = name.removesuffix(".xml").partition("-")
    base, urls = shop.settings.base_url, list[str]()
    async with shop.read() as db:
        if name == "pages.xml":
            around = await frame(db)
            paths = ["/", *_category_urls(around.departments)]
            paths += [collection_url(row.slug) for row in around.collections]
            paths += [content_url(row.slug) for row in around.content]
            urls = [f"<loc>{escape(base + path)}</loc>" for path in paths]
        elif (
            kind == "products" and name.endswith(".xml") and number.isascii() and number.isdecimal() and len(number) < 7
        ):
            rows = await sitemap_rows(db, shop.now(), int(number), SHARD) if int(number) else []
            stamp = "%Y-%m-%dT%H:%M:%SZ"
            urls = [
                f"<loc>{escape(base + product_url(row.slug))}</loc><lastmod>{row.updated_at:{stamp}}</lastmod>"
                for row in rows
            ]
    if not urls:
        raise NotFound(name)
    body = "".join(f"<url>{url}</url>\n" for url in urls)
    return _answer(request, shop, f"{HEAD}<urlset {SITEMAP}>\n{body}</urlset>\n", XML)


def _category_urls(rows: tuple[CategoryRow, ...]) -> list[str]:
    return [url for row in rows for url in (category_url(row.slug), *_category_urls(row.children))]


@get("/feeds/products.xml", media_type=XML)
async def show_product_feed(shop: NamedDependency[Shop]) -> Stream:
    """Google's product feed (RSS 2.0 with the g: namespace), sent as it is read, so without an etag."""
    async with shop.read() as db:
        until = await next_price_change(db, shop.now())
    return Stream(_feed(shop), media_type=XML, headers=shop.kept(Public(("feeds",), until, shared=SLOW)))


async def _feed(shop: Shop) -> AsyncIterator[bytes]:
    base, name = shop.settings.base_url, escape(shop.settings.shop_name)
    yield (
        f'{HEAD}<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
        f"<title>{name}</title><link>{base}/</link><description>All products of {name}</description>\n"
    ).encode()
    async for rows in offers(shop.read, shop.now(), shop.currency):
        yield "".join(_item(row, base) for row in rows).encode()
    yield b"</channel></rss>\n"


def _item(row: OfferRow, base: str) -> str:
    in_stock = "in_stock" if row.available else "backorder" if row.may_oversell else "out_of_stock"
    price = row.price.was or row.price.now
    fields = {
        "id": row.sku,
        "item_group_id": str(row.product_id) if row.options else "",
        "title": ", ".join((row.title, *row.options))[:150],
        "description": (row.description or row.title)[:5000],
        "link": base + product_url(row.slug, row.sku),
        "image_link": base + media_url(row.picture) if row.picture else "",
        "availability": in_stock,
        "price": f"{price.decimal} {price.currency}",
        "sale_price": f"{row.price.now.decimal} {row.price.now.currency}" if row.price.was else "",
        "condition": row.condition,
        "brand": row.brand,
        "gtin": row.barcode,
        "identifier_exists": "" if row.barcode else "no",
        "google_product_category": row.google_category,
    }
    return "<item>" + "".join(f"<g:{k}>{escape(v)}</g:{k}>" for k, v in fields.items() if v) + "</item>\n"
