"""The first half of `make bench`: CPU per request of public pages on MySQL, each beside its floor in the same run."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import statistics
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import text

from hypermart import demo
from hypermart.db import migrate
from hypermart.db.engine import write_engine
from hypermart.services import opened
from hypermart.settings import load
from tests.bench.servers import cpu_seconds, fetch, free_port, serving

PAGES = {
    "home": "/",
    "category, 24 cards": "/c/paintings-prints",
    "product, 9 variants": "/p/summer-flowers",
    "search, 24 cards": "/search?q=print",
}


Stand: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""Process ids and ports of app and floor."""


async def fill(url: str, folder: Path) -> dict[str, str]:
    """An own database `bench` with the demo shop in it; gives the settings of servers that use it."""
    name = "bench"
    engine = write_engine(url.replace(f"/{name}?", "/mysql?"))
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    await engine.dispose()
    environ = {"DATABASE_URL": url, "DATA_DIR": str(folder), "LOG_LEVEL": "info", "WORKER": "external"}
    environ["SECRET_KEY"] = "a key that only benchmarks use, and many"
    settings = load({**os.environ, **environ})
    async with opened(settings) as services:
        await migrate.upgrade(services.db.writer, settings.root / "migrations")
        await demo.seed(services)
    return environ


def cost(pid: int, database: int, port: int, path: str, requests: int) -> tuple[float, float]:
    """(server, database) CPU in ms per request over one kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    before = cpu_seconds(pid), cpu_seconds(database)
    for _ in range(requests):
        fetch(connection, path)
    after = cpu_seconds(pid), cpu_seconds(database)
    connection.close()
    return (after[0] - before[0]) / requests * 1000, (after[1] - before[1]) / requests * 1000


@contextlib.contextmanager
def stand(environ: Mapping[str, str], folder: Path) -> Iterator[Stand]:
    own = {**environ, "BENCH_PATHS": " ".join(PAGES.values())}
    ports = free_port(), free_port()
    with (
        serving("app", ports[0], own, folder / "app.log") as app,
        serving("floor", ports[1], own, folder / "floor.log") as floor,
    ):
        yield (app, floor), ports


def report(args: argparse.Namespace, where: Stand, database: int) -> None:
    pids, ports = where
    print(
        f"{'page':22} {'app':>8} {'floor':>8} {'ratio':>6} {'database':>9}   CPU ms per request, medians of {args.runs}"
    )
    for number, (label, path) in enumerate(PAGES.items()):
        paths = path, f"/floor/{number}"
        same_bytes(ports, paths)
        runs: list[list[tuple[float, float]]] = [[], []]
        for run in range(args.runs + 1):
            for which in (0, 1):
                measured = cost(pids[which], database, ports[which], paths[which], args.requests)
                if run:  # the first warms up
                    runs[which].append(measured)
        app, floor = (statistics.median(server for server, _ in measured) for measured in runs)
        rows = statistics.median(base for _, base in runs[0])
        print(f"{label:22} {app:8.2f} {floor:8.2f} {app / floor:6.2f} {rows:9.2f}", flush=True)


def same_bytes(ports: tuple[int, int], paths: tuple[str, str]) -> None:
    """A floor that renders something else is no floor."""
    bodies = [
        fetch(http.client.HTTPConnection("127.0.0.1", port), path) for port, path in zip(ports, paths, strict=True)
    ]
    if bodies[0] != bodies[1]:
        sys.exit(f"{paths[0]}: the floor's bytes differ")
