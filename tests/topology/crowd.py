"""Shoppers at the edge who do not give up: what fails is tried again, as people do who are told to."""

from __future__ import annotations

import asyncio
import time

import httpx

from tests.faults.buying import Shopper

TRIES = 40
PAUSE = 0.5
"""Seconds before the next try."""
AWAY = (429, 502, 503, 504)


class Patient(httpx.AsyncBaseTransport):
    """Sends again what got no answer, or one that says to try again. Notes how long each answer took."""

    def __init__(self, address: str | None = None, pause: float = PAUSE) -> None:
        """`address`: of theirs, where it counts who they are."""
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=4), local_address=address)
        self._pause = pause
        self.waits: list[float] = []
        self.troubles: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        for left in reversed(range(TRIES)):
            began = time.monotonic()
            again = httpx.Request(request.method, request.url, headers=request.headers, content=content)
            again.extensions = request.extensions
            try:
                answer = await self._inner.handle_async_request(again)
                self.waits.append(time.monotonic() - began)
                if answer.status_code not in AWAY or not left:
                    return answer
                await answer.aclose()
                self.troubles.append(f"{request.method} {request.url.path} {answer.status_code}")
            except httpx.TransportError as error:
                self.waits.append(time.monotonic() - began)
                self.troubles.append(f"{request.method} {request.url.path} {type(error).__name__}")
                if not left:
                    raise
            await asyncio.sleep(self._pause)
        raise AssertionError("the last try returns or raises")

    async def aclose(self) -> None:
        await self._inner.aclose()


def shopper(url: str, name: str, transport: httpx.AsyncBaseTransport | None = None) -> Shopper:
    client = httpx.AsyncClient(transport=transport or Patient(), base_url=url, timeout=30)
    return Shopper(client, name)
