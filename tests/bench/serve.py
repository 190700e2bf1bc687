"""`python -m tests.bench.serve app|floor|bank PORT`: one process, one event loop, as `hypermart serve` runs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import uvicorn
from litestar import Litestar

from hypermart import logs
from hypermart.adapters.clock import SystemClock
from hypermart.app import bank_app, create_app
from hypermart.settings import load
from hypermart.worker import ringing
from tests.bench.floor import create_floor


def main() -> None:
    what, port = sys.argv[1:3]
    settings = load()
    logs.configure(settings.log_level)
    made: dict[str, Callable[[], Litestar]] = {
        "app": lambda: create_app(settings, beside=ringing),
        "bank": lambda: bank_app(settings, SystemClock()),
        "floor": lambda: create_floor(settings, os.environ["BENCH_PATHS"].split(" ")),
    }
    uvicorn.run(made[what](), port=int(port), access_log=False, log_config=None, server_header=False, date_header=False)


main()
