"""Blobs in a bucket of S3, or of what speaks like it. One client a process, made when it is first needed.

botocore's own time limits do not bound all of a call, and a call that is cancelled may hold on to its connection: so
each has a deadline of its own, and bodies are closed whatever happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aioboto3  # type: ignore[import-untyped]
import msgspec
from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
from aiohttp import ClientError as HttpError
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from hypermart import traces
from hypermart.adapters.blobs import PIECE, checked
from hypermart.errors import NotFound
from hypermart.ports import Blob, BlobsAway

CONNECT, READ = 2.0, 5.0
"""Seconds: to a connection; between two bytes."""
READY = 2.5
"""Seconds to make the client, once: half of one to read what botocore knows of S3, the rest to ask for a role."""
TRIES = 2
AT_ONCE = 50
"""Connections of one process."""
CACHE = "public, max-age=31536000, immutable"
#: A missing key. A missing bucket is another matter; only HEAD says the same of both.
MISSING = ("NoSuchKey", "404")
KNOWN = "use s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION, where all after BUCKET may be left out"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_ENDPOINT = re.compile(r"https?://([A-Za-z0-9.\-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?/?")
_PREFIX = re.compile(r"[A-Za-z0-9._\-/]{0,200}")


class Place(msgspec.Struct, frozen=True):
    bucket: str
    prefix: str = ""
    """Empty, or it ends with a slash."""
    endpoint: str | None = None
    """None: Amazon's own."""
    region: str | None = None


class Keys(msgspec.Struct, frozen=True):
    """Empty: boto looks where it usually does, which is the environment, profiles, and the role of the machine."""

    id: str = ""
    secret: str = ""
    token: str = ""


class Patience(msgspec.Struct, frozen=True):
    """Seconds."""

    answer: float = 5.0
    """Until the answer to a short question, or the first byte of a blob: visitors wait for it, and Caddy takes an app
    that is silent for longer than 8 for dead."""
    whole: float = 30.0
    """For all of a blob, not counting what its reader takes."""
    pause: float = 5.0
    """Where the bucket has been silent HANGS times in a row, visitors are told so at once for as long."""


HANGS = 3


def place(url: str) -> Place:
    """Where `url` leads. Raises ValueError, which repeats nothing of it: somebody may have written keys into it."""
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError(KNOWN) from None
    endpoint, region = options.pop("endpoint", None), options.pop("region", None)
    prefix = parts.path.strip("/")
    is_right = parts.scheme == "s3" and _BUCKET.fullmatch(parts.netloc) and _PREFIX.fullmatch(prefix)
    if not is_right or options or parts.fragment or not re.fullmatch(r"[a-z0-9\-]*", region or ""):
        raise ValueError(KNOWN)
    if endpoint is not None and not _ENDPOINT.fullmatch(endpoint):
        raise ValueError(f"its endpoint is no https://HOST or https://HOST:PORT: {KNOWN}")
    return Place(parts.netloc, f"{prefix}/" if prefix else "", endpoint, region)


