"""CDNs: which one CDN_URL names, and how its cached pages are purged. Bounded, and clear about failures."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import structlog

from hypermart import traces
from hypermart.ports import Cdn
from hypermart.settings import BadSetting

log = structlog.get_logger(__name__)

PATIENCE = 5.0
"""Seconds for a whole purge."""
FASTLY_KEYS, CLOUDFLARE_TAGS = 256, 100
"""Most in one call, as both document it."""
VARNISH_KEYS = 4000
"""Characters: Varnish reads headers of up to 8 kB."""
FASTLY, CLOUDFLARE = "https://api.fastly.com", "https://api.cloudflare.com/client/v4"
KNOWN = "use none:, varnish:http://HOST:PORT, fastly:SERVICE_ID or cloudflare:ZONE_ID"

Calls: TypeAlias = Callable[[Sequence[str]], Iterator[httpx.Request]]
"""The requests that purge these keys."""


class PurgeFailed(Exception):
    """Pages may still be cached under the keys. Purging them again is right, and does no harm."""


class NoCdn:
    async def purge(self, keys: Iterable[str]) -> None:
        log.info("cdn.purge", keys=sorted(keys), cdn="none")


class HttpCdn:
    """A CDN that purges when it is asked over HTTP."""

    def __init__(self, name: str, calls: Calls, client: httpx.AsyncClient, patience: float) -> None:
        self._name, self._calls, self._client, self._patience = name, calls, client, patience

    @traces.spanned("cdn purge")
    async def purge(self, keys: Iterable[str]) -> None:
        calls = list(self._calls(sorted(set(keys))))
        # All at once, and all to their end: a Varnish that is away must not keep the keys in the others.
        failed = [reason for reason in await asyncio.gather(*map(self._ask, calls)) if reason]
        if failed:
            reasons = "; ".join(sorted(set(failed)))
            raise PurgeFailed(f"{self._name}: {len(failed)} of {len(calls)} calls failed: {reasons}")
        log.info("cdn.purge", cdn=self._name, calls=len(calls))

    async def _ask(self, request: httpx.Request) -> str:
        """What went wrong, or nothing. Never what was sent: the token stands in it."""
        where = f"{request.url.host}:{request.url.port}" if request.url.port else request.url.host
        try:
            # Not httpx's own: it bounds each read, and an answer may drip.
            async with asyncio.timeout(self._patience):
                answer = await self._client.send(request)
        except TimeoutError:
            return f"{where} did not answer within {self._patience:g} s"
        except httpx.HTTPError as error:
            return f"{where}: {type(error).__name__}"
        if answer.status_code == 429:
            return f"{where}: too many purges, again in {answer.headers.get('retry-after', 'some')[:40]} s"
        return "" if answer.is_success and _did(answer) else f"{where} answered {answer.status_code}"


def _did(answer: httpx.Response) -> bool:
    """Cloudflare also says in the body whether it did what was asked."""
    try:
        said = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        return True
    return not (isinstance(said, dict) and said.get("success") is False)


@contextlib.asynccontextmanager
async def opened(url: str, token: str, *, patience: float = PATIENCE) -> AsyncIterator[Cdn]:
    """The CDN that `url` names, closed at the end of the block. Raises BadSetting."""
    kind, _, rest = url.partition(":")
    if url == "none:":
        yield NoCdn()
        return
    calls = _varnish(rest) if kind == "varnish" else _vendor(kind, rest, token)
    async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113  (each call is bounded as a whole)
        yield HttpCdn(kind, calls, client, patience)


def _varnish(rest: str) -> Calls:
    """All of them forget: each keeps pages of its own."""
    hosts = [_origin(host.strip()) for host in rest.split(",")]

    def calls(keys: Sequence[str]) -> Iterator[httpx.Request]:
        for batch in _lines(keys, VARNISH_KEYS):
            yield from (httpx.Request("PURGE", host, headers={"surrogate-key": batch}) for host in hosts)

    return calls


def _vendor(kind: str, rest: str, token: str) -> Calls:
    id_, _, query = rest.partition("?")
    if kind not in ("fastly", "cloudflare") or not (id_.isalnum() and id_.isascii()):
        raise BadSetting(f"CDN_URL={kind}:… cannot be used: {KNOWN}")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise BadSetting(f"CDN_TOKEN must be set to a token of {kind} that may purge")
    given = parse_qs(query).get("api", [])
    api = _origin(given[0]) if given else FASTLY if kind == "fastly" else CLOUDFLARE

    def fastly(keys: Sequence[str]) -> Iterator[httpx.Request]:
        # Keys go in the body: 256 of them need not fit into one header. Hard, because nothing asks for soft.
        for batch in _batches(keys, FASTLY_KEYS):
            url = f"{api}/service/{id_}/purge"
            yield httpx.Request("POST", url, headers={"fastly-key": token}, json={"surrogate_keys": batch})

    def cloudflare(keys: Sequence[str]) -> Iterator[httpx.Request]:
        for batch in _batches(keys, CLOUDFLARE_TAGS):
            url = f"{api}/zones/{id_}/purge_cache"
            yield httpx.Request("POST", url, headers={"authorization": f"Bearer {token}"}, json={"tags": batch})

    return fastly if kind == "fastly" else cloudflare


def _origin(url: str) -> str:
    parts = urlsplit(url)
    try:
        is_origin = parts.scheme in ("http", "https") and parts.hostname and url == f"{parts.scheme}://{parts.netloc}"
        if is_origin and "@" not in url and parts.port != 0:
            return url
    except ValueError:  # the port
        pass
    raise BadSetting(f"CDN_URL names {url!r}, which is no origin: write it like http://127.0.0.1:6082")


def _batches(keys: Sequence[str], most: int) -> Iterator[list[str]]:
    left = iter(keys)
    while batch := list(islice(left, most)):
        yield batch


def _lines(keys: Sequence[str], most: int) -> Iterator[str]:
    """The keys in lines of about `most` characters."""
    line = ""
    for key in keys:
        if line and len(line) + len(key) >= most:
            yield line
            line = ""
        line = f"{line} {key}".lstrip()
    if line:
        yield line
