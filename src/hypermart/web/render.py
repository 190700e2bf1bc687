"""What every handler gets: the services it may use, and the way from a page struct to a response."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, TypeAlias

from jinja2 import Environment
from litestar import Request, Response
from litestar.datastructures import State

from hypermart.db.session import Database, ReadSession
from hypermart.domain.cart.pages import Terms
from hypermart.domain.orders.till import Till
from hypermart.ports import Blobs, Gateway, Limiter, Mailbox
from hypermart.services import Services, SignIns
from hypermart.settings import Settings
from hypermart.web.caching import NO_STORE, Public, etag, is_known

HTML = "text/html"  # Litestar adds the charset to every text type
AnyRequest: TypeAlias = Request[Any, Any, State]
Answer: TypeAlias = Response[bytes]


class Shop:
    """One per app. Public handlers use read() alone; private ones use `db` and answer through a Visit."""

    def __init__(self, services: Services, templates: Environment, static_digest: str) -> None:
        self._services, self._templates = services, templates
        self.settings: Settings = services.settings
        self.currency: str = services.settings.currency
        self.blobs: Blobs = services.blobs
        self.db: Database = services.db
        self.gateway: Gateway | None = services.gateway
        self.mailbox: Mailbox = services.mailbox
        self.secret: bytes = services.secret
        self.limiter: Limiter = services.limiter
        self.sign_ins: SignIns = services.sign_ins
        self.till: Till = services.till
        self.terms: Terms = self.till.selling.terms
        self.static_digest = static_digest
        self.is_leaving = False
        """The server sets it at SIGTERM: /readyz says so, and the load balancer sends nothing new."""

    def read(self) -> AbstractAsyncContextManager[ReadSession]:
        return self._services.db.read()

    def now(self) -> datetime:
        return self._services.clock.now()

    def page(
        self,
        request: AnyRequest,
        template: str,
        view: Any,
        cache: Public | None = None,
        *,
        status: int = 200,
        **extra: Any,
    ) -> Answer:
        """The page for `view`, which the template knows as `page`. Without `cache` nobody may keep it."""
        body = self.render(template, view, path=request.scope["path"], **extra)
        if cache is None:
            return Response(body, media_type=HTML, status_code=status, headers={"cache-control": NO_STORE})
        return self.answer(request, body, HTML, {**self.kept(cache), "etag": etag(body)})

    def kept(self, cache: Public) -> dict[str, str]:
        """The headers that say so to browsers and to the CDN of this shop."""
        return cache.headers(self.now(), self.settings.cdn_url)

    def render(self, template: str, view: Any, **extra: Any) -> bytes:
        return self._templates.get_template(template).render(page=view, **extra).encode()

    def answer(self, request: AnyRequest, body: bytes, media_type: str, headers: Mapping[str, str]) -> Answer:
        """200 with `body`, or 304 if the browser says that it has what the etag names."""
        if is_known(headers["etag"], request.headers.get("if-none-match")):
            return Response(b"", media_type=media_type, status_code=304, headers=headers)
        return Response(body, media_type=media_type, headers=headers)

    def error_file(self, status: int) -> bytes:
        return (self.settings.root / "static" / "errors" / f"{status}.html").read_bytes()

    def see_other(self, url: str) -> Answer:
        return redirect(url, 303)


def redirect(url: str, status: int) -> Answer:
    return Response(b"", media_type=HTML, status_code=status, headers={"location": url, "cache-control": NO_STORE})
