"""Makes a backup: the database at one moment, then the pictures that its rows name. All of it, or no folder."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.backup.files import KeptFile, make_folder, sync_names, write_rows
from hypermart.backup.manifest import BLOBS, NAME, SECRET, Kept, KeptTable, Manifest, encoded, table_path
from hypermart.db import migrate, plain_rows
from hypermart.db.half import SAID, is_half
from hypermart.db.moment import moment
from hypermart.db.session import ReadSession
from hypermart.domain.catalog.blobs import each, named
from hypermart.errors import NotFound, Refused
from hypermart.ports import Blobs, Progress
from hypermart.services import Services

PATIENCE = 60
"""Seconds that a replica may take to get to where its primary is."""


async def back_up(services: Services, folder: Path, progress: Progress, *, from_replica: bool) -> Manifest:
    """`folder` holds the shop as it is now. Raises Refused."""
    settings = services.settings
    with _whole_or_not_at_all(folder) as part:
        url = await _caught_up_replica(services) if from_replica else settings.database_url
        at = services.clock.now()
        async with moment(url) as now:
            revision = await _revision(now.connection, settings.root / "migrations")
            tables = await _tables(now.connection, part, progress)
            needed = (await named(ReadSession(now.connection))).needed
        blobs, lost = await _blobs(services.blobs, sorted(needed), part, progress)
        manifest = Manifest(
            shop=version("hypermart"),
            revision=revision,
            at=at,
            dialect=services.db.writer.dialect.name,
            position=now.position,
            tables=tables,
            blobs=blobs,
            lost=lost,
            secret=_secret(services, part),
        )
        with KeptFile(part / NAME) as file:
            file.write(encoded(manifest))
    return manifest


@contextlib.contextmanager
def _whole_or_not_at_all(folder: Path) -> Iterator[Path]:
    """A folder beside `folder`, which becomes it at the end of the block. Raises Refused."""
    part = folder.with_name(f"{folder.name}.part")
    if folder.exists() or folder.is_symlink():
        raise Refused(f"{folder} is there already: name a folder that is not")
    try:
        make_folder(folder.absolute().parent)
        part.mkdir(mode=0o700)
    except FileExistsError:
        raise Refused(f"{part} is there: a backup is being made, or was killed. Then delete it") from None
    except OSError as error:
        raise Refused(f"cannot write to {folder.parent}: {error.strerror}") from None
    try:
        yield part
        for each_folder, _, _ in os.walk(part):
            sync_names(Path(each_folder))
        part.rename(folder)
        sync_names(folder.absolute().parent)
    except OSError as error:
        raise Refused(f"cannot write {folder}: {error.strerror or error}. Nothing is left of it") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


async def _caught_up_replica(services: Services) -> str:
    """The first replica, once it has all that the primary has now: else what was confirmed might not be in it."""
    url = services.settings.database_read_url.split()[0]
    if url == services.settings.database_url:
        raise Refused("there is no replica: set DATABASE_READ_URL, or leave out --replica")
    beat = await services.db.pulse.beat()
    if beat is None:
        raise Refused("the primary does not answer, so nobody knows how far the replica is. Try without --replica")
    async with moment(url) as now:
        wait = text("SELECT WAIT_FOR_EXECUTED_GTID_SET(:gtids, :patience)")
        if await now.connection.scalar(wait, {"gtids": beat.gtids, "patience": PATIENCE}):
            raise Refused(f"the replica is more than {PATIENCE} s behind the primary")
    return url


async def _revision(connection: AsyncConnection, migrations: Path) -> str:
    if await connection.run_sync(is_half):
        raise Refused(SAID)
    found = await migrate.revision(connection)
    if found is None:
        raise Refused("the database is empty: there is nothing to keep. Check DATABASE_URL")
    if not migrate.knows(migrations, found):
        raise Refused(f"the database is of a newer shop (revision {found}): take that version to back it up")
    return found


async def _tables(connection: AsyncConnection, part: Path, progress: Progress) -> dict[str, KeptTable]:
    kept = {}
    layouts = await connection.run_sync(plain_rows.layouts)
    for place, layout in enumerate(layouts):
        progress("tables", place / len(layouts))
        file, rows = await write_rows(part / table_path(layout.name), plain_rows.read(connection, layout))
        kept[layout.name] = KeptTable(file, layout.columns, rows)
    progress("tables", 1)
    return kept


async def _blobs(blobs: Blobs, keys: list[str], part: Path, progress: Progress) -> tuple[dict[str, Kept], list[str]]:
    """What is there of `keys`, and which are not."""
    kept: dict[str, Kept] = {}
    lost: list[str] = []

    async def work(key: str) -> None:
        path = part / BLOBS / key
        try:
            with KeptFile(path) as file:
                async for piece in blobs.stream(key):
                    file.write(piece)
        except NotFound:
            path.unlink(missing_ok=True)
            lost.append(key)
        else:
            kept[key] = file.kept
        progress("pictures", (len(kept) + len(lost)) / len(keys))

    await each(keys, work)
    return dict(sorted(kept.items())), sorted(lost)


def _secret(services: Services, part: Path) -> Kept | None:
    """Without it no link in an old mail opens. One that is in the settings is kept where settings are."""
    if services.settings.secret_key:
        return None
    with KeptFile(part / SECRET) as file:
        file.write(services.secret)
    return file.kept
