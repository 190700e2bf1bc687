"""New releases under load: replicas are restarted and the schema grows, and no visitor notices."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from hypermart.settings import ROOT
from hypermart.stack.plan import shop_environment
from tests.topology.load import Load
from tests.topology.running import Running

pytestmark = pytest.mark.timeout(400)
TIMES = 3
NEW = "9999"
GROWS = """"Grows by two columns and an index, as a release that expands does."
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{new}", "{last}"

def upgrade():
    op.add_column("orders", sa.Column("note_of_test", sa.String(20), nullable=True))
    op.create_index("ix_orders_note_of_test", "orders", ["note_of_test"])
    op.add_column("products", sa.Column("note_of_test", sa.Integer(), nullable=True))
"""
UNDO = (
    "ALTER TABLE orders DROP INDEX ix_orders_note_of_test, DROP COLUMN note_of_test",
    "ALTER TABLE products DROP COLUMN note_of_test",
)


@pytest.fixture
async def load(stack: Running) -> Load:
    return Load(
        stack.url, ["/", "/c/space", "/p/earth", "/cart", "/search?q=moon"], await stack.stocked(4, units=10_000)
    )


async def test_a_rolling_restart_fails_nobody(stack: Running, load: Load) -> None:
    async with load.under_way():
        for _ in range(TIMES):
            await asyncio.to_thread(stack.say, "restart", *stack.shape.apps)
    assert not load.failures
    assert load.orders > TIMES


async def test_a_migration_fails_nobody(stack: Running, load: Load, tmp_path: Path) -> None:
    """The next release's schema arrives while this release serves."""
    root, last = next_release(tmp_path)
    environment = os.environ | shop_environment(stack.shape, stack.folder) | {"ROOT": str(root)}
    command = [sys.executable, "-m", "hypermart", "migrate"]
    try:
        async with load.under_way():
            await asyncio.sleep(1)
            done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True)
            await asyncio.sleep(1)
        assert f"revision {NEW}" in done.stdout, done.stderr
        assert not load.failures
        assert load.orders
    finally:
        async with stack.services() as services, services.db.writer.begin() as connection:
            for statement in UNDO:
                await connection.execute(text(statement))
            await connection.execute(text("UPDATE alembic_version SET version_num = :last"), {"last": last})


def next_release(folder: Path) -> tuple[Path, str]:
    """The root of a release that has one more step, and the step before it."""
    for name in ("templates", "static"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "migrations", folder / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    last = max(path.name.partition("_")[0] for path in (folder / "migrations" / "versions").glob("*.py"))
    (folder / "migrations" / "versions" / f"{NEW}_grows.py").write_text(GROWS.format(new=NEW, last=last))
    return folder, last
