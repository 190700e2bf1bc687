"""The way back: a backup into a database without tables. Until all of it is there, the database is marked as half."""

from __future__ import annotations

import contextlib
from pathlib import Path

from sqlalchemy import Connection, func, insert, inspect, select
from sqlalchemy.ext.asyncio import AsyncEngine

from hypermart import failpoints
from hypermart.adapters.blobs import LocalBlobs
from hypermart.backup.files import KeptFile, read_rows
from hypermart.backup.manifest import BLOBS, SECRET, Manifest, table_path
from hypermart.db import half, migrate, plain_rows
from hypermart.db.outbox import Outbox
from hypermart.db.plain_rows import Layout
from hypermart.domain.catalog.blobs import copy
from hypermart.errors import Refused
from hypermart.jobs.purge import EVERYTHING
from hypermart.ports import Progress
from hypermart.services import Services
from hypermart.settings import Settings

GAP = 1_000_000
"""Ids of the outbox that are left out. Mails are known by them (jobs/letters.py), and those that were sent after the
backup's moment are gone from the database, and not from the mailboxes, which show a Message-ID once."""


def place_secret(settings: Settings, folder: Path, manifest: Manifest) -> bool:
    """The key of the backup signs links again, unless the shop has one. Whether it is the same. Before opened()."""
    if manifest.secret is None:
        return True
    key = (folder / SECRET).read_bytes()
    if settings.secret_key:
        return key == settings.secret_key.encode()
    path = settings.data / "secret"
    with contextlib.suppress(FileExistsError), KeptFile(path) as file:
        file.write(key)
    return path.read_bytes() == key


async def restore(services: Services, folder: Path, manifest: Manifest, progress: Progress) -> None:
    """The shop is what the checked backup in `folder` is of. Raises Refused."""
    engine, migrations = services.db.writer, services.settings.root / "migrations"
    async with engine.connect() as connection:
        await connection.run_sync(_check_is_empty)
    await half.mark(engine)
    await migrate.upgrade_to(engine, migrations, manifest.revision)
    failpoints.reach("restore.migrated")
    await _fill_blobs(services, folder, manifest, progress)
    await _fill_tables(engine, folder, manifest, progress)
    failpoints.reach("restore.loaded")
    await migrate.upgrade_to(engine, migrations, "head")
    await _purge_everything(services)
    await half.unmark(engine)


def _check_is_empty(connection: Connection) -> None:
    names = inspect(connection).get_table_names()
    if half.TABLE in names:
        raise half.HalfRestored
    if names:
        raise Refused("the database has tables, and nothing is restored over them: set DATABASE_URL to an empty one")


async def _fill_blobs(services: Services, folder: Path, manifest: Manifest, progress: Progress) -> None:
    """Before the rows, as everywhere: the pictures that no row names yet are young, and so not deleted."""
    if not manifest.blobs:
        return
    outcome = await copy(list(manifest.blobs), LocalBlobs(folder / BLOBS), services.blobs, progress)
    if bad := outcome["missing"] + outcome["different"]:
        raise Refused(f"picture {bad[0]} is not what was written, at BLOBS_URL or in the backup: {len(bad)} are so")


async def _fill_tables(engine: AsyncEngine, folder: Path, manifest: Manifest, progress: Progress) -> None:
    async with engine.connect() as connection:
        there = {each.name: set(each.columns) for each in await connection.run_sync(plain_rows.layouts)}
    for name, table in manifest.tables.items():
        if there.get(name) != set(table.columns):
            raise Refused(f"table {name} is not the one of revision {manifest.revision}: its columns are others")
    try:
        async with plain_rows.loading(engine) as connection:
            done = 0
            for name, table in manifest.tables.items():
                progress("tables", done / max(manifest.rows, 1))
                rows = read_rows(folder / table_path(name))
                done += await plain_rows.write(connection, Layout(name, table.columns), rows)
    except LookupError as error:
        raise Refused(str(error)) from None
    progress("tables", 1)


async def _purge_everything(services: Services) -> None:
    """What caches have is of the shop that was lost."""
    now = services.clock.now()
    async with services.db.writer.begin() as connection:
        highest = (await connection.execute(select(func.max(Outbox.id)))).scalar_one() or 0
        row = {"id": highest + GAP, "job": "purge_pages", "args": {"keys": EVERYTHING}}
        await connection.execute(insert(Outbox).values(**row, created_at=now, due_at=now))
