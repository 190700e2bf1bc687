"""The states of accounts and of staff's pages: customers of hypermart.demo.accounts, on their own pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypermart.demo.accounts import CUSTOMERS, HASH, MERGED, NEW, RETURNING, STAFF, email
from hypermart.domain.customers.resets import reset_token
from hypermart.domain.orders.links import order_token
from hypermart.passwords import Proof
from hypermart.qa.clock import START
from hypermart.qa.state import Kind, State
from hypermart.settings import QA_KEY


def order_path(number: int) -> str:
    return f"/orders/{number}?t={order_token(QA_KEY.encode(), number)}"


def accounts() -> Iterator[State]:
    """Signing in and out, and what is a customer's own. Nothing is changed: other states need it as it is."""

    def at(name: str, path: str, who: str = "", status: int = 200, kind: Kind = Kind.PRIVATE, **more: Any) -> State:
        return State(name, kind, f"/account{path}", status, seed="states", customer=who, **more)

    spoiled = {"form_token": "x"}
    yield at("sign-in", "/sign-in")
    yield at("sign-in-registered", "/sign-in?registered=1&next=/checkout/address")
    yield at("sign-in-422", "/sign-in", status=422, sends="/sign-in")
    wrong = {"email": email(NEW), "password": "not the one that it is"}
    yield at("sign-in-wrong", "/sign-in", status=422, sends="/sign-in", typed=wrong)
    yield at("sign-in-again", "/sign-in", NEW, 303, Kind.REDIRECT, to="/account")
    yield at("register", "/register")
    yield at("register-422", "/register", status=422, sends="/register", typed={"email": "no address", "password": "x"})
    yield at("forgotten", "/forgotten")
    yield at("forgotten-sent", "/forgotten?sent=1")
    yield at("forgotten-422", "/forgotten", status=422, sends="/forgotten", typed={"email": "no address"})
    yield at("reset-done", "/sign-in?reset=1")
    opened = f"/resets/{reset_token(QA_KEY.encode(), Proof(CUSTOMERS[NEW], 1, HASH), START)}"
    yield at("reset", opened)
    yield at("reset-422", opened, status=422, sends="/resets/", typed={"password": "x"})
    yield at("reset-wrong-link", "/resets/1-2-3", "", 404, Kind.ERROR)
    link: Any = {"path": "/mail", "found": r"/mail/[0-9a-f]{32}(?=\"><bdi>A new password at )"}
    yield State("mail-reset", Kind.PRIVATE, seed="states", **link)
    yield State("mail-reset-html", Kind.MAIL, more="/html", seed="states", **link)
    yield at("account", "", RETURNING)
    yield at("account-new", "", NEW)
    yield at("account-signed-out", "/orders", "", 303, Kind.REDIRECT, to="/account/sign-in?next=%2Faccount%2Forders")
    yield at("sign-out-spoiled", "", NEW, 303, Kind.REDIRECT, to="/account", sends="/sign-out", typed=spoiled)
    yield at("account-orders", "/orders", RETURNING)
    yield at("account-no-orders", "/orders", NEW)
    yield at("account-order", "/orders/1003", RETURNING, 303, Kind.REDIRECT, to=order_path(1003))
    yield at("account-order-of-another", "/orders/1002", RETURNING, 404, Kind.ERROR)
    yield at("addresses", "/addresses", RETURNING)
    yield at("no-addresses", "/addresses", NEW)
    yield at("addresses-422", "/addresses", RETURNING, 422, sends="/choices", typed=spoiled)
    yield at("address-new", "/addresses/new", NEW)
    yield at("address-new-422", "/addresses/new", NEW, 422, sends="/account/addresses", typed={"op": "save"})
    found: Any = {"path": "/addresses", "found": r"/account/addresses/\d+(?=\")"}
    yield at("address-change", who=RETURNING, **found)
    yield at("address-change-422", who=RETURNING, status=422, sends="/addresses/", typed={"name": ""}, **found)
    yield at("password", "/password", NEW)
    yield at("password-changed", "/password?changed=1", NEW)
    yield at("password-422", "/password", NEW, 422, sends="/account/password", typed={"password": "x"})
    yield State("cart-merged", Kind.PRIVATE, "/cart", seed="states", visitor=MERGED, customer=MERGED)
    yield State(
        "cart-not-parted",
        Kind.REDIRECT,
        "/cart",
        303,
        "/cart",
        seed="states",
        visitor=MERGED,
        customer=MERGED,
        typed=spoiled,
        sends="/partings",
    )
    yield State(
        "address-known", Kind.PRIVATE, "/checkout/address", seed="states", visitor="at-address", customer=RETURNING
    )


def staff() -> Iterator[State]:
    sign_in, spoiled = "/staff/sign-in", {"form_token": "x"}
    yield State("staff-sign-in", Kind.PRIVATE, sign_in, seed="states")
    yield State("staff-sign-in-422", Kind.PRIVATE, sign_in, 422, seed="states", sends=sign_in)
    yield State("staff-only", Kind.REDIRECT, "/staff", 303, sign_in, seed="states", customer=RETURNING)
    yield State("staff", Kind.PRIVATE, "/staff", seed="states", customer=STAFF)
    yield State(
        "staff-sign-out-spoiled",
        Kind.REDIRECT,
        "/staff",
        303,
        sign_in,
        seed="states",
        customer=STAFF,
        typed=spoiled,
        sends="/sign-out",
    )
    yield from _queue("/staff/queue", {"seed": "states", "customer": STAFF})


def _queue(path: str, by_staff: dict[str, Any]) -> Iterator[State]:
    def at(name: str, query: str = "", status: int = 200, kind: Kind = Kind.PRIVATE, **more: Any) -> State:
        return State(f"staff-queue{name}", kind, f"{path}{query}", status, **by_staff, **more)

    def row(job: str) -> str:
        return rf"/staff/queue/\d+(?=\">{job})"

    yield at("")
    yield at("-page-2", "?page=2")
    yield at("-page-too-far", "?page=3", 404, Kind.ERROR)
    yield at("-dead", "?state=dead")
    yield at("-job", "?state=failed&job=purge_pages")
    yield at("-none", "?state=running&job=mail_reset")
    yield at("-done", "?state=done")
    yield at("-order", "?order=1001")
    yield at("-order-unknown", "?order=999999999")
    yield at("-again", "?again=3")
    yield at("-row-dead", "?state=dead", found=row("mail_order"))
    yield at("-row-failed", "?state=failed", found=row("purge_pages"))
    yield at("-row-waiting", "?state=waiting", found=row("purge_pages"))
    yield at("-row-done", "?state=done", found=row("purge_pages"))
    yield at("-row-unknown", "/999999999999999999999", 404, Kind.ERROR)
    yield at("-422", "", 422, sends="/retries", typed={"job": ""})
    yield State("staff-queue-only", Kind.REDIRECT, path, 303, "/staff/sign-in", seed="states", customer=RETURNING)
