"""Buying a print in w3m, links2 and elinks, each in a terminal: `make text-browsers`. Not part of `make test`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from hypermart import logs
from hypermart.adapters.clock import SystemClock
from hypermart.demo import seed
from hypermart.qa.clock import QaClock
from hypermart.services import opened
from hypermart.settings import Settings
from tests.parts import databases
from tests.parts.selling_site import SellingSite, selling_site
from tests.parts.terminal import BROWSERS, NotReached, TextBrowser

AMOUNT = "€316.00"


def story(browser: TextBrowser, till: SellingSite) -> Iterator[str]:
    """The purchase in parts; what each has reached, once it has."""
    browser.follow("Paintings & Prints")
    browser.follow("Summer Flowers")
    yield "home, category, product"
    browser.choose("50 × 70 cm")
    browser.choose("Oak frame")
    browser.follow("Update")
    browser.read("for 50 × 70 cm, Oak frame")
    yield "version"
    browser.follow("Add to cart")
    browser.type("Quantity of", "2")
    browser.follow("Update cart")
    browser.read(AMOUNT)
    yield "cart, changed quantity"
    _address(browser)
    yield "two mistakes are said, nothing typed is lost"
    for choice in ("Standard", "Card"):
        browser.choose(choice)
        browser.follow("Continue")
    _place(browser)
    yield "the amount on the button"
    browser.choose("not enough money")
    browser.follow("Do this")
    browser.read("The payment was declined")
    yield "declined"
    browser.follow("Pay again")
    browser.reload()
    browser.follow("Continue")
    browser.reload()
    _place(browser)
    browser.choose("Approve")
    browser.follow("Do this")
    browser.read("Thank you, your order is placed")
    assert till.taken() == [31600]
    yield "paid: thank you"


def _address(browser: TextBrowser) -> None:
    browser.follow("Check out")
    browser.read("For the confirmation")
    browser.type("For the confirmation", "ada@home")
    browser.type("Full name", "Ada Lovelace")
    browser.type("Street address", "Torstr. 1")
    browser.type("Postcode", "10119")
    browser.follow("Continue")
    for words in ("Enter an e-mail address", "Enter a town or city", "ada@home", "Torstr. 1"):
        browser.read(words)
    browser.type("Error: Enter an e-mail", "ada@example.com")
    browser.type("Error: Enter a town", "Berlin")
    browser.follow("Continue")
    browser.read("How do you want it delivered?")


def _place(browser: TextBrowser) -> None:
    browser.read("Check your order")
    browser.choose("I have read the terms")
    browser.follow(f"Place order and pay {AMOUNT}")
    browser.read(f"Pay {AMOUNT}")


def tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201


async def _fill(settings: Settings) -> None:
    async with opened(settings, QaClock()) as services:
        await seed(services)


def visited(name: str, demo: Settings) -> bool:
    """Whether this browser has bought its print. The clock goes: links2 and elinks never send the same form twice,
    and the secret in a form tells the time."""
    with tempfile.TemporaryDirectory(prefix="hypermart-") as folder:
        data = Path(folder, "shop")
        data.mkdir()
        with (
            selling_site(databases.copy_of(demo, data, name), SystemClock()) as till,
            TextBrowser(name, f"{till.base}/", Path(folder)) as browser,
        ):
            try:
                for reached in story(browser, till):
                    tell(f"{name}: {reached}")
            except (NotReached, AssertionError) as error:
                tell(f"{name}: {error}")
                return False
    return True


def main(names: list[str], each: Callable[[str, Settings], bool] = visited) -> int:
    logs.configure("critical")
    os.environ["CI"] = "true"  # a browser that is missing ends this
    with databases.session():
        demo = databases.demo(_fill)
        failed = [name for name in names or BROWSERS if not each(name, demo)]
    tell(f"failed: {', '.join(failed)}" if failed else "all have bought their print")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
