"""`python -m tests.bench.traces`: what traces cost in CPU, none and some and all, beside each other in one run."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import tempfile
from pathlib import Path

from hypermart.stack import mysql
from tests.bench.pages import PAGES, cost, fill
from tests.bench.servers import free_port, serving
from tests.parts.otlp_collector import collecting

SHARES = {"off": None, "0": "0", "0.1": "0.1", "1": "1"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--requests", type=int, default=200, help="per page and run")
    arguments.add_argument("--runs", type=int, default=7, help="medians are over these")
    args = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        mysql.running(Path(name) / "mysql", mysql.THROWAWAY) as server,
        collecting() as collector,
        contextlib.ExitStack() as stack,
    ):
        folder = Path(name)
        environ = asyncio.run(fill(server.url("bench"), folder))
        apps = []
        for number, share in enumerate(SHARES.values()):
            traces = {"TRACES": collector.url, "TRACES_SHARE": share} if share else {}
            port = free_port()
            log = folder / f"app{number}.log"
            apps.append((stack.enter_context(serving("app", port, environ | traces, log)), port))
        print(f"{'page':22}" + "".join(f"{share:>8}" for share in SHARES) + "   CPU ms per request, by TRACES_SHARE")
        for label, path in PAGES.items():
            runs: list[list[float]] = [[] for _ in apps]
            for run in range(args.runs + 1):
                for (pid, port), measured in zip(apps, runs, strict=True):
                    spent, _ = cost(pid, server.pid, port, path, args.requests)
                    if run:  # the first warms up
                        measured.append(spent)
            print(f"{label:22}" + "".join(f"{statistics.median(each):8.2f}" for each in runs), flush=True)


main()
