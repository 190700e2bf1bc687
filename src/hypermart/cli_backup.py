"""The backup and restore commands: their arguments, progress, and exit codes. What a backup is, is in backup/.

Exit code 0: all is well. 1: pictures that rows name were not there to be kept. 2: refused, and nothing was done.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypermart.cli_progress import shown
from hypermart.errors import Refused
from hypermart.services import opened
from hypermart.settings import BadSetting, Settings

if TYPE_CHECKING:
    from hypermart.backup.manifest import Manifest


def add_backup(commands: Any) -> None:
    text = "Write all of this shop, as it is at one moment, into a new folder. The shop stays open."
    backup = commands.add_parser("backup", help=text, description=text)
    backup.set_defaults(run=_refusable(back_up))
    backup.add_argument("folder", type=Path, metavar="FOLDER", help="it must not be there yet")
    backup.add_argument("--replica", action="store_true", help="read the first of DATABASE_READ_URL, not the primary")
    text = "Bring the shop of a backup back, into an empty database. All of the backup is checked before."
    restore = commands.add_parser("restore", help=text, description=text)
    restore.set_defaults(run=_refusable(bring_back))
    restore.add_argument("folder", type=Path, metavar="FOLDER", help="what hypermart backup wrote")
    restore.add_argument(
        "--verify-only", action="store_true", help="check the backup and do nothing; needs no database"
    )


def back_up(settings: Settings, args: argparse.Namespace) -> int:
    from hypermart.backup.writing import back_up  # noqa: PLC0415  (other commands should start fast)

    async def work() -> Manifest:
        async with opened(settings, is_patient=True) as services:
            with shown() as progress:
                return await back_up(services, args.folder, progress, from_replica=args.replica)

    manifest = asyncio.run(work())
    _say(f"{args.folder} holds {_summary(manifest)}")
    for key in manifest.lost:
        print(f"lost: {''.join(char if char.isprintable() else '?' for char in key)}", file=sys.stderr)  # noqa: T201
    return 1 if manifest.lost else 0


def bring_back(settings: Settings, args: argparse.Namespace) -> int:
    from hypermart.backup.checking import check  # noqa: PLC0415
    from hypermart.backup.restoring import place_secret, restore  # noqa: PLC0415

    began = time.monotonic()
    with shown() as progress:
        manifest = check(args.folder, settings.root / "migrations", progress)
        if args.verify_only:
            _say(f"{args.folder} is whole: {_summary(manifest)}")
            return 0
        is_same_key = place_secret(settings, args.folder, manifest)

        async def work() -> None:
            async with opened(settings, is_patient=True) as services:
                await restore(services, args.folder, manifest, progress)

        asyncio.run(work())
    _say(f"Restored in {time.monotonic() - began:.1f} s: {_summary(manifest)}")
    if not is_same_key:
        _say(
            f"Links in old mails do not open: SECRET_KEY is not the one in {args.folder / 'secret'}. Put that in place"
        )
    return 0


def _refusable(run: Any) -> Any:
    def refused(settings: Settings, args: argparse.Namespace) -> int:
        try:
            return int(run(settings, args))
        except Refused as error:
            raise BadSetting(str(error)) from None

    return refused


def _summary(manifest: Manifest) -> str:
    size = sum(kept.size for kept in manifest.files.values()) / 1e6
    lost = f", {len(manifest.lost)} pictures are lost" if manifest.lost else ""
    what = f"{manifest.rows:,} rows of {len(manifest.tables)} tables, {len(manifest.blobs):,} pictures{lost}"
    by = f"hypermart {manifest.shop}, revision {manifest.revision}"
    return f"the shop as of {manifest.at:%Y-%m-%d %H:%M:%S} UTC: {what}; {size:,.1f} MB, {by}"


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
