"""The importer as a process: killed in the middle, and on a large file within its memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from hypermart.db.session import Database
from hypermart.domain.catalog.models import Listing, PriceChange, Product, Variant
from hypermart.domain.stock.models import StockLevel
from hypermart.services import Services, opened
from hypermart.settings import Settings

PRODUCTS, VARIANTS = 5_000, 4
MEGABYTES = 300
SECONDS = 180


def generated(path: Path, products: int) -> Path:
    """Four variants a product, two options, two metafields, a long description."""
    head = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    head += "Variant SKU,Variant Grams,Variant Inventory Qty,Variant Inventory Policy,Variant Price,"
    head += "Artist (product.metafields.custom.artist),Pages (product.metafields.custom.pages),Status\n"
    body = "<p>" + "A quiet picture for a quiet wall. " * 20 + "</p>"
    with path.open("w") as file:
        file.write(head)
        for number in range(products):
            for place in range(VARIANTS):
                first = place == 0
                product = (f"Print {number}", body, "Maker", f"Kind {number % 10}", "a, b") if first else ("",) * 5
                names = ("Size", "Frame") if first else ("", "")
                facts = (f"Artist {number % 300}", str(number), "active") if first else ("", "", "")
                cells = (
                    *(f"print-{number}", product[0], product[1], product[2], product[3], f'"{product[4]}"'),
                    *("TRUE" if first else "", names[0], f"{place // 2}", names[1], f"{place % 2}"),
                    *(f"P{number}-{place}", "180", str((number + place) % 7), "deny", f"{10 + place}.00", *facts),
                )
                file.write(",".join(cells) + "\n")
    return path


def start(settings: Settings, file: Path) -> subprocess.Popen[str]:
    environ = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "DATA_DIR": str(settings.data),
        "SECRET_KEY": settings.secret_key,
    }
    command = [sys.executable, "-m", "hypermart", "import", "shopify", str(file)]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> tuple[str, str, float]:
    """What it said on stdout and stderr, and the most memory it ever held, in MB."""
    highest: list[float] = []
    watcher = threading.Thread(target=watch, args=(process, highest))
    watcher.start()
    said, told = process.communicate()
    watcher.join()
    return said, told, max(highest)


def watch(process: subprocess.Popen[str], highest: list[float]) -> None:
    """The high-water mark of the process itself. (wait4 would also count what its parent held when it forked.)"""
    while process.poll() is None:
        with contextlib.suppress(OSError):
            marks = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            highest += [int(mark) / 1024 for mark in marks]
        time.sleep(0.02)


async def counts(database: Database) -> list[int]:
    async with database.read() as db:
        models: tuple[Any, ...] = (Product, Variant, StockLevel, PriceChange, Listing)
        return [(await db.execute(select(func.count()).select_from(model))).scalar_one() for model in models]


@pytest.mark.slow
def test_killed_in_the_middle_nothing_is_half_imported(settings: Settings, tmp_path: Path) -> None:
    file = generated(tmp_path / "products.csv", 1_500)
    process = start(settings, file)
    assert process.stderr
    for line in process.stderr:
        if line.startswith("writing 30"):  # of the writing, a third of the products is in the open transaction
            break
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    process.communicate()

    async def after() -> None:
        async with opened(settings) as services:
            assert await counts(services.db) == [0, 0, 0, 0, 0]

    asyncio.run(after())
    again = start(settings, file)
    said, _ = again.communicate(timeout=60)
    assert said.splitlines()[0] == "products: 1500 created, 0 changed, 0 unchanged, 0 refused"


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_five_thousand_products(services: Services, tmp_path: Path) -> None:
    file = generated(tmp_path / "products.csv", PRODUCTS)
    began = time.monotonic()
    process = start(services.settings, file)
    said, told, peak = await asyncio.to_thread(finished, process)
    seconds = time.monotonic() - began
    assert (process.returncode, seconds < SECONDS) == (0, True), told[-2000:]
    print(f"{PRODUCTS} products, {PRODUCTS * VARIANTS} variants: {seconds:.0f} s, {peak:.0f} MB")  # noqa: T201
    assert said.splitlines()[:2] == [
        f"products: {PRODUCTS} created, 0 changed, 0 unchanged, 0 refused",
        f"variants: {PRODUCTS * VARIANTS} created, 0 changed, 0 unchanged, 0 refused",
    ]
    assert await counts(services.db) == [5_000, 20_000, 20_000, 20_000, 5_000]
    assert peak < MEGABYTES
    assert [line for line in told.splitlines() if line.startswith("writing")][-1] == "writing 100 %"
    said, _, _ = await asyncio.to_thread(finished, start(services.settings, file))
    assert said.splitlines()[0] == f"products: 0 created, 0 changed, {PRODUCTS} unchanged, 0 refused"
