"""Any gateway, watched: how long each call took and how it ended is in the metrics, and each is a span of its trace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from hypermart import traces
from hypermart.metrics import GATEWAY_SECONDS, timed
from hypermart.money import Money
from hypermart.ports import Gateway, GatewayAway, GatewayEvent, GatewayRefused, Intent


class ObservedGateway:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def open(self, key: str, amount: Money, *, return_url: str) -> Intent:
        with _call("open"):
            return await self._gateway.open(key, amount, return_url=return_url)

    async def find(self, ref: str) -> Intent:
        with _call("find"):
            return await self._gateway.find(ref)

    async def capture(self, ref: str, *, key: str) -> Intent:
        with _call("capture"):
            return await self._gateway.capture(ref, key=key)

    async def void(self, ref: str, *, key: str) -> Intent:
        with _call("void"):
            return await self._gateway.void(ref, key=key)

    def event(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        return self._gateway.event(headers, body)


@contextlib.contextmanager
def _call(name: str) -> Iterator[None]:
    with traces.span(f"gateway {name}"), timed(GATEWAY_SECONDS, name, refused=GatewayRefused, away=GatewayAway):
        yield
