"""A scripted origin: answers as a test says, and notes what reached it. The double of the shop behind a CDN."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.parts.server import address, free_port, serving

PAGE = "public, max-age=0, s-maxage=300, stale-while-revalidate=600, stale-if-error=86400"


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    """Path and query as they were sent."""
    headers: httpx.Headers
    body: bytes


@dataclass
class Answer:
    body: bytes = b"page"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    """Seconds before the answer begins."""
    drip: float = 0
    """Seconds between its head and its body."""


def page(body: str = "page", keys: str = "menu", policy: str = PAGE, **headers: str) -> Answer:
    """As the shop answers with a public page."""
    known = {"cache-control": policy, "surrogate-key": keys, "etag": f'"{hash(body)}"', "content-type": "text/html"}
    return Answer(body.encode(), headers=known | {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Origin:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], Answer] = lambda _: page()
    is_ready: bool = True
    bad_luck: int = 0
    """So many probes get a bad answer next, although all is well."""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]

    def says(self, answer: Answer) -> None:
        self.answer = lambda _: answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
        asked = Asked(
            scope["method"], scope["raw_path"].decode() + query, httpx.Headers(scope["headers"]), await _body(receive)
        )
        if asked.target == "/readyz":
            answer = Answer(status=200 if self.is_ready and not self.bad_luck else 503)
            self.bad_luck = max(0, self.bad_luck - 1)
        else:
            self.asked.append(asked)
            answer = self.answer(asked)
        await asyncio.sleep(answer.delay)
        headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if answer.drip:
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            await asyncio.sleep(answer.drip)
        await send({"type": "http.response.body", "body": answer.body if asked.method != "HEAD" else b""})


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


@contextlib.contextmanager
def origin() -> Iterator[Origin]:
    """Answers at its url until the end of the block."""
    bound = free_port()
    own = Origin(address(bound))
    with serving(own, bound):
        own.asked.clear()  # what waited for it
        yield own


def until(is_so: Callable[[], bool], seconds: float = 10) -> None:
    """Waits for what comes by itself, soon."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
