"""Looks at how visitors come in: BASE_URL from here, whose word on a visitor's address counts, and how apps leave."""

from __future__ import annotations

import ipaddress
import ssl
from urllib.parse import urlsplit

import httpx

from hypermart.doctor.case import Case
from hypermart.doctor.finding import Finding, Findings, note, ok, problem

PATIENCE = 2.0
"""Seconds."""
WIDE = {4: 8, 6: 16}
"""Bits of a network below which strangers are in it."""
ALIVE = "ok\n"
"""What /livez says (web/hooks/health.py)."""


async def look(case: Case) -> Findings:
    url = case.settings.base_url
    if case.is_earnest and url.startswith("http:"):
        fix = "Put TLS in front (deploy/caddy/shop.Caddyfile) and set BASE_URL=https://..."
        yield problem("address", f"BASE_URL={url} is plain HTTP: passwords and cookies can be read on the way", fix)
    else:
        yield await _answer(url)
    if "TRUSTED_PROXIES" not in case.refused:
        yield _proxies(case)
    if case.is_earnest and not case.settings.is_embedded and not case.settings.drain:
        yield note("drain", "a restart may cut off visitors, as DRAIN is 0", "Set DRAIN=2.5 behind a load balancer")


async def _answer(url: str) -> Finding:
    host = urlsplit(url).netloc
    try:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.get(f"{url}/livez")
    except httpx.ConnectError as error:
        if _is_of_tls(error):
            fix = "Renew the certificate, or look at what ends TLS"
            return problem("address", f"the certificate of {host} is refused: {error}", fix)
        if _is_this_machine(url):
            return note("address", f"nobody answers at {url}: the shop is not open", "To open it: hypermart serve")
        fix = "Start the shop and what is before it, and look at DNS and the firewall"
        return problem("address", f"nobody answers at {url}", fix)
    except httpx.HTTPError as error:
        fix = "Look at what is before the shop: CDN, gateway, firewall"
        return problem("address", f"{url} does not answer: {type(error).__name__}", fix)
    if answer.status_code == 200 and answer.text == ALIVE:
        return ok("address", f"the shop answers at {url}")
    fix = "Point BASE_URL, DNS or the gateway at this shop"
    return problem("address", f"{url}/livez answers {answer.status_code}, which is not this shop's answer", fix)


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _proxies(case: Case) -> Finding:
    settings, part = case.settings, "proxies"
    networks = [ipaddress.ip_network(each) for each in settings.trusted_proxies.split(",") if each]
    for network in networks:
        if network.prefixlen < WIDE[network.version]:
            fix = "Name the addresses of your own proxies"
            return problem(part, f"TRUSTED_PROXIES={network}: strangers in it may say that they are anybody", fix)
    if networks:
        return ok(part, f"visitors' addresses are believed from {settings.trusted_proxies.replace(',', ', ')}")
    if settings.base_url.startswith("https:"):
        words = "TRUSTED_PROXIES is not set, and TLS ends before the shop: all visitors seem to have one address"
        return problem(part, f"{words}, and share one limit", "Set it to the gateway's address, like 127.0.0.1")
    return ok(part, "none: a visitor's address is that of the connection")
