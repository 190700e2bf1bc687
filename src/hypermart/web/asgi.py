"""What happens around every request, whatever answers it: id, log line, security headers, HEAD, tidy paths."""

from __future__ import annotations

import contextlib
import re
import time
from contextlib import AbstractContextManager
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import uuid4

import structlog
from litestar.enums import HttpMethod
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Send
from opentelemetry.trace import SpanKind, Tracer

from hypermart import traces
from hypermart.db.observed import SPENT, Spent
from hypermart.metrics import REQUESTS

log = structlog.get_logger("hypermart.web")

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
Headers: TypeAlias = list[tuple[bytes, bytes]]
SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
NO_STORE = (b"cache-control", b"no-store")
HSTS = (b"strict-transport-security", b"max-age=31536000")
#: The keys of payments and of new passwords open what they name, so the log has no more than their beginnings.
SECRET = re.compile(r"([0-9a-f]{8})[0-9a-f]{24}|(/account/resets/).*")
PROBES = ("/livez", "/readyz", "/readyz/write")
"""Asked every second by every load balancer: only news is logged."""
METHODS = frozenset(HttpMethod)
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")


def security(base_url: str, pays_at: str = "") -> Headers:
    """The security headers of every answer of a shop that is open at `base_url`.

    `pays_at` is the origin of a gateway elsewhere: browsers hold form-action against the redirect after a form, too.
    """
    policy = CSP.replace("form-action 'self'", f"form-action 'self' {pays_at}".rstrip())
    headers = [(b"content-security-policy", policy.encode()), *SECURITY]
    return [*headers, HSTS] if base_url.startswith("https:") else headers


def traced(tracer: Tracer | None, scope: HTTPScope) -> AbstractContextManager[None]:
    """The block, which answers the request, is the first span of a trace; around() says what it was.

    A traceparent that comes with the request may be anybody's: it is only linked, and decides nothing.
    """
    if tracer is None or scope["path"] in PROBES:
        return contextlib.nullcontext()
    link = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
    return traces.begun(tracer, "request", SpanKind.SERVER, link=link.decode("latin-1"))


async def around(app: ASGIApp, headers: Headers, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Calls `app` for an HTTP request, adds `headers` to its answer, and sees to the rest."""
    started, status = time.perf_counter(), 500
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex.encode()
    is_head, path = scope["method"] == "HEAD", scope["path"]

    async def finish(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            own = list(message["headers"])
            said = {name.lower() for name, _ in own}  # what an answer says itself stays
            ours = [header for header in (NO_STORE, *headers) if header[0] not in said]
            message["headers"] = [*own, *ours, (b"x-request-id", request_id)]
        elif is_head:
            message = {**message, "body": b""}  # type: ignore[assignment]  # after the start only bodies follow
        await send(message)

    # HEAD is GET without the body. A scope of our own: the server goes by its own one.
    asked: HTTPScope = {**scope, "method": HttpMethod.GET} if is_head else scope
    spent = Spent()
    spending = SPENT.set(spent)
    with structlog.contextvars.bound_contextvars(request=request_id.decode()):
        try:
            if (tidy := _tidy(path)) != path:
                await _moved(tidy, scope, finish)
            else:
                await app(asked, receive, finish)
        finally:
            SPENT.reset(spending)
            _note(scope, _route(asked), status, time.perf_counter() - started, spent)
            _tell(scope, _route(asked), status, request_id)


def _note(scope: HTTPScope, route: str, status: int, took: float, spent: Spent) -> None:
    """One line and one count for each request."""
    method = scope["method"] if scope["method"] in METHODS else "other"
    REQUESTS.labels(method, route, status).observe(took)
    say = log.debug if status == 200 and scope["path"] in PROBES else log.info
    say(
        "request",
        method=scope["method"],
        route=route,
        path=SECRET.sub(r"\1\2*", scope["path"]),
        status=status,
        ms=round(took * 1000, 1),
        db_ms=round(spent.seconds * 1000, 1),
        **spent.statements,
    )


def _tell(scope: HTTPScope, route: str, status: int, request_id: bytes) -> None:
    """The span of the request: by the template of its route, for paths hold keys of orders and payments."""
    method = scope["method"] if scope["method"] in METHODS else "_OTHER"
    known: dict[str, str | int] = {
        "http.request.method": method,
        "http.response.status_code": status,
        "hypermart.request": request_id.decode(),
    }
    traces.note(known | ({"http.route": route} if route else {}), f"{method} {route}".rstrip())
    if status >= 500:
        traces.failed(str(status))


def _route(scope: HTTPScope) -> str:
    """The template of the route that answered, like /p/{slug:str}; empty: none did."""
    return scope.get("path_template") or ""


def _tidy(path: str) -> str:
    """One slash at a time and none at the end. (Never two in front, which a browser would read as a host.)"""
    return re.sub(r"/{2,}", "/", path).rstrip("/") or "/" if "//" in path or path.endswith("/") else path


async def _moved(path: str, scope: HTTPScope, send: Any) -> None:
    query = scope["query_string"]
    location = quote(path).encode("ascii") + (b"?" + query if query else b"")
    headers = [(b"location", location), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 301, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
