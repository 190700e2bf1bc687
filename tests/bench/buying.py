"""The second half of `make bench`: what buying costs on MySQL, beside the same rows written by hand in the same run."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import msgspec
from sqlalchemy import select, text

from hypermart.db.base import Base
from hypermart.db.engine import write_engine
from hypermart.domain.catalog.models import Variant
from hypermart.domain.stock.models import StockLevel
from tests.bench.buyer import BY_CARD, BY_INVOICE, Browsing, Buyer, Step, buy
from tests.bench.servers import cpu_seconds, free_port, serving

CONNECTIONS = 1, 32


class Stand(msgspec.Struct, frozen=True):
    """What is measured: the shop at `origin` as process `app`, its database as another one."""

    origin: str
    app: int
    database: int
    url: str
    variants: list[int]

    def buyer(self, number: int, payment: str, browsing: Browsing) -> Buyer:
        place = 2 * number % (len(self.variants) - 1)
        return Buyer(browsing, (self.variants[place], self.variants[place + 1]), payment)

    def cpu(self) -> tuple[float, float]:
        return cpu_seconds(self.app), cpu_seconds(self.database)


@contextlib.contextmanager
def stand(environ: Mapping[str, str], url: str, database: int, folder: Path) -> Iterator[Stand]:
    """A shop with plenty of everything, and the bogus bank as a process of its own."""
    shop, bank = free_port(), free_port()
    origin = f"http://127.0.0.1:{shop}"
    own = {**environ, "BASE_URL": origin, "TRIES": "9999 per second"}
    own |= {"GATEWAY_URL": f"bogus:http://127.0.0.1:{bank}", "GATEWAY_SECRET": "a secret that only benchmarks use"}
    variants = asyncio.run(stocked(url))
    with serving("bank", bank, own, folder / "bank.log"), serving("app", shop, own, folder / "buying.log") as app:
        yield Stand(origin, app, database, url, variants)


async def stocked(url: str) -> list[int]:
    engine = write_engine(url)
    async with engine.begin() as connection:
        await connection.execute(StockLevel.metadata.tables["stock_levels"].update().values(on_hand=1_000_000))
        found = list((await connection.execute(select(Variant.id).order_by(Variant.id))).scalars())
    await engine.dispose()
    return found


def report(args: argparse.Namespace, where: Stand) -> None:
    example = same_rows(where)
    for label, steps, payment in (("invoice", BY_INVOICE, "invoice"), ("card", BY_CARD, "card")):
        print(f"\n{'an order of 2 lines by ' + label:28} {'app':>8} {'database':>9}   CPU ms, medians of {args.runs}")
        rounds = [by_step(where, steps, payment, args.buyers) for _ in range(args.runs + 1)][1:]
        for step in (*(name for name, _ in steps), "the whole order"):
            app, database = (statistics.median(each[step][which] for each in rounds) for which in (0, 1))
            print(f"{step:28} {app:8.2f} {database:9.2f}", flush=True)
    print(f"\n{'orders per second of CPU':28} {'the app':>8} {'by hand':>8} {'ratio':>6}   app or client + database")
    for connections in CONNECTIONS:
        pairs = [beside(where, example, connections, args.orders) for _ in range(args.runs)]
        app, hand = (statistics.median(pair[which] for pair in pairs) for which in (0, 1))
        print(f"{f'{connections} at a time':28} {1 / app:8.1f} {1 / hand:8.1f} {app / hand:6.1f}", flush=True)


def by_step(where: Stand, steps: tuple[Step, ...], payment: str, count: int) -> dict[str, tuple[float, float]]:
    """(app, database) CPU in ms of each step: all shoppers do one before any does the next."""
    browsing = Browsing(where.origin)
    buyers = [where.buyer(number, payment, browsing) for number in range(count)]
    found = {}
    for label, step in steps:
        before = where.cpu()
        for buyer in buyers:
            step(buyer)
        settle(where)
        found[label] = _spent(before, where.cpu(), count)
    whole = (sum(each[which] for each in found.values()) for which in (0, 1))
    return found | {"the whole order": (next(whole), next(whole))}


def settle(where: Stand) -> None:
    """Until the app is idle: the bank's callbacks may come after the shopper's last page."""
    before = -1.0
    while (now := cpu_seconds(where.app)) != before:
        before = now
        time.sleep(0.05)


def _spent(before: tuple[float, float], after: tuple[float, float], count: int) -> tuple[float, float]:
    return (after[0] - before[0]) / count * 1000, (after[1] - before[1]) / count * 1000


def beside(where: Stand, example: int, connections: int, orders: int) -> tuple[float, float]:
    """CPU seconds of an order by invoice with its database's: through the app, and by hand."""
    before = where.cpu()
    _at_once(where, connections, orders)
    settle(where)
    app = sum(_spent(before, where.cpu(), orders)) / 1000
    database = cpu_seconds(where.database)
    client = by_hand(where, example, connections, orders * 5)
    return app, (client + cpu_seconds(where.database) - database) / (orders * 5)


def _at_once(where: Stand, connections: int, orders: int) -> None:
    numbers, failed = iter(range(orders)), []

    def work() -> None:
        browsing = Browsing(where.origin)
        try:
            for number in numbers:  # each thread takes the next one
                buy(where.buyer(number, "invoice", browsing), BY_INVOICE)
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        sys.exit(f"a shopper failed: {failed[0]}")


def by_hand(where: Stand, example: int, connections: int, orders: int) -> float:
    """CPU seconds of the client."""
    variants = ",".join(map(str, where.variants))
    command = [sys.executable, "-m", "tests.bench.by_hand", where.url, str(example), str(orders), str(connections)]
    return float(subprocess.run([*command, variants], check=True, capture_output=True, text=True).stdout.split()[0])


def same_rows(where: Stand) -> int:
    """An order through the app, and the same by hand: what writes something else is no comparison. Gives its number."""
    browsing = Browsing(where.origin)
    buy(where.buyer(0, "invoice", browsing), BY_INVOICE)  # the first of a shop makes its counter
    counts = [asyncio.run(rows(where.url))]
    number = buy(where.buyer(1, "invoice", browsing), BY_INVOICE)
    counts.append(asyncio.run(rows(where.url)))
    by_hand(where, number, 1, 1)
    counts.append(asyncio.run(rows(where.url)))
    app, hand = ({what: n - before[what] for what, n in after.items()} for before, after in pairwise(counts))
    if app != hand:
        sys.exit(f"by hand other rows are written: {hand} instead of {app}")
    return number


async def rows(url: str) -> dict[str, int]:
    """How many rows each table has, how many pieces are sold and how many numbers given out."""
    asked = {name: f"SELECT COUNT(*) FROM {name}" for name in Base.metadata.tables}
    asked |= {"sold": "SELECT SUM(allocated) FROM stock_levels", "numbers": "SELECT SUM(value) FROM counters"}
    engine = write_engine(url)
    async with engine.connect() as connection:
        found = {what: (await connection.execute(text(statement))).scalar_one() for what, statement in asked.items()}
    await engine.dispose()
    return found
