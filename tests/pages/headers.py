"""What the answer of a public page must and must not say in its headers, as complaints that a test can count."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx

from hypermart.bogus.desk import CSP as BANK_CSP
from hypermart.jobs.purge import EVERYTHING
from hypermart.qa.states import Kind, State
from hypermart.web.asgi import CSP
from hypermart.web.demo.mail import ALONE

PAGE = "public, max-age=0, s-maxage=300, stale-while-revalidate=600, stale-if-error=86400"
#: docs/caching.md; each word counts, because a CDN obeys each word.
POLICY = {
    Kind.HOME: PAGE,
    Kind.LIST: PAGE,
    Kind.PRODUCT: PAGE,
    Kind.CONTENT: PAGE,
    Kind.FEED: "public, max-age=0, s-maxage=3600, stale-while-revalidate=600, stale-if-error=86400",
    Kind.STREAM: "public, max-age=0, s-maxage=3600, stale-while-revalidate=600, stale-if-error=86400",
    Kind.FILE: "public, max-age=31536000, immutable",
}
ALWAYS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
#: Addresses here hold secrets, which no other site may learn of.
TILL = ("/cart", "/checkout/", "/orders/", "/account", "/staff")
KEY = re.compile(r"[a-z]+(:[\w-]+)?")
FORMS = re.compile(r"(session|staff_session)=[\w-]{43}; HttpOnly; Max-Age=\d+; Path=(/|/staff); SameSite=lax")
"""What binds the forms of somebody who is not signed in yet."""
BADGE = re.compile(r"cart_n=\d+; Max-Age=\d+; Path=/; SameSite=lax", re.IGNORECASE)
#: What must not change a byte of a public page.
NOISE: tuple[dict[str, str], ...] = (
    {"cookie": "session=abc; cart_n=3; __Host-cart=x"},
    {"hx-request": "true", "hx-request-type": "partial", "hx-target": "section#results", "hx-current-url": "/x"},
    {"hx-request": "true", "hx-history-restore-request": "true"},
    {"accept-language": "ar, de;q=0.5"},
    {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "forwarded": "host=evil.example"},
    {"accept": "application/json"},
    {"user-agent": "Lynx/2.9.0", "sec-purpose": "prefetch", "x-http-method-override": "POST"},
)


def complaints(state: State, answer: httpx.Response) -> Iterator[str]:
    given = answer.headers
    if answer.status_code != state.status:
        yield f"status {answer.status_code}, not {state.status}"
    if (policy := given.get("cache-control")) != (wanted := POLICY.get(state.kind, "no-store")):
        yield f"Cache-Control is {policy!r}, not {wanted!r}"
    yield from _of_its_visitor(state, given)
    own = {"content-security-policy": _policy(state, answer)}
    if answer.url.path.startswith(TILL) and (answer.status_code == 200 or "referrer" in answer.text):
        own["referrer-policy"] = "same-origin"
    elif answer.url.path.startswith(TILL):  # refusals and redirects have no links to others
        own["referrer-policy"] = given.get("referrer-policy", "")
    for name, value in (ALWAYS | own).items():
        if given.get_list(name) != [value]:
            yield f"{name} is {given.get_list(name)}"
    if state.kind is Kind.REDIRECT and given.get("location") != state.to:
        yield f"leads to {given.get('location')}, not {state.to}"
    if given.get("content-type", "").count("charset") > 1:
        yield f"Content-Type: {given['content-type']}"
    if not answer.is_redirect:
        yield from _of_a_body(state, answer)


def _policy(state: State, answer: httpx.Response) -> str:
    """A mail may do nothing. Forms lead to the shop, or to the bank, and from there back to the payment's shop."""
    if state.kind is Kind.MAIL:
        return ALONE
    if state.kind is Kind.BANK:
        given = answer.headers.get("content-security-policy", "")
        return given if re.fullmatch(rf"{re.escape(BANK_CSP)}( http://127\.0\.0\.1:\d+)?", given) else BANK_CSP
    return CSP.replace("form-action 'self'", "form-action 'self' http://127.0.0.1:1") if state.seed == "unpaid" else CSP


def _of_its_visitor(state: State, given: httpx.Headers) -> Iterator[str]:
    """A private page is looked at with its cart's cookie: it may tell the badge, and hand out no new cart."""
    is_private = state.is_private
    for cookie in given.get_list("set-cookie"):
        may_bind = state.path.startswith(("/account/", "/staff/")) and not state.customer
        if not (is_private and (BADGE.fullmatch(cookie) or (may_bind and FORMS.fullmatch(cookie)))):
            yield f"Set-Cookie: {cookie}"
    varies = "hx-request-type, accept" if is_private else "accept-encoding"
    if given.get("vary", varies).lower() != varies:
        yield f"Vary: {given['vary']}"


def _of_a_body(state: State, answer: httpx.Response) -> Iterator[str]:
    given = answer.headers
    if state.is_html and given["content-type"] != "text/html; charset=utf-8":
        yield f"Content-Type: {given['content-type']}"
    if not state.is_public:
        if "surrogate-key" in given or "etag" in given:
            yield "invites caches to keep what nobody may keep"
        return
    if state.kind is not Kind.STREAM and not re.fullmatch(r'"[\w./-]{8,}"', given.get("etag", "")):
        yield f"ETag is {given.get('etag')!r}, not a strong one"
    if state.kind is not Kind.FILE:
        keys = given.get("surrogate-key", "")
        if not keys or len(keys) > 8000 or not all(map(KEY.fullmatch, keys.split(" "))):
            yield f"Surrogate-Key: {keys[:200]!r}"
        if not set(EVERYTHING) & set(keys.split()):
            yield "is not purged with everything"


def differences(shop: httpx.Client, path: str) -> Iterator[str]:
    """Headers of a request that change the answer."""
    plain = shop.get(path)
    for noise in NOISE:
        answer = shop.get(path, headers=noise)
        if (answer.status_code, answer.content) != (plain.status_code, plain.content):
            yield f"other bytes for {', '.join(noise)}"
        if {k: v for k, v in answer.headers.items() if k != "x-request-id"} != {
            k: v for k, v in plain.headers.items() if k != "x-request-id"
        }:
            yield f"other headers for {', '.join(noise)}"
