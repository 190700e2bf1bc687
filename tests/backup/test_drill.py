"""The drill: a backup while a crowd buys, the shop is lost, restored elsewhere, settled, and audited by four ledgers.

`make restore-drill` runs it on both databases and shows what it measured (docs/backup.md).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from hypermart.adapters.clock import SystemClock
from hypermart.app import bank_app, create_app
from hypermart.backup.manifest import Manifest, read
from hypermart.bogus import journal
from hypermart.domain.catalog.models import Variant
from hypermart.domain.stock.actions import Level, set_on_hand
from hypermart.services import opened
from hypermart.settings import ROOT, Settings
from tests.backup.drill import Crowd, new_home, process, restored
from tests.faults import audit
from tests.faults.audit import CONFIRMATION, Capture, Letter, Records, Row
from tests.faults.crashing import Place
from tests.parts import databases
from tests.parts.selling import FLOWERS, MOON
from tests.parts.selling_site import delivering
from tests.parts.server import serving

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
ENOUGH = 6
"""Orders before the backup, and after it."""
REPORT = ROOT / "test-results" / "restore-drill.txt"


@pytest.fixture
def place(demo_copy_settings: Settings) -> Iterator[Place]:
    """The shop, and the bank, which outlives it."""
    place = Place(demo_copy_settings)
    with serving(bank_app(place.settings, SystemClock()), place.bank_port):
        yield place


async def stocked(settings: Settings) -> list[int]:
    """Two variants, of which there are enough."""
    async with opened(settings) as services, services.db.write() as db:
        ids = list(await db.scalars(select(Variant.id).where(Variant.sku.in_((FLOWERS, MOON)))))
        await set_on_hand(db, [Level(id_, 500, may_oversell=False) for id_ in ids], at=services.clock.now(), reason="")
    return ids


async def backed_up(place: Place, folder: Path) -> Crowd:
    """The shop sells before, while, and after it is backed up; then it is gone."""
    app = create_app(place.settings, clock=SystemClock(), beside=delivering)
    variants = await stocked(place.settings)
    with serving(app, place.shop_port) as url:
        crowd = Crowd(url, variants)
        async with crowd.buying():
            await crowd.bought(ENOUGH)
            backup = process(place.settings, "backup", str(folder))
            _, complaint = await asyncio.to_thread(backup.communicate)
            assert backup.returncode == 0, complaint
            await crowd.bought(ENOUGH)
    return crowd


def bank_of(path: Path, tables: dict[str, list[Row]], since: datetime) -> tuple[list[Capture], list[Capture]]:
    """What was captured; and apart, since the backup, for attempts that the backup does not know."""
    known = {row["gateway_ref"] for row in tables["attempts"]}
    taken = [entry for entry in journal.entries(path) if entry.kind == "captured"]
    lost = [entry for entry in taken if entry.ref not in known and entry.at >= since]
    return (
        [Capture(each.ref, each.amount, each.currency) for each in taken if each not in lost],
        [Capture(each.ref, each.amount, each.currency) for each in lost],
    )


def number(letter: Letter) -> int:
    found = CONFIRMATION.search(letter.subject)
    return int(found[1]) if found else 0


def bring_mailboxes(old: Path, new: Path, last: int) -> None:
    """Customers keep their mails; those of orders that are lost are counted apart."""
    new.mkdir(parents=True)
    for path, letter in zip(sorted(old.glob("*.eml")), audit.mailbox(old), strict=True):
        if number(letter) <= last:
            shutil.copy(path, new)


async def settled_records(place: Place, old: Settings, crowd: Crowd, manifest: Manifest) -> tuple[Records, int]:
    """The four ledgers of the restored shop, once it has done what it owes; and how many captures are lost."""
    url = place.settings.database_url
    last = max(row["number"] for row in (await audit.database(url))["orders"])
    bring_mailboxes(old.data / "mail", place.settings.data / "mail", last)
    await place.settle()
    tables = await audit.database(url)
    captures, lost = bank_of(old.data / "bogus.db", tables, manifest.at)
    seen = [line for _, line in crowd.seen if line.number <= last]
    must = crowd.confirmed(manifest.at)
    assert len(must) >= ENOUGH
    assert {line.number for line in must} <= {line.number for line in seen}, "what was confirmed before is there"
    return Records(captures, audit.mailbox(place.settings.data / "mail"), seen, tables), len(lost)


def test_the_drill(place: Place, tmp_path: Path) -> None:
    folder, old = tmp_path / "backup", place.settings
    crowd = asyncio.run(backed_up(place, folder))
    manifest = read(folder)
    with new_home(tmp_path / "new") as url:
        new = databases.settings(tmp_path / "new", url)
        place.settings = msgspec.structs.replace(
            new, base_url=old.base_url, gateway_url=old.gateway_url, valkey_url=old.valkey_url
        )
        took, until_open = restored(place.settings, folder)
        records, lost = asyncio.run(settled_records(place, old, crowd, manifest))
        assert audit.findings(records) == []
    report(
        manifest, crowd, records, f"{took:.1f} s to restore, {until_open:.1f} s until the first page; {lost} captures"
    )


def report(manifest: Manifest, crowd: Crowd, records: Records, words: str) -> None:
    gone = [at for at, line in crowd.seen if line not in records.seen]
    seconds = (max(at for at, _ in crowd.seen) - manifest.at).total_seconds()
    size = sum(kept.size for kept in manifest.files.values()) / 1e6
    REPORT.parent.mkdir(exist_ok=True)
    with REPORT.open("a") as file:
        file.write(
            f"{manifest.dialect}: {manifest.rows} rows, {len(manifest.blobs)} pictures, {size:.1f} MB; {words} and "
            f"{len(gone)} of {len(crowd.seen)} orders lost with the {seconds:.1f} s since the backup\n"
        )
