"""From a page struct to a response: the template, the cache policy, and 304 when the browser has it already."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment
from litestar import Request, Response
from litestar.enums import MediaType

from hypermart.ports import Clock
from hypermart.web.caching import NO_STORE, Public, etag, is_known

HTML = "text/html; charset=utf-8"


class Pages:
    """Renders templates into responses. One per app."""

    def __init__(self, env: Environment, clock: Clock) -> None:
        self._env, self._clock = env, clock

    def page(
        self, request: Request[Any, Any, Any], template: str, view: Any, cache: Public | None = None, status: int = 200
    ) -> Response[bytes]:
        """The page for `view` (known to the template as `page`). Without `cache` nobody may keep it."""
        body = self._env.get_template(template).render(page=view, path=request.url.path).encode()
        return self.answer(request, body, HTML, cache, status)

    def answer(
        self, request: Request[Any, Any, Any], body: bytes, media_type: str, cache: Public | None, status: int = 200
    ) -> Response[bytes]:
        if cache is None:
            return Response(body, media_type=media_type, status_code=status, headers={"cache-control": NO_STORE})
        headers = cache.headers(self._clock.now())
        headers["etag"] = tag = etag(body)
        if status == 200 and is_known(tag, request.headers.get("if-none-match")):
            return Response(b"", media_type=MediaType.TEXT, status_code=304, headers=headers)
        return Response(body, media_type=media_type, status_code=status, headers=headers)
