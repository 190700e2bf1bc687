"""Looks at how shoppers can pay: whether there is a way at all, and whether the gateway knows this shop."""

from __future__ import annotations

import httpx

from hypermart.doctor.case import Case
from hypermart.doctor.finding import Finding, Findings, note, ok, problem, told
from hypermart.ports import Gateway, GatewayAway
from hypermart.services import gateway_opened

UNKNOWN = "doctor"
"""A payment that there is not."""
SHORT = 16
"""Characters of a secret that can be found by trying."""


async def look(case: Case) -> Findings:
    settings = case.settings
    kind, _, url = settings.gateway_url.partition(":")
    if kind == "bogus" and case.is_earnest:
        words = "GATEWAY_URL is the practice bank: shoppers get goods, and no money moves"
        yield problem("gateway", words, "Set GATEWAY_URL=none: until you have a real one")
        return
    if kind == "none":
        if settings.shop_bank:
            yield ok("gateway", "none: shoppers pay by transfer, invoice or at pickup")
        else:
            yield note("gateway", "no cards, and no account for transfers", "Set SHOP_BANK to offer transfers")
        return
    if case.is_earnest and len(settings.gateway_secret) < SHORT:
        words = "GATEWAY_SECRET is short: who guesses it can say that orders are paid"
        yield problem("gateway", words, "Make one: openssl rand -hex 32")
    if not url:
        yield ok("gateway", "the practice bank, inside the shop")
        return
    async with gateway_opened(settings, case.clock) as gateway:
        if gateway:
            yield await _asked(gateway)


async def _asked(gateway: Gateway) -> Finding:
    """For a payment that it cannot know: only who knows us says so."""
    try:
        await gateway.find(UNKNOWN)
    except GatewayAway as error:
        cause = error.__cause__
        status = cause.response.status_code if isinstance(cause, httpx.HTTPStatusError) else 0
        if status in (401, 403):
            words = f"it does not know this shop (status {status})"
            return problem("gateway", words, "Set the same GATEWAY_SECRET on both sides")
        if status != 404:
            return problem("gateway", f"it does not answer: {told(error)}", "Start it, and check GATEWAY_URL")
    return ok("gateway", "it answers, and knows this shop")
