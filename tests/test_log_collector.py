"""The collector of logs in containers (deploy/vector), as far as it can be judged without running Vector."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from hypermart.settings import ROOT
from tests.parts import containers

FOLDER = ROOT / "deploy" / "vector"
WRITTEN = (FOLDER / "vector.yaml").read_text()
LOKI = WRITTEN.replace("# loki:", "loki:")
compose = containers.compose(containers.DEMO)


def whole(config: dict[str, Any]) -> set[str]:
    """What is wrong: a name that nothing has, and a part that leads nowhere."""
    parts = {**config["sources"], **config["transforms"]}
    read = {name for part in (*config["transforms"].values(), *config["sinks"].values()) for name in part["inputs"]}
    return read ^ parts.keys()


@pytest.mark.parametrize("text", [WRITTEN, LOKI], ids=["as it is", "with Loki"])
def test_each_part_is_read_by_another(text: str) -> None:
    config = yaml.safe_load(text)
    assert whole(config) == set()
    assert all(part["type"] for kind in ("sources", "transforms", "sinks") for part in config[kind].values())
    assert ("loki" in config["sinks"]) is (text == LOKI)


def test_a_name_that_nothing_has_is_seen() -> None:
    assert whole(yaml.safe_load(WRITTEN.replace("inputs: [lines]", "inputs: [line]", 1))) == {"line", "lines"}


def test_it_fits_its_container() -> None:
    config, service = yaml.safe_load(WRITTEN), compose["services"]["vector"]
    stage = (ROOT / "Containerfile").read_text().split(" AS vector\n")[1]
    command, path = config["sources"]["bound"]["command"], config["sinks"]["files"]["path"]
    assert config["sources"]["containers"]["include_labels"] == [f"com.docker.compose.project={compose['name']}"]
    assert f"http://{config['api']['address']}/health" in stage
    assert "COPY deploy/vector /etc/vector\n" in stage
    assert (FOLDER / command[1].removeprefix("/etc/vector/")).exists()
    assert re.fullmatch(rf"{command[2]}/%Y-%m-%d\.log", path)
    assert f"logs:{command[2]}" in service["volumes"]
    assert f"install -d -o 10001 -g 10001 {command[2]}\n" in stage


def bound(folder: Path, megabytes: int) -> str:
    command = ["sh", str(FOLDER / "bound"), str(folder), "14", str(megabytes)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def day(folder: Path, number: int, megabytes: int) -> Path:
    path = folder / f"2026-01-{number:02}.log"
    path.write_bytes(b"x" * megabytes * 1024 * 1024)
    return path


def test_what_is_older_than_its_days_goes(tmp_path: Path) -> None:
    old, young = day(tmp_path, 1, 0), day(tmp_path, 2, 0)
    long_ago = young.stat().st_mtime - 15.5 * 86400
    os.utime(old, (long_ago, long_ago))
    assert bound(tmp_path, 100) == "removed ./2026-01-01.log\n"
    assert list(tmp_path.iterdir()) == [young]


def test_the_oldest_go_when_there_is_too_much(tmp_path: Path) -> None:
    days = [day(tmp_path, number, 2) for number in (9, 10, 11)]
    assert bound(tmp_path, 5) == "removed ./2026-01-09.log\n"
    assert bound(tmp_path, 5) == ""
    assert [path.exists() for path in days] == [False, True, True]


def test_today_s_is_emptied_when_it_alone_is_too_much(tmp_path: Path) -> None:
    path = day(tmp_path, 1, 3)
    with path.open("ab") as writer:  # as Vector has it open
        assert bound(tmp_path, 1) == "emptied ./2026-01-01.log\n"
        writer.write(b"goes on")
    assert path.read_bytes() == b"goes on"
    assert bound(tmp_path, 1) == ""
