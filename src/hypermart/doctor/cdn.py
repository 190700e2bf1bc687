"""Looks at the CDN: whether it accepts a purge, by a key that no page carries."""

from __future__ import annotations

from hypermart.adapters import cdn
from hypermart.doctor.case import Case
from hypermart.doctor.finding import Findings, ok, problem, told

KEY = "hypermart-doctor"
PATIENCE = 2.5
"""Seconds."""


async def look(case: Case) -> Findings:
    kind, _, _ = case.settings.cdn_url.partition(":")
    if kind == "none":
        yield ok("cdn", "none")
        return
    async with cdn.opened(case.settings.cdn_url, case.settings.cdn_token, patience=PATIENCE) as opened:
        try:
            await opened.purge([KEY])
        except cdn.PurgeFailed as error:
            yield problem("cdn", f"it does not purge, so pages stay old: {told(error)}", _fix(kind, str(error)))
        else:
            yield ok("cdn", f"{kind} accepts purges")


def _fix(kind: str, words: str) -> str:
    if any(f"answered {status}" in words for status in (401, 403)):
        return f"Check CDN_TOKEN: it must be one of {kind} that may purge (docs/caching.md)"
    if "answered 404" in words:
        return "Check the id in CDN_URL"
    if "answered" in words and kind == "varnish":
        return "CDN_URL must name its socket for purges, with deploy/varnish/default.vcl behind it"
    return "Check host and port in CDN_URL" if kind == "varnish" else "Ask the vendor's page of its state"
