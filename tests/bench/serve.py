"""`python -m tests.bench.serve app|floor PORT`: one process, one event loop, as `hypermart serve` runs."""

from __future__ import annotations

import os
import sys

import uvicorn

from hypermart import logs
from hypermart.app import create_app
from hypermart.settings import load
from tests.bench.floor import create_floor


def main() -> None:
    what, port = sys.argv[1:3]
    settings = load()
    logs.configure(settings.log_level)
    app = create_app(settings) if what == "app" else create_floor(settings, os.environ["BENCH_PATHS"].split(" "))
    uvicorn.run(app, port=int(port), access_log=False, log_config=None, server_header=False, date_header=False)


main()
