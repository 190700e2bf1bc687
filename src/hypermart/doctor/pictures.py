"""Looks at where pictures are, by a file of its own that is put, read and deleted again; and who else reads there."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import httpx

from hypermart.adapters.s3 import Place, place
from hypermart.doctor.case import Case
from hypermart.doctor.finding import Finding, Findings, note, ok, problem, told
from hypermart.ports import Blobs, BlobsAway
from hypermart.services import blobs_opened

CONTENT = b"a probe of hypermart doctor"
PATIENCE = 2.0
"""Seconds, to see whether strangers can read."""
RIGHTS = "Grant the rights of docs/pictures.md"


async def look(case: Case) -> Findings:
    url = case.settings.blobs_url
    folder = url.removeprefix("file:")
    if url.startswith("file:") and not await asyncio.to_thread(Path(folder).exists):
        yield note("pictures", f"the folder {folder} is not there yet", "The first import makes it")
        return
    key = f"originals/doctor-{secrets.token_hex(8)}.txt"
    async with blobs_opened(url, case.settings) as blobs:
        try:
            await blobs.put(key, CONTENT, "text/plain")
        except BlobsAway as error:
            yield problem("pictures", f"{told(error)} to a put", _fix(str(error), "s3:PutObject", url))
            return
        yield await _read(blobs, key, url)
        if url.startswith("s3:") and await _is_public(place(url), key):
            words = "strangers can read the bucket, past the shop"
            yield note("pictures", words, "Block public access to it (docs/pictures.md)")
        try:
            await blobs.delete(key)
        except BlobsAway as error:
            words = f"{told(error)} to a delete; {key} is left there"
            yield note("pictures", words, f"{RIGHTS}: hypermart blobs orphans --delete needs s3:DeleteObject")


async def _read(blobs: Blobs, key: str, url: str) -> Finding:
    right = "s3:GetObject"
    try:
        if await blobs.get(key) != CONTENT:
            return problem("pictures", "what was put comes back as something else", "Look at what BLOBS_URL leads to")
        right = "s3:ListBucket, without which a picture that is missing looks like a bucket that is closed"
        await blobs.exists(f"{key}.missing")
    except BlobsAway as error:
        return problem("pictures", f"{told(error)} to a read", _fix(str(error), right, url))
    return ok("pictures", f"put and read at {url.partition('?')[0]}")


def _fix(words: str, right: str, url: str) -> str:
    if url.startswith("file:"):
        return f"Give {url.removeprefix('file:')} to the shop's user"
    if "NoSuchBucket" in words:
        return "Make the bucket, or correct its name in BLOBS_URL"
    if any(code in words for code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "has no keys")):
        return "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if "403" in words:
        return f"{RIGHTS}, here {right}"
    return "Check endpoint and region in BLOBS_URL"


async def _is_public(where: Place, key: str) -> bool:
    host = where.endpoint or f"https://{where.bucket}.s3.{where.region or 'us-east-1'}.amazonaws.com"
    path = f"{where.bucket}/{where.prefix}{key}" if where.endpoint else f"{where.prefix}{key}"
    try:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.get(f"{host.rstrip('/')}/{path}")
    except httpx.HTTPError:
        return False
    return answer.content == CONTENT
