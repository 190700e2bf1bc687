"""A state that a page can show: where it is, and which seed and which visitor reach it."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlencode

import httpx
import msgspec

from hypermart.demo.accounts import known
from hypermart.demo.carts import token
from hypermart.qa.forms import Form, Page

ROOMS = {"account": "session", "staff": "staff_session"}
"""The cookies of web/sessions.py, on http."""
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Kind(StrEnum):
    HOME = "home"
    LIST = "list"
    PRODUCT = "product"
    CONTENT = "content"
    CONFLICT = "conflict"
    """409: the page, with a sentence on why it is not quite what was asked for."""
    ERROR = "error"
    PLAIN = "plain"
    """500 and 503: a file, because what makes pages is what failed."""
    REDIRECT = "redirect"
    FEED = "feed"
    STREAM = "stream"
    FILE = "file"
    """A picture or a file of the look, under an address that never changes its bytes."""
    PRIVATE = "private"
    """One visitor's own: nobody may keep it."""
    MAIL = "mail"
    """The HTML part of a mail, shown by itself."""
    BANK = "bank"
    """A page of the bogus gateway."""
    MACHINE = "machine"
    """What a load balancer asks."""


HTML = {Kind.HOME, Kind.LIST, Kind.PRODUCT, Kind.CONTENT, Kind.CONFLICT, Kind.ERROR, Kind.PLAIN, Kind.PRIVATE}
HTML |= {Kind.MAIL, Kind.BANK}
PUBLIC = {Kind.HOME, Kind.LIST, Kind.PRODUCT, Kind.CONTENT, Kind.FEED, Kind.STREAM, Kind.FILE}


class State(msgspec.Struct, frozen=True):
    name: str
    kind: Kind
    path: str
    status: int = 200
    to: str = ""
    """Where a redirect leads."""
    found: str = ""
    """An expression that finds the path on the page `path`, for addresses that carry a digest or a secret."""
    more: str = ""
    """What follows on the path that was found."""
    seed: str = "demo"
    """`demo`: the demo catalogue. `states`: also hypermart.demo.states. `sick`: its database is away.

    `unpaid`: as states, but the payment provider is away. `unsold`: the demo catalogue, and no order yet.
    """
    visitor: str = ""
    """Whose cookie comes along, of a private page: a name in hypermart.demo.carts.CARTS; nobody known without one."""
    customer: str = ""
    """Whose session comes along: a name in hypermart.demo.accounts."""
    typed: dict[str, str] = {}
    """What is typed into which fields of the page before its form is sent: the answer to that is the state.

    A field is the first whose name begins so. Sent by Enter, so by the form's first button.
    """
    sends: str = ""
    """Part of the address of the form that is sent, where what is typed does not tell it."""

    @property
    def is_html(self) -> bool:
        return self.kind in HTML

    @property
    def is_public(self) -> bool:
        return self.kind in PUBLIC

    def address(self, shop: httpx.Client) -> str:
        return self.found_in(shop.get(self.path, headers=self._headers).text) if self.found else self.path

    def found_in(self, page: str) -> str:
        match = re.search(self.found, page)
        assert match, f"{self.found} is not on {self.path}"
        return match[0] + self.more

    @property
    def cookie(self) -> dict[str, str]:
        cart = {"cart": token(self.visitor)} if self.visitor else {}
        if not self.customer:
            return cart
        who = known(self.customer)
        return cart | {ROOMS[who.room]: who.session}

    @property
    def _headers(self) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookie.items())
        return {"cookie": cookie} if cookie else {}

    def answer(self, shop: httpx.Client) -> httpx.Response:
        """As a browser without scripting gets it."""
        headers = self._headers
        answer = shop.get(self.address(shop), headers=headers)
        if self.is_typed:
            page, form = self._form(answer)
            values = {form.named(name) or name: value for name, value in self.typed.items()}
            fields = form.filled(values, next(iter(form.buttons), None))
            answer = shop.post(page.target(form), content=urlencode(fields), headers=headers | FORM)
        shop.cookies.clear()  # the next state is another visitor's
        return answer

    def reached(self, shop: httpx.Client) -> str:
        """The path that this state asks in the end."""
        if not self.is_typed:
            return self.address(shop).partition("?")[0]
        return self._form(msgspec.structs.replace(self, typed={}, sends="").answer(shop))[1].action

    @property
    def is_typed(self) -> bool:
        return bool(self.typed or self.sends)

    @property
    def is_private(self) -> bool:
        """What is asked is one visitor's own, whatever the answer is."""
        own = ("/cart", "/checkout/", "/orders/", "/account", "/staff")
        return self.kind is Kind.PRIVATE or self.path.startswith(own)

    def _form(self, answer: httpx.Response) -> tuple[Page, Form]:
        page = Page(answer)
        if self.sends:
            return page, page.form(self.sends)
        return page, next(form for form in page.forms if all(map(form.named, self.typed)))
