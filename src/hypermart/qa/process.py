"""A shop of one's own for a test run: `hypermart serve` in QA mode on a free port, gone when the run is."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from hypermart.settings import SECRETS
from hypermart.stack.mysql import free_port

ELSEWHERE = {"BASE_URL", "TRACES", *SECRETS} - {"SECRET_KEY", "GATEWAY_SECRET"}
"""Settings of a shop that may be real: they are not for this one."""
START = 90.0
"""Seconds until the shop must be open: it is filled first."""


@contextlib.contextmanager
def own_shop(folder: Path, settings: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Its address and its QA secret; its log is shop.log in `folder`. `settings` and BUGS come along."""
    port, secret = free_port(), secrets.token_hex(16)
    own = {"MODE": "qa", "HOST": "127.0.0.1", "PORT": str(port), "DATA_DIR": str(folder), "QA_SECRET": secret}
    inherited = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in ELSEWHERE}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "shop.log").open("w") as log:
        command = [sys.executable, "-m", "hypermart", "serve"]
        shop = subprocess.Popen(
            command, env=inherited | own | settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            base = f"http://127.0.0.1:{port}"
            _wait(shop, base, secret, folder / "shop.log")
            yield base, secret
        finally:
            shop.terminate()
            try:
                shop.wait(10)
            except subprocess.TimeoutExpired:
                shop.kill()


def _wait(shop: subprocess.Popen[bytes], base: str, secret: str, log: Path) -> None:
    """Until /qa answers to the secret: then it is this shop, and it is filled."""
    deadline = time.monotonic() + START
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{base}/qa/clock", headers={"authorization": f"Bearer {secret}"}, timeout=5).is_success:
                return
        if shop.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the shop did not open: {log.read_text()[-2000:]}")
        time.sleep(0.1)
