"""Pictures and the files of the look. Both have immutable addresses, so a browser asks once."""

from __future__ import annotations

import contextlib
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from hypermart.domain.catalog.pictures import content_type
from hypermart.errors import NotFound
from hypermart.web.caching import IMMUTABLE, etag, is_known
from hypermart.web.render import Answer, AnyRequest, Shop


@get("/media/{key:path}", media_type="image/*")
async def show_picture(request: AnyRequest, key: FromPath[str], shop: NamedDependency[Shop]) -> Answer | Stream:
    name = key.lstrip("/")
    if (media_type := content_type(name)) is None:
        raise NotFound(name)
    tag = f'"{name}"'
    headers = {"cache-control": IMMUTABLE, "etag": tag, "content-type": media_type}
    if is_known(tag, request.headers.get("if-none-match")) and await shop.blobs.exists(name):
        return Response(b"", status_code=304, headers=headers)
    pieces = shop.blobs.stream(name)
    # Raises NotFound and BlobsAway while there is still a status line to say it with. Later, the answer is cut off.
    first = await anext(aiter(pieces), b"")

    async def body() -> AsyncIterator[bytes]:
        async with contextlib.aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return Stream(body(), headers=headers)


#: Path under static/ -> (bytes, media type, etag).
Assets: TypeAlias = dict[str, tuple[bytes, str, str]]


def read_assets(folder: Path) -> Assets:
    """Everything under static/: a few hundred kB, read once."""
    return {
        path.relative_to(folder).as_posix(): (content := path.read_bytes(), _media_type(path), etag(content))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _media_type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


@get("/static/{digest:str}/{asset:path}", media_type="text/css")
async def show_asset(
    request: AnyRequest,
    digest: FromPath[str],
    asset: FromPath[str],
    assets: NamedDependency[Assets],
    shop: NamedDependency[Shop],
) -> Answer:
    """`digest` only makes the address new when a file changes; an old one gets the present file."""
    if (found := assets.get(asset.lstrip("/"))) is None:
        raise NotFound(asset)
    content, media_type, tag = found
    policy = IMMUTABLE if digest == shop.static_digest else "public, max-age=60"
    return shop.answer(request, content, media_type, {"cache-control": policy, "etag": tag})
