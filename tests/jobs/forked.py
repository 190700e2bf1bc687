"""`hypermart worker` as a process of its own that is there at once: forked from one that has read all modules."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import hypermart.cli
import hypermart.worker
from hypermart.jobs import JOBS
from hypermart.jobs.task import Task
from hypermart.services import Services
from hypermart.settings import Settings

#: Constants of the worker as these tests want them: a lease that ends while a test waits, a poll that does not.
BRISK: Mapping[str, Any] = {"hypermart.jobs.lanes.POLL": 0.05}
NO_VALKEY = "redis://127.0.0.1:1"


@lru_cache(maxsize=1)
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@contextlib.contextmanager
def worker(settings: Settings, name: str = "worker", constants: Mapping[str, Any] = BRISK) -> Iterator[BaseProcess]:
    """Works for the shop of `settings` until the end of the block."""
    environ = {
        "MODE": settings.mode,
        "DATA_DIR": str(settings.data),
        "DATABASE_URL": settings.database_url,
        "VALKEY_URL": settings.valkey_url,
        "SECRET_KEY": settings.secret_key,
        "MAIL_URL": settings.mail_url,
        "MAIL_PACE": settings.mail_pace,
        "INSTANCE": name,
        **{each: os.environ[each] for each in ("SSL_CERT_FILE",) if each in os.environ},
    }
    process = _server().Process(target=_work, args=(environ, dict(constants), settings.data / f"{name}.log"))
    process.start()
    try:
        yield process
    finally:
        if process.pid and process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join(10)


def _work(environ: dict[str, str], constants: dict[str, Any], output: Path) -> None:
    os.environ.update(environ)
    with output.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    for name, value in constants.items():
        module, _, constant = name.rpartition(".")
        setattr(importlib.import_module(module), constant, value)
    JOBS.update(crash=crash, loop=loop, note=note)
    sys.exit(hypermart.cli.main(["worker"]))


async def crash(_: Services, __: Task, /) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def loop(_: Services, __: Task, /) -> None:
    """Never waits, so that nothing in its process can stop it."""
    while True:
        time.sleep(0.01)  # noqa: ASYNC251


async def note(_: Services, __: Task, /) -> None:
    pass
