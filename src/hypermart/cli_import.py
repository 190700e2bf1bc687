"""The import command: its arguments, progress, and exit codes. What a file means is the domain's business.

Exit code 0: imported (or nothing to change). 1: rows were refused, nothing changed. 2: the file cannot be used.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypermart.cli_progress import shown
from hypermart.db import migrate
from hypermart.money import exponent
from hypermart.services import opened
from hypermart.settings import BadSetting, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypermart.domain.content.actions import PageText
    from hypermart.domain.imports.actions import Order
    from hypermart.domain.imports.summary import Summary
    from hypermart.ports import Progress


def add_import(commands: Any) -> None:
    text = "Import products from a file of another shop system, or pages of words."
    sources = commands.add_parser("import", help=text, description=text).add_subparsers(required=True, metavar="FROM")
    text = "Import a product CSV file that Shopify exported. All of it, or nothing."
    shopify = sources.add_parser("shopify", help=text, description=text)
    shopify.set_defaults(run=run)
    shopify.add_argument("file", type=Path, metavar="FILE", help="the CSV file, with classic or new column names")
    shopify.add_argument(
        "--pictures", type=Path, metavar="FOLDER|ZIP", help="where the pictures are; never the network"
    )
    shopify.add_argument(
        "--catalogue", type=Path, metavar="TOML", help="which tags make categories, collections, facets"
    )
    shopify.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    text = "Write the pages of words: each file of FOLDER, like terms.html, is a page. All of them, or none."
    pages = sources.add_parser("pages", help=text, description=text)
    pages.set_defaults(run=run_pages)
    pages.add_argument("folder", type=Path, metavar="FOLDER", help="HTML files that begin with <title>")


def run(settings: Settings, args: argparse.Namespace) -> int:
    from hypermart.domain.imports.actions import Order  # noqa: PLC0415  (other commands should start fast)
    from hypermart.domain.imports.mapping import load  # noqa: PLC0415
    from hypermart.domain.imports.problems import Unusable  # noqa: PLC0415

    try:
        exponent(settings.currency)
    except ValueError as error:
        raise BadSetting(f"CURRENCY: {error}: give an ISO 4217 code such as EUR") from None
    try:
        mapping = load(args.catalogue) if args.catalogue else None
        order = Order(args.file, settings.currency, args.pictures, mapping, args.dry_run)
        with shown() as progress:
            summary = asyncio.run(_import(settings, order, progress))
    except Unusable as error:
        _complain(f"hypermart: {' '.join(str(error).split())}")
        return 2
    if summary.refused:
        for line in summary.problem_lines(str(args.file)):
            _complain(line)
        _complain(
            f"hypermart: {summary.refused} refused, nothing was imported. Mend the file and run the command again"
        )
        return 1
    for line in summary.lines():
        print(line)  # noqa: T201
    return 0


async def _import(settings: Settings, order: Order, progress: Progress) -> Summary:
    from hypermart.domain.imports.actions import import_shopify  # noqa: PLC0415

    async with opened(settings, is_patient=True) as services:
        if settings.is_embedded:
            await migrate.upgrade(services.db.writer, settings.root / "migrations")
        return await import_shopify(services.db, services.blobs, order, progress)


def run_pages(settings: Settings, args: argparse.Namespace) -> int:
    from hypermart.domain.content.files import BadPages, read_pages  # noqa: PLC0415  (as in run)

    try:
        pages = read_pages(args.folder, settings.shop_name)
    except BadPages as error:
        _complain(f"hypermart: {error}")
        return 2
    written = asyncio.run(_write(settings, pages))
    for slug in pages:
        print(f"/pages/{slug}: {'written' if slug in written else 'unchanged'}")  # noqa: T201
    return 0


async def _write(settings: Settings, pages: Mapping[str, PageText]) -> list[str]:
    """The pages that said something else before."""
    from hypermart.domain.content.actions import write_pages  # noqa: PLC0415

    async with opened(settings) as services:
        if settings.is_embedded:
            await migrate.upgrade(services.db.writer, settings.root / "migrations")
        async with services.db.write() as db:
            return await write_pages(db, pages, services.clock.now())


def _complain(line: str) -> None:
    print("".join(char if char.isprintable() else "?" for char in line), file=sys.stderr)  # noqa: T201
