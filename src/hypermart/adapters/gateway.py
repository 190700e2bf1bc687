"""The gateway of demo shops and tests, spoken to over HTTP like any other. What it does is in hypermart.bogus."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from hypermart.money import Money
from hypermart.ports import Clock, Forged, GatewayAway, GatewayEvent, GatewayRefused, Intent, IntentState

PATIENCE, CONNECT = 5.0, 2.0
"""Seconds: for a whole call; for the gateway to pick up."""
STALE = 300
"""Seconds between the gateway's clock and ours, either way, after which a callback may be a replayed one."""
NEVER = (400, 401, 403, 422)
"""Answers that will be the same next time, and say that nothing was opened. (409 says that something was.)"""
SIGNATURE = "x-bogus-signature"
_SIGNED = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


class _Payment(msgspec.Struct, frozen=True):
    ref: str
    key: str
    state: IntentState
    amount: int
    currency: str
    pay_url: str
    reason: str


class BogusGateway:
    def __init__(
        self,
        url: str,
        secret: bytes,
        clock: Clock,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._secret, self._clock, self._patience = secret, clock, patience
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={b"authorization": b"Bearer " + secret},
            timeout=httpx.Timeout(patience, connect=min(CONNECT, patience)),
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def open(self, key: str, amount: Money, *, return_url: str) -> Intent:
        body = {"key": key, "amount": amount.minor, "currency": amount.currency, "return_url": return_url}
        try:
            return await self._post("/payments", key, body)
        except GatewayAway as error:
            if isinstance(cause := error.__cause__, httpx.HTTPStatusError) and cause.response.status_code in NEVER:
                raise GatewayRefused(str(error)) from cause
            raise

    async def find(self, ref: str) -> Intent:
        return await self._ask("GET", f"/payments/{ref}")

    async def capture(self, ref: str, *, key: str) -> Intent:
        return await self._post(f"/payments/{ref}/captures", key, {})

    async def void(self, ref: str, *, key: str) -> Intent:
        return await self._post(f"/payments/{ref}/voids", key, {})

    def event(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        signed = _SIGNED.fullmatch(headers.get(SIGNATURE, ""))
        if not signed:
            raise Forged("not signed")
        stamp, signature = signed.groups()
        right = hmac.new(self._secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, signature):
            raise Forged("wrong signature")
        if abs(self._clock.now().timestamp() - int(stamp)) > STALE:
            raise Forged("signed at another time")
        try:
            return msgspec.json.decode(body, type=GatewayEvent)
        except msgspec.DecodeError as error:
            raise Forged(str(error)) from None

    async def _post(self, path: str, key: str, body: Mapping[str, Any]) -> Intent:
        return await self._ask("POST", path, json=body, headers={"idempotency-key": key})

    async def _ask(self, method: str, path: str, **request: Any) -> Intent:
        try:
            # httpx bounds each read; this bounds the whole, also for an answer that drips.
            async with asyncio.timeout(self._patience):
                answer = await self._client.request(method, path, **request)
            answer.raise_for_status()
            payment = msgspec.json.decode(answer.content, type=_Payment)
        except (httpx.HTTPError, TimeoutError, msgspec.DecodeError) as error:
            raise GatewayAway(f"{method} {path}: {type(error).__name__}: {error}") from error
        amount = Money(payment.amount, payment.currency)
        return Intent(payment.ref, payment.key, payment.state, amount, payment.pay_url, payment.reason)
