"""Which blobs the shop's rows name: moves them to another store, and deletes those that no row names."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Literal, TypeAlias, TypeVar

import msgspec
from sqlalchemy import select

from hypermart.db.session import AnySession, Database
from hypermart.domain.catalog.models import Picture
from hypermart.domain.catalog.pictures import content_type, is_as_named, rendition_key, rendition_widths
from hypermart.errors import NotFound, Refused
from hypermart.ports import Blob, Blobs, Progress

AT_ONCE = 8
"""Blobs under way; each is in memory as a whole, and has at most 20 MB."""

T = TypeVar("T")
Outcome: TypeAlias = Literal["copied", "there already", "missing", "different"]


class Named(msgspec.Struct, frozen=True):
    needed: frozenset[str]
    """Originals, and the renditions that rows say exist."""
    kept: frozenset[str]
    """These, and the renditions that a job may have made and not yet said so."""


async def named(db: AnySession) -> Named:
    needed: set[str] = set()
    kept: set[str] = set()
    for row in await db.execute(select(Picture.blob_key, Picture.width, Picture.widths).distinct()):
        needed |= {row.blob_key, *(rendition_key(row.blob_key, int(width)) for width in row.widths.split())}
        kept |= {rendition_key(row.blob_key, width) for width in rendition_widths(row.width)}
    return Named(frozenset(needed), frozenset(kept | needed))


async def copy(keys: Sequence[str], source: Blobs, target: Blobs, progress: Progress) -> dict[Outcome, list[str]]:
    """Each of `keys` is in `target`, byte for byte, or named under what became of it. May be stopped and run again."""
    sizes = {blob.key: blob.size async for blob in source.listed()}
    there = {blob.key: blob.size async for blob in target.listed()}
    found: dict[Outcome, list[str]] = {"copied": [], "there already": [], "missing": [], "different": []}

    async def work(key: str) -> None:
        outcome: Outcome = "missing"
        if key in sizes:
            outcome = await _copied(key, source, target, is_there=there.get(key) == sizes[key])
        found[outcome].append(key)
        progress("copying", sum(map(len, found.values())) / len(keys))

    await each(keys, work)
    return found


async def _copied(key: str, source: Blobs, target: Blobs, *, is_there: bool) -> Outcome:
    """What the target has is read again, and not taken from what it says."""
    try:
        content = await source.get(key)
    except NotFound:
        return "missing"
    if not is_as_named(key, content):
        return "different"
    digest = hashlib.sha256(content).digest()
    if is_there and await _digest(target, key) == digest:
        return "there already"
    await target.put(key, content, content_type(key) or "application/octet-stream")
    return "copied" if await _digest(target, key) == digest else "different"


async def _digest(blobs: Blobs, key: str) -> bytes:
    """Of nothing, if nothing is there any more."""
    digest = hashlib.sha256()
    try:
        async for piece in blobs.stream(key):
            digest.update(piece)
    except NotFound:
        return b""
    return digest.digest()


async def orphans(db: Database, blobs: Blobs, before: datetime) -> list[Blob]:
    """Pictures that no row names, put or renewed before that moment. Raises Refused if rows name none of those there.

    Younger ones may be of an import, whose rows come last. Rows are read last, too.
    """
    listed = [blob async for blob in blobs.listed() if content_type(blob.key)]
    async with db.fresh() as session:
        kept = (await named(session)).kept
    lost = [blob for blob in listed if blob.key not in kept]
    if lost and len(lost) == len(listed):
        raise Refused("no picture there is of this shop: check DATABASE_URL and BLOBS_URL")
    return sorted((blob for blob in lost if blob.modified_at < before), key=lambda blob: blob.key)


async def delete_orphans(blobs: Blobs, found: Sequence[Blob], before: datetime) -> list[Blob]:
    """Gives those that are gone: what has been renewed since it was found stays, for somebody is about to name it."""
    gone = set()

    async def work(blob: Blob) -> None:
        current = await blobs.find(blob.key)
        if current and current.modified_at < before:
            await blobs.delete(blob.key)
            gone.add(blob.key)

    await each(found, work)
    return [blob for blob in found if blob.key in gone]


async def each(things: Sequence[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Some at once. The first failure ends it all."""
    left = iter(things)

    async def lane() -> None:
        for thing in left:
            await work(thing)

    try:
        async with asyncio.TaskGroup() as lanes:
            for _ in range(AT_ONCE):
                lanes.create_task(lane())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
