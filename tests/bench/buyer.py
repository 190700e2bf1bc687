"""A shopper of the benchmark: plain forms and every redirect followed, as a browser without scripts does it."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import urlencode, urlsplit

FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
ADDRESS = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "line1": "Torstr. 1",
    "postcode": "10119",
    "city": "Berlin",
    "country": "DE",
    "fields_of": "DE",
    "op": "continue",
}
_TOTAL = re.compile(r'name="total" value="(\d+)"')
_NUMBER = re.compile(r"/orders/(\d+)\?")


class Browsing:
    """Kept connections, by host: many shoppers may take turns on one, each with cookies of its own."""

    def __init__(self, origin: str) -> None:
        self.home = urlsplit(origin).netloc
        self._kept: dict[str, http.client.HTTPConnection] = {}

    def to(self, host: str) -> http.client.HTTPConnection:
        host = host or self.home
        return self._kept.setdefault(host, http.client.HTTPConnection(host, timeout=60))


class Buyer:
    def __init__(self, browsing: Browsing, wanted: tuple[int, int], payment: str) -> None:
        self.browsing, self.wanted, self.payment = browsing, wanted, payment
        self.cookies: dict[str, str] = {}
        self.url = self.leads_to = self.text = ""

    @property
    def number(self) -> int:
        """Of the order whose page is seen."""
        found = _NUMBER.search(self.url)
        return int(found[1]) if found else 0

    def get(self, url: str) -> None:
        self._ask("GET", url)

    def post(self, url: str, **fields: str) -> None:
        self._ask("POST", url, urlencode(fields))
        if not self.leads_to:
            words = " ".join(re.sub(r"<[^>]+>", " ", self.text).split())
            raise RuntimeError(f"{url} leads nowhere: {words[:2000]}")

    def go_on(self) -> None:
        self.get(self.leads_to)

    def _ask(self, method: str, url: str, body: str | None = None) -> None:
        parts = urlsplit(url)
        connection = self.browsing.to(parts.netloc)
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, body, headers if body is None else headers | FORM)
        answer = connection.getresponse()
        self.url, self.leads_to, self.text = url, answer.headers.get("location", ""), answer.read().decode()
        if answer.status not in (200, 303):
            raise RuntimeError(f"{method} {url}: {answer.status}")
        for cookie in answer.headers.get_all("set-cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value

    def add(self, which: int) -> None:
        self.post("/cart/lines", variant=str(self.wanted[which]), quantity="1")

    def place(self) -> None:
        found = _TOTAL.search(self.text)
        self.post("/checkout/orders", terms="yes", total=found[1] if found else "")

    def pay(self) -> None:
        """At the bank, back in the shop, and from the page of the payment to that of the order."""
        self.go_on()
        self.post(self.url, outcome="approve")
        while self.leads_to:
            self.go_on()


Step: TypeAlias = tuple[str, Callable[[Buyer], None]]
STEPS: tuple[Step, ...] = (
    ("add, to a new cart", lambda buyer: buyer.add(0)),
    ("cart", Buyer.go_on),
    ("add, to the same cart", lambda buyer: buyer.add(1)),
    ("cart, 2 lines", Buyer.go_on),
    ("address", lambda buyer: buyer.get("/checkout/address")),
    ("address, sent", lambda buyer: buyer.post("/checkout/address", **ADDRESS)),
    ("delivery", Buyer.go_on),
    ("delivery, sent", lambda buyer: buyer.post("/checkout/delivery", delivery="standard")),
    ("payment", Buyer.go_on),
    ("payment, sent", lambda buyer: buyer.post("/checkout/payment", payment=buyer.payment)),
    ("review", Buyer.go_on),
    ("place the order", Buyer.place),
)
BY_INVOICE: tuple[Step, ...] = (*STEPS, ("order", Buyer.go_on))
BY_CARD: tuple[Step, ...] = (*STEPS, ("back from the bank, order", Buyer.pay))


def buy(buyer: Buyer, steps: tuple[Step, ...]) -> int:
    """A whole order; gives its number."""
    for _, step in steps:
        step(buyer)
    if not buyer.number:
        raise RuntimeError(f"no order: {buyer.url}")
    return buyer.number
