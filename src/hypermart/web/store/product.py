"""The product page. Which variant it shows is in its address: ?v=SKU."""

from __future__ import annotations

from urllib.parse import parse_qs

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.addresses import product_url
from hypermart.domain.browse.product import Wanted, product_page
from hypermart.web.caching import Public, listed
from hypermart.web.render import HTML, Answer, AnyRequest, Shop
from hypermart.web.store.structured import product_data


@get("/p/{slug:str}", media_type=HTML)
async def show_product(request: AnyRequest, slug: FromPath[str], shop: NamedDependency[Shop]) -> Answer:
    query = parse_qs(request.scope["query_string"].decode("latin-1"), errors="replace")
    options = tuple(query.get(f"option{number}", [None])[0] for number in (1, 2, 3))
    wanted = Wanted(sku=query.get("v", [""])[0], options=options)
    async with shop.read() as db:
        page = await product_page(db, slug, wanted, shop.now(), shop.currency)
    if any(options) and not wanted.sku and not page.notice:
        return shop.see_other(product_url(page.slug, page.chosen.sku))
    if page.notice:
        return shop.page(request, "store/product.html", page, status=409, structured=None)
    keys = ("menu", f"product:{page.id}", *listed("product", (card.id for card in page.related)))
    data = product_data(page, shop.settings)
    return shop.page(request, "store/product.html", page, Public(keys, page.fresh_until), structured=data)
