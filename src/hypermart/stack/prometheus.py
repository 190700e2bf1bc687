"""How Prometheus is started with the shop's rules (deploy/prometheus): its command line, and whom it asks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from hypermart.settings import ROOT

FILES = ROOT / "deploy" / "prometheus"
KEPT = "7d"


def command(folder: Path, targets: Mapping[str, str]) -> list[str]:
    """The command that runs it in the foreground; `targets` are HOST:PORT by the name of the process, and the one
    called prometheus is its own. Writes into `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("prometheus.yml", "alerts.yml"):
        shutil.copy(FILES / name, folder)
    (folder / "targets.yml").write_text(json.dumps([_target(*each) for each in targets.items()]))  # JSON is YAML, too
    return [
        *("prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"),
        *(f"--web.listen-address={targets['prometheus']}", f"--storage.tsdb.retention.time={KEPT}"),
    ]


def _target(name: str, address: str) -> dict[str, object]:
    return {"targets": [address], "labels": {"instance": name, "job": name.rstrip("0123456789")}}
