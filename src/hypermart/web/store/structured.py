"""What search engines and price comparers read: schema.org data, made of the same struct as the page."""

from __future__ import annotations

from typing import Any

import msgspec
from markupsafe import Markup

from hypermart.addresses import category_url, media_url, product_url
from hypermart.domain.browse.pages import ProductPage, VariantRow
from hypermart.settings import Settings


def script(data: object) -> Markup:
    """JSON that may stand inside a <script> element: no byte of it can end the element."""
    text = msgspec.json.encode(data).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704  (escaped above for the one place where it stands)


def product_data(page: ProductPage, settings: Settings) -> Markup:
    """ProductGroup with a Product per variant, as Google's product-variant guide asks, and the breadcrumb."""
    base = settings.base_url
    about = {
        "name": page.title,
        "description": page.seo_description,
        "brand": {"@type": "Brand", "name": page.brand} if page.brand else None,
        "image": [base + media_url(picture.key) for picture in page.pictures],
    }
    products = [{"@type": "Product", **_variant(page, variant, base)} for variant in page.variants]
    if len(products) == 1:
        item = {**products[0], **about}
    else:
        item = {
            "@type": "ProductGroup",
            **about,
            "url": base + product_url(page.slug),
            "productGroupID": str(page.id),
            "variesBy": [option.name for option in page.options],
            "hasVariant": products,
        }
    trail = [(crumb.title, base + category_url(crumb.slug)) for crumb in page.crumbs]
    trail.append((page.title, base + product_url(page.slug)))
    crumbs = [
        {"@type": "ListItem", "position": place, "name": name, "item": url}
        for place, (name, url) in enumerate(trail, 1)
    ]
    graph = [_filled(item), {"@type": "BreadcrumbList", "itemListElement": crumbs}]
    return script({"@context": "https://schema.org", "@graph": graph})


def _variant(page: ProductPage, variant: VariantRow, base: str) -> dict[str, Any]:
    url = base + product_url(page.slug, variant.sku)
    picture = page.pictures[variant.picture] if variant.picture is not None else None
    return _filled(
        {
            "name": f"{page.title}, {variant.title}" if variant.title else page.title,
            "sku": variant.sku,
            "gtin": variant.barcode,
            "image": base + media_url(picture.key) if picture else None,
            "offers": {
                "@type": "Offer",
                "url": url,
                "price": str(variant.price.now.decimal),
                "priceCurrency": variant.price.now.currency,
                "availability": f"https://schema.org/{availability(variant)}",
                "itemCondition": f"https://schema.org/{page.condition.capitalize()}Condition",
            },
        }
    )


def availability(variant: VariantRow) -> str:
    """The schema.org word: MadeToOrder is what we may oversell."""
    if variant.available > 0:
        return "InStock"
    return "MadeToOrder" if variant.may_oversell else "OutOfStock"


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value}
