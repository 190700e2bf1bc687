"""The blobs command: moves a shop's pictures to another store, and looks after those that no row names.

Exit code 0: all is well. 1: something is missing, or differs after it was copied.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import timedelta
from typing import Any

from hypermart.cli_progress import shown
from hypermart.errors import Refused
from hypermart.ports import Blobs
from hypermart.services import blobs_opened, opened
from hypermart.settings import BadSetting, Settings

SHOWN = 50
"""Lines of a list of what went wrong."""
URL = "file:FOLDER or s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION"


def add_blobs(commands: Any) -> None:
    text = "Look after the files of pictures: move them to another store, find those that nothing needs."
    verbs = commands.add_parser("blobs", help=text, description=text).add_subparsers(required=True, metavar="VERB")
    text = "Copy what this shop's database names. What is there and the same is left alone, so it can be run again."
    copy = verbs.add_parser("copy", help=text, description=text)
    copy.set_defaults(run=lambda settings, args: asyncio.run(_copy(settings, args)))
    copy.add_argument("source", metavar="FROM_URL", help=URL)
    copy.add_argument("target", metavar="TO_URL", help="the same, and another place")
    text = "List the pictures at BLOBS_URL that no row of the database names."
    orphans = verbs.add_parser("orphans", help=text, description=text)
    orphans.set_defaults(run=lambda settings, args: asyncio.run(_orphans(settings, args)))
    orphans.add_argument("--delete", action="store_true", help="delete them")
    orphans.add_argument(
        "--hours", type=float, default=1, metavar="N", help="only those older than that (1); an import may take as long"
    )


async def _copy(settings: Settings, args: argparse.Namespace) -> int:
    from hypermart.domain.catalog.blobs import copy, named  # noqa: PLC0415  (other commands should start fast)

    if args.source == args.target:
        raise BadSetting("FROM_URL and TO_URL are the same")
    async with (
        blobs_opened(args.source, settings, "FROM_URL") as source,
        blobs_opened(args.target, settings, "TO_URL") as target,
        opened(settings) as services,
    ):
        async with services.db.fresh() as db:
            needed = (await named(db)).needed
        with shown() as progress:
            found = await copy(sorted(needed), source, target, progress)
    lost = [(outcome, key) for outcome in ("missing", "different") for key in found[outcome]]
    for outcome, key in lost[:SHOWN]:
        print(f"{outcome}: {key}", file=sys.stderr)  # noqa: T201
    _say(", ".join(f"{len(keys)} {outcome}" for outcome, keys in found.items()) + f"; {len(needed)} in all")
    return 1 if lost else 0


async def _orphans(settings: Settings, args: argparse.Namespace) -> None:
    from hypermart.domain.catalog.blobs import delete_orphans, orphans  # noqa: PLC0415

    if not args.hours >= 1:
        raise BadSetting("--hours must be 1 or more: younger pictures may be of an import that has not ended")
    async with opened(settings) as services:
        blobs: Blobs = services.blobs
        before = services.clock.now() - timedelta(hours=args.hours)
        try:
            found = await orphans(services.db, blobs, before)
        except Refused as error:
            raise BadSetting(str(error)) from None
        if args.delete:
            found = await delete_orphans(blobs, found, before)
    for blob in found:
        _say(f"{blob.modified_at:%Y-%m-%d %H:%M}  {blob.size:>10,}  {blob.key}")
    _say(f"{len(found)} {'deleted' if args.delete else 'orphans'}, {sum(blob.size for blob in found):,} bytes")


def _say(line: str) -> None:
    print("".join(char if char.isprintable() else "?" for char in line), flush=True)  # noqa: T201
