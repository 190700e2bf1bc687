"""The gateway of demo shops and tests, spoken to over HTTP like any other. What it does is in hypermart.bogus."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx
import msgspec

from hypermart.money import Money
from hypermart.ports import Forged, GatewayAway, GatewayEvent, Intent, IntentState

TIMEOUT = httpx.Timeout(5.0, connect=2.0)
SIGNATURE = "x-bogus-signature"


class _Payment(msgspec.Struct, frozen=True):
    ref: str
    key: str
    state: IntentState
    amount: int
    currency: str
    pay_url: str = ""
    reason: str = ""


class BogusGateway:
    def __init__(self, url: str, secret: bytes, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._secret = secret
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT, transport=transport)

    async def __aenter__(self) -> BogusGateway:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def open(self, key: str, amount: Money, *, return_url: str, description: str) -> Intent:
        body = {
            "amount": amount.minor,
            "currency": amount.currency,
            "return_url": return_url,
            "description": description,
            "key": key,
        }
        return await self._ask("POST", "/payments", key, body)

    async def find(self, ref: str) -> Intent:
        return await self._ask("GET", f"/payments/{ref}")

    async def capture(self, ref: str, *, key: str) -> Intent:
        return await self._ask("POST", f"/payments/{ref}/captures", key)

    async def void(self, ref: str, *, key: str) -> Intent:
        return await self._ask("POST", f"/payments/{ref}/voids", key)

    def event(self, headers: Mapping[str, str], body: bytes) -> GatewayEvent:
        right = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, headers.get(SIGNATURE, "")):
            raise Forged("wrong signature")
        try:
            return msgspec.json.decode(body, type=GatewayEvent)
        except msgspec.DecodeError as error:
            raise Forged(str(error)) from None

    async def _ask(self, method: str, path: str, key: str = "", body: dict[str, Any] | None = None) -> Intent:
        headers = {"idempotency-key": key} if key else {}
        try:
            answer = await self._client.request(method, path, json=body or {}, headers=headers)
            answer.raise_for_status()
            payment = msgspec.json.decode(answer.content, type=_Payment)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise GatewayAway(f"{type(error).__name__}: {error}") from error
        amount = Money(payment.amount, payment.currency)
        return Intent(payment.ref, payment.key, payment.state, amount, payment.pay_url, payment.reason)
