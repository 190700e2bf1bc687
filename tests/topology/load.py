"""Visitors at the edge who forgive nothing: every answer that is not as it should be counts as a failure."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

import httpx

from tests.faults.buying import Shopper
from tests.topology.crowd import shopper

PAUSE = 0.05
"""Seconds that a visitor looks at a page."""


class Load:
    def __init__(self, url: str, pages: Sequence[str], variants: Sequence[int]) -> None:
        self.url, self.pages, self.variants = url, pages, variants
        self.failures: list[str] = []
        self.answers = 0
        self.orders = 0
        self.buyers: list[Shopper] = []

    @contextlib.asynccontextmanager
    async def under_way(self, browsing: int = 3, buying: int = 2) -> AsyncIterator[None]:
        stop = asyncio.Event()
        visitors = [self._until(stop, self._browse) for _ in range(browsing)]
        visitors += [self._until(stop, partial(self._buy, place)) for place in range(buying)]
        tasks = [asyncio.create_task(each) for each in visitors]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def _until(self, stop: asyncio.Event, act: Callable[[int], Awaitable[None]]) -> None:
        for turn in itertools.count():
            if stop.is_set():
                return
            try:
                await act(turn)
            except (httpx.TransportError, AssertionError, KeyError) as error:
                self.failures.append(f"{type(error).__name__}: {str(error)[:300]}")
            await asyncio.sleep(PAUSE)

    async def _browse(self, _: int) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
            for page in self.pages:
                self._note(await client.get(page))
                await asyncio.sleep(PAUSE)

    async def _buy(self, place: int, turn: int) -> None:
        buyer = shopper(self.url, f"load{place}-{turn}", httpx.AsyncHTTPTransport())
        buyer.client.event_hooks["response"] = [self._noted]
        async with buyer.client:
            page = await buyer.buy(self.variants[turn % len(self.variants)], payment="invoice")
            assert "/orders/" in page.url, f"{page.status} {page.url}: {page.text[:200]}"
        self.orders += 1
        self.buyers.append(buyer)

    async def _noted(self, answer: httpx.Response) -> None:
        self._note(answer)

    def _note(self, answer: httpx.Response) -> None:
        self.answers += 1
        if answer.status_code >= 400:
            self.failures.append(f"{answer.request.method} {answer.request.url}: {answer.status_code}")
