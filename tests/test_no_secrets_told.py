"""No secret setting is told by processes whose services are all away; and who looks for leaks does find them."""

from __future__ import annotations

import base64
import html
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from hypermart.stack.mysql import free_port
from tests.parts.canary import leaks

FOUND = {"name": "Ñame & Söhne", "key": "0123abcd"}


@pytest.mark.parametrize(
    "line",
    [
        "hello Ñame & Söhne",
        f"q={quote('Ñame & Söhne')}&x",
        f"name={quote('Ñame & Söhne', safe='').replace('%20', '+')}",
        json.dumps({"name": "Ñame & Söhne"}),
        html.escape("<Ñame & Söhne>"),
        base64.b64encode("Ñame & Söhne".encode()).decode(),
        "see /attempts/0123ABCD",
    ],
)
@pytest.mark.parametrize("file", ["app1.log", "app1.log.3", "deep/er/any"])
def test_a_leak_is_found(tmp_path: Path, line: str, file: str) -> None:
    (path := tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    path.write_text("nothing here: Ñame and 0123abc*\n")
    assert leaks(tmp_path, FOUND) == []
    path.write_text(f"nothing\n{line}\n")
    (found,) = leaks(tmp_path, FOUND)
    assert found.endswith(f" in {path.name}: {line}")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["migrate", "serve", "worker"])
def test_no_secret_setting_is_told(tmp_path: Path, command: str) -> None:
    secrets = {
        name: f"canary{name.lower()}" * 2 for name in ("DATABASE", "READ", "VALKEY", "CDN", "MAIL", "BANK", "KEY", "S3")
    }
    closed = "127.0.0.1:1"
    environment = os.environ | {
        "MODE": "demo",
        "DATA_DIR": str(tmp_path / "data"),
        "PORT": str(free_port()),
        "BASE_URL": "https://shop.example",
        "DATABASE_URL": f"mysql+asyncmy://shop:{secrets['DATABASE']}@{closed}/shop",
        "DATABASE_READ_URL": f"mysql+asyncmy://shop:{secrets['READ']}@{closed}/shop",
        "VALKEY_URL": f"redis://:{secrets['VALKEY']}@{closed}",
        "WORKER": "external",
        "CDN_URL": "fastly:service",
        "CDN_TOKEN": secrets["CDN"],
        "MAIL_URL": f"smtp://shop:{secrets['MAIL']}@{closed}",
        "GATEWAY_URL": f"bogus:http://{closed}",
        "GATEWAY_SECRET": secrets["BANK"] * 2,
        "SECRET_KEY": secrets["KEY"] * 2,
        "BLOBS_URL": "s3://pictures",
        "AWS_ACCESS_KEY_ID": "shop",
        "AWS_SECRET_ACCESS_KEY": secrets["S3"],
        "LOG_LEVEL": "debug",
    }
    (folder := tmp_path / "logs").mkdir()
    with (folder / "all.log").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "hypermart", command], env=environment, stdout=out, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + 30
        while process.poll() is None and (folder / "all.log").stat().st_size < 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert (folder / "all.log").read_text()
    assert leaks(folder, secrets) == []
