"""A shopper looks round: department, two filters, one off, page 2, search, a product, another version of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from hypermart.qa.client import QaShop
from hypermart.qa.pages import HomePage
from tests.parts.text_browsers import Lynx, edbrowse


@pytest.mark.browser
async def test_looking_round(home: HomePage, nojs: bool, viewport: tuple[int, int], shop: QaShop) -> None:
    paintings = await (await home.open()).go_to_department("Paintings & Prints")
    await expect(paintings.count).to_have_text("38 products")
    await paintings.tick("Frame", "Oak frame")
    await paintings.tick("Period", "19th century")
    await expect(paintings.count).to_have_text("24 products")
    # The order of the fields is the form's own when scripts send it; the canonical link names one order.
    both = re.compile(r"/c/paintings-prints\?(?=.*frame=oak-frame)(?=.*period=19th-century)")
    await expect(home.page).to_have_url(both)
    await paintings.take_off("Period: 19th century")
    await expect(paintings.count).to_have_text("38 products")
    await paintings.go_to_page(2)
    await expect(paintings.products()).to_have_count(14)
    await expect(home.page).to_have_url(f"{shop.base}/c/paintings-prints?frame=oak-frame&page=2")
    found = await paintings.search_for("summer")
    product = await found.open_product("Summer Flowers")
    await expect(product.price).to_have_text("€24.00")
    await product.choose(Size="30 × 40 cm", Frame="Oak frame")
    await expect(product.price).to_have_text("€93.00")
    await expect(home.page).to_have_url(f"{shop.base}/p/summer-flowers?v=AP004-M-O")


@pytest.mark.text_browser
async def test_looking_round_in_edbrowse(shop: QaShop, tmp_path: Path) -> None:
    said = edbrowse(
        [
            *(f"b {shop.base}/", "/Paintings & Prints/g"),
            *("/19th century/", "i=+", "/Oak frame/", "i=+", "/Apply filters/", "i*", "/h2.*products/p"),
            *("/Remove Period/g", "/h2.*products/p", "/Next/g", "/Page 2 of 2/p"),
            *("1", "/Search the shop/", "i1=summer", "i2*", "/h1/p", "/Summer Flowers/g"),
            *("/30 × 40 cm/", "i=+", "/Oak frame/", "i=+", "/Update/", "i*", "f", "/h1/,/In stock/p"),
        ],
        tmp_path,
    )
    in_order = ["h2 24 products", "h2 38 products", "Page 2 of 2", "h1 Results for “summer”"]
    in_order += [
        f"{shop.base}/p/summer-flowers?v=AP004-M-O",
        "h1 Summer Flowers",
        "€93.00",
        "for 30 × 40 cm, Oak frame",
    ]
    assert re.search(".*".join(map(re.escape, in_order)), said, re.DOTALL), said


@pytest.mark.text_browser
async def test_looking_round_in_lynx(shop: QaShop, tmp_path: Path) -> None:
    lynx = Lynx(tmp_path)
    lynx.follow("Paintings")
    lynx.find("19th century")
    lynx.press("^J")
    lynx.find("Oak frame")
    lynx.press("^J")
    lynx.follow("Apply filters")
    lynx.save()
    lynx.follow("Remove Period")
    lynx.save()
    lynx.follow("Next")
    lynx.save()
    lynx.search("summer")
    lynx.save()
    lynx.follow("Summer Flowers")
    lynx.find("40 cm")  # of "30 × 40 cm": the prompt of lynx takes no ×
    lynx.press("^J")
    lynx.find("Oak frame")
    lynx.press("^J")
    lynx.follow("Update")
    lynx.save()
    filtered, widened, second, found, product = lynx.read(shop.base)
    assert " 24 products " in filtered
    assert "Remove Frame: Oak frame" in widened
    assert " 38 products " in widened
    assert "Page 2 of 2" in second
    assert "Results for “summer”" in found
    assert "€93.00 Including VAT, for 30 × 40 cm, Oak frame" in product


@pytest.mark.text_browser
async def test_words_that_find_nothing_offer_other_ones_in_edbrowse(shop: QaShop, tmp_path: Path) -> None:
    said = edbrowse(
        [
            f"b {shop.base}/",
            "/Search the shop/",
            "i1=flwoers",
            "i2*",
            "/Did you mean/p",
            "g",
            "/h1/p",
            "/h2.*products/p",
        ],
        tmp_path,
    )
    assert "Did you mean {flowers}?" in said
    assert "h1 Results for “flowers”" in said
    assert re.search(r"h2 \d+ products", said), said


@pytest.mark.text_browser
async def test_a_page_that_is_gone_shows_the_departments_in_lynx(shop: QaShop, tmp_path: Path) -> None:
    shop.need_strings("a product that is gone")
    lynx = Lynx(tmp_path)
    lynx.save()
    (gone,) = lynx.read(f"{shop.base}/p/state-archived")
    assert "No longer for sale" in gone
    assert "Paintings & Prints" in gone
