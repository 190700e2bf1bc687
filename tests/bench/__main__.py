"""`python -m tests.bench`: what pages and purchases cost. For the large shop: `python -m tests.bench.large`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from hypermart.stack import mysql
from tests.bench import buying, pages


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--requests", type=int, default=300, help="per page and run")
    arguments.add_argument("--runs", type=int, default=7, help="medians are over these")
    arguments.add_argument("--buyers", type=int, default=60, help="per run, step by step")
    arguments.add_argument("--orders", type=int, default=96, help="per run, beside those by hand")
    arguments.add_argument("--only", choices=("pages", "buying"))
    args = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name, mysql.running(Path(name) / "mysql", mysql.THROWAWAY) as server:
        folder, url = Path(name), server.url("bench")
        environ = asyncio.run(pages.fill(url, folder))
        if args.only != "buying":
            with pages.stand(environ, folder) as where:
                pages.report(args, where, server.pid)
        if args.only != "pages":
            with buying.stand(environ, url, server.pid, folder) as shop:
                buying.report(args, shop)


main()
