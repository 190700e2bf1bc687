"""Any gateway, with a stopwatch: how long each call took and how it ended is in the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from hypermart.metrics import GATEWAY_SECONDS, timed
from hypermart.money import Money
from hypermart.ports import Gateway, GatewayAway, GatewayEvent, GatewayRefused, Intent


class TimedGateway:
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


def _call(name: str) -> AbstractContextManager[None]:
    return timed(GATEWAY_SECONDS, name, refused=GatewayRefused, away=GatewayAway)
