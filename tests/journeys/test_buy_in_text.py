"""The same purchase in edbrowse and lynx: two mistakes, a declined card, then paid; the mail leads to the order."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from hypermart.qa.client import Bank, QaShop
from tests.parts.text_browsers import Lynx, edbrowse

pytestmark = [pytest.mark.text_browser]


async def _mailed(shop: QaShop, said: str) -> int:
    """The number of the order that was placed last, once its confirmation is in the mailbox."""
    number = int(re.findall(r"Order (\d+) of", said)[-1])
    async with httpx.AsyncClient(base_url=shop.base) as http:
        for _ in range(100):
            if f"Your order {number} " in (await http.get("/mail")).text:
                return number
            await asyncio.sleep(0.1)
    raise AssertionError(f"no mail about order {number}")


def are_in_order(said: str, *words: str) -> None:
    assert re.search(".*".join(map(re.escape, words)), said, re.DOTALL), said


async def test_buying_a_print_in_edbrowse(shop: QaShop, bank: Bank, tmp_path: Path) -> None:
    """edbrowse itself refuses what is no e-mail address, so the mistakes are others."""
    said = edbrowse(
        [
            *(f"b {shop.base}/", "/Paintings & Prints/g", "/Summer Flowers/g"),
            *("/50 × 70 cm/", "i=+", "/Oak frame/", "i=+", "/Update/", "i*", "/Add to cart/", "i*"),
            *("/Quantity of/", "i=2", "/Update cart/", "i1*", "/h2.*pieces/p", "/Total/p", "/Check out/", "g1"),
            *("/For the conf/", "i=ada@example.com", "/Full name/", "i=Ada Lovelace", "/Street address/"),
            *("i=Torstr. 1", "/Continue/", "i*", "/There is a problem/,/h1/p", "/Street address/p"),
            *("/Error: Enter a postcode/", "i=10119", "/Error: Enter a town/", "i=Berlin"),
            *("/Continue/", "i*", "/h1/p", "/Standard,/", "i=+", "/Continue/", "i*", "/h1/p"),
            *("/Card/", "i=+", "/Continue/", "i*", "/h1/p", "/I have read/", "i=+", "/Place order and/", "i*"),
            *("/h1/p", "/not enough money/", "i=+", "/Do this/", "i1*", "/h1/,/enough money/p", "/Pay again/", "i*"),
            *("/h1/p", "/Continue/", "i*", "/I have read/", "i=+", "/Place order and/", "i*"),
            *("/Do this/", "i1*", "/h1/,/Order [0-9]/p", "/Total/p"),
        ],
        tmp_path,
    )
    are_in_order(
        said,
        *("h2 2 pieces", "Total without delivery €316.00"),
        *("{Enter a postcode", "{Enter a town or city}", "<Torstr. 1>"),
        *("h1 Delivery", "h1 Payment", "h1 Check your order", "<Place order and pay €316.00>", "h1 Pay €316.00"),
        *("h1 The payment was declined", "The card does not have enough money for this.", "h1 Payment"),
        *("<Place order and pay €316.00>", "h1 Thank you, your order is placed", "Total €316.00"),
    )
    assert await bank.taken() == [31600]
    number = await _mailed(shop, said)
    mail = (f"b {shop.base}/mail", f"/Your order {number}/", "g", "/See your order/", "/http/", "g", "/h1/,/being/p")
    are_in_order(edbrowse(mail, tmp_path), f"h1 Order {number}", "Paid, being prepared.")


async def test_buying_a_print_in_lynx(shop: QaShop, bank: Bank, tmp_path: Path) -> None:
    lynx = Lynx(tmp_path)
    _fill_a_cart(lynx)
    _make_two_mistakes(lynx)
    for choice in ("Standard", "Card"):
        lynx.choose(choice)
        lynx.follow("Continue")
    lynx.save()
    _place(lynx)
    lynx.save()
    lynx.choose("not enough money")
    lynx.follow("Do this")
    lynx.save()
    lynx.follow("Pay again")
    lynx.follow("Continue")
    _place(lynx)
    lynx.follow("Do this")
    lynx.save()
    cart, mistakes, review, desk, declined, thanks = lynx.read(f"{shop.base}/")
    assert "Total without delivery €316.00" in cart
    are_in_order(mistakes, "Enter an e-mail address", "Enter a town", "ada@home", "Torstr. 1")
    assert "Place order and pay €316.00" in review
    assert "Pay €316.00" in desk
    assert "The payment was declined" in declined
    are_in_order(thanks, "Thank you, your order is placed", "Total €316.00")
    assert await bank.taken() == [31600]
    number = await _mailed(shop, thanks)
    assert "Paid, being prepared." in _read_mail(Lynx(tmp_path), shop.base, number)


def _fill_a_cart(lynx: Lynx) -> None:
    lynx.follow("Paintings")
    lynx.follow("Summer Flowers")
    lynx.choose("70 cm")  # of "50 × 70 cm": the prompt of lynx takes no ×
    lynx.choose("Oak frame")
    lynx.follow("Update")
    lynx.follow("Add to cart")
    lynx.type("Quantity of", "2")
    lynx.follow("Update cart")
    lynx.save()


def _make_two_mistakes(lynx: Lynx) -> None:
    lynx.follow("Check out")
    lynx.type("For the confirmation", "ada@home")
    lynx.type("Full name", "Ada Lovelace")
    lynx.type("Street address", "Torstr. 1")
    lynx.type("Postcode", "10119")
    lynx.follow("Continue")
    lynx.save()
    lynx.type("Error: Enter an e-mail", "ada@example.com")
    lynx.type("Error: Enter a town", "Berlin")
    lynx.follow("Continue")


def _place(lynx: Lynx) -> None:
    lynx.choose("I have read")
    lynx.follow("Place order and")


def _read_mail(lynx: Lynx, base: str, number: int) -> str:
    """Where its link leads."""
    lynx.follow(f"Your order {number}")
    lynx.find("Links")
    lynx.follow(f"orders/{number}")
    lynx.save()
    (order,) = lynx.read(f"{base}/mail")
    return order
