"""A worker in a process of its own, so that it can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypermart.settings import ROOT, Settings


def start(settings: Settings, mark: Path, seconds: float, crash_at: str = "") -> subprocess.Popen[bytes]:
    """Works for the shop of `settings`; dies as by kill -9 where `crash_at` names a failpoint."""
    environ = {
        **os.environ,
        "MODE": settings.mode,
        "DATA_DIR": str(settings.data),
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "CRASH_AT": crash_at,
        "TRACES": settings.traces,
        "TRACES_SHARE": str(settings.traces_share),
        "INSTANCE": settings.instance,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.process", str(mark), str(seconds)],
        cwd=ROOT,
        env=environ,
        stderr=subprocess.DEVNULL,
    )