class S3Blobs:
    """Implements ports.Blobs."""

    def __init__(self, place: Place, keys: Keys, patience: Patience | None = None) -> None:
        self._place, self._keys, self._patience = place, keys, patience or Patience()
        self._client: Any = None
        self._stack, self._connecting = contextlib.AsyncExitStack(), asyncio.Lock()
        self._silences, self._silent_until = 0, 0.0

    async def close(self) -> None:
        await self._stack.aclose()

    @traces.spanned("s3 put")
    async def put(self, key: str, content: bytes, content_type: str) -> None:
        async with self._asked(key, self._patience.whole) as (client, name):
            await client.put_object(**name, Body=content, ContentType=content_type, CacheControl=CACHE)

    @traces.spanned("s3 renew")
    async def renew(self, key: str, content_type: str) -> bool:
        try:
            async with self._asked(key, self._patience.whole) as (client, name):
                how = {"MetadataDirective": "REPLACE", "ContentType": content_type, "CacheControl": CACHE}
                await client.copy_object(**name, CopySource=name, **how)
        except NotFound:
            return False
        return True

    @traces.spanned("s3 get")
    async def get(self, key: str) -> bytes:
        async with self._asked(key, self._patience.whole) as (client, name):
            body = (await client.get_object(**name))["Body"]
            async with body:
                content: bytes = await body.read()
                return content

    async def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        """What reads too slowly is not held against the bucket."""
        loop, left = asyncio.get_running_loop(), self._patience.whole
        if loop.time() < self._silent_until:
            raise BlobsAway(f"the bucket {self._place.bucket} was silent a moment ago")
        async with contextlib.AsyncExitStack() as stack:
            async with self._asked(key, self._patience.answer) as (client, name):
                body = (await client.get_object(**name))["Body"]
                await stack.enter_async_context(body)
                piece: bytes = await body.read(PIECE)
            while piece:
                yield piece
                begun = loop.time()
                async with self._asked(key, left):
                    piece = await body.read(PIECE)
                left -= loop.time() - begun

    @traces.spanned("s3 find")
    async def find(self, key: str) -> Blob | None:
        try:
            async with self._asked(key, self._patience.answer) as (client, name):
                found = await client.head_object(**name)
        except NotFound:
            return None
        return Blob(key, found["ContentLength"], found["LastModified"])

    async def exists(self, key: str) -> bool:
        return await self.find(key) is not None

    @traces.spanned("s3 delete")
    async def delete(self, key: str) -> None:
        with contextlib.suppress(NotFound):
            async with self._asked(key, self._patience.answer) as (client, name):
                await client.delete_object(**name)

    async def listed(self) -> AsyncIterator[Blob]:
        where, more = {"Bucket": self._place.bucket, "Prefix": self._place.prefix}, True
        while more:
            async with self._asked("list", self._patience.whole) as (client, _):
                page = await client.list_objects_v2(**where)
            for each in page.get("Contents", ()):
                yield Blob(each["Key"].removeprefix(self._place.prefix), each["Size"], each["LastModified"])
            more, where["ContinuationToken"] = page["IsTruncated"], page.get("NextContinuationToken", "")

    @contextlib.asynccontextmanager
    async def _asked(self, key: str, seconds: float) -> AsyncIterator[tuple[Any, dict[str, str]]]:
        """The client, and what it calls the blob. Raises NotFound for odd keys, and whenever the bucket says so."""
        name = {"Bucket": self._place.bucket, "Key": self._place.prefix + checked(key)}
        with self._judged(key):
            async with asyncio.timeout(READY):
                client = await self._connected()
            async with asyncio.timeout(seconds):
                yield client, name
            self._silences = 0

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._client is None:
                keys, place = self._keys, self._place
                session = aioboto3.Session(keys.id or None, keys.secret or None, keys.token or None, place.region)
                if await session.get_credentials() is None:  # a client made now would never have any
                    raise BlobsAway(
                        f"the bucket {place.bucket} has no keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                    )
                made = session.client("s3", endpoint_url=place.endpoint, config=_config(place))
                self._client = await self._stack.enter_async_context(made)
        return self._client

    @contextlib.contextmanager
    def _judged(self, key: str) -> Iterator[None]:
        """Answers are told by their code alone, and no cause goes along: requests and answers hold keys."""
        bucket = self._place.bucket
        try:
            yield
        except ClientError as error:
            self._silences = 0
            code = re.sub(r"[^A-Za-z0-9.]", "?", str(error.response.get("Error", {}).get("Code", "")))[:60]
            if code in MISSING:
                raise NotFound(key) from None
            status = str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
            raise BlobsAway(f"the bucket {bucket} answers {' '.join(dict.fromkeys((status, code)))}") from None
        except (TimeoutError, ReadTimeoutError, ConnectTimeoutError):
            self._silences += 1
            if self._silences >= HANGS:
                self._silent_until = asyncio.get_running_loop().time() + self._patience.pause
            raise BlobsAway(f"the bucket {bucket} did not answer in time") from None
        except (BotoCoreError, ResponseParserError, HttpError, OSError, RecursionError) as error:
            # RecursionError: botocore follows a redirect without end.
            raise BlobsAway(f"the bucket {bucket} cannot be reached: {type(error).__name__}") from None


def _config(place: Place) -> Any:
    return AioConfig(
        connect_timeout=CONNECT,
        read_timeout=READ,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        max_pool_connections=AT_ONCE,
        # Names of buckets are part of the host at Amazon's, and often nowhere else. The signature covers the content,
        # which others check, too; checksums in trailers are Amazon's own.
        s3={"addressing_style": "path" if place.endpoint else "auto", "payload_signing_enabled": True},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
