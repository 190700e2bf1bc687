"""compose.yaml and Containerfile as tests read them: variables filled in, secrets of a folder."""

from __future__ import annotations

import inspect
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from hypermart import settings
from hypermart.settings import ROOT

VARIABLE = re.compile(r"\$(\$)|\$\{(\w+)(?::-([^}]*)|:\?([^}]*))?\}")


def names_asked() -> set[str]:
    """Every name that settings.py looks for in the environment."""
    return set(re.findall(r'environ(?:\.get\(|, )"([A-Z_]+)"', inspect.getsource(settings)))


def dotenv(path: Path) -> dict[str, str]:
    rows = (row.partition("=") for row in path.read_text().splitlines() if row and not row.startswith("#"))
    return {name: value for name, _, value in rows}


DEMO = dotenv(ROOT / "deploy" / "demo.env")


def compose(environ: Mapping[str, str]) -> dict[str, Any]:
    """compose.yaml with `environ` filled into its values, as Compose does. Raises KeyError for what must be given."""

    def variable(found: re.Match[str]) -> str:
        dollar, name, default, _ = found.groups()
        return "$" if dollar else environ[name] if default is None else environ.get(name) or default

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return VARIABLE.sub(variable, value) if isinstance(value, str) else value

    read: dict[str, Any] = filled(yaml.safe_load((ROOT / "compose.yaml").read_text()))
    return read


def of_image(stage: str) -> dict[str, str]:
    """The ENV of a stage of the Containerfile, with those of the stages that it comes from."""
    stages = re.split(r"^FROM ", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE)[1:]
    for text in stages:
        head, _, body = text.partition("\n")
        base, _, name = head.partition(" AS ")
        if name == stage:
            joined = body.replace("\\\n", " ")
            own = [row.removeprefix("ENV ") for row in joined.splitlines() if row.startswith("ENV ")]
            return of_image(base) | dict(re.findall(r"(\w+)=(\S+)", " ".join(own)))
    return {}


def make_secrets(folder: Path) -> None:
    subprocess.run([ROOT / "deploy" / "make-secrets", folder], check=True, capture_output=True)
