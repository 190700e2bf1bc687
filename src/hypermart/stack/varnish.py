"""How Varnish is started with the shop's VCL (deploy/varnish), and its log: command lines, and its backend's file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hypermart.settings import ROOT

VCL = ROOT / "deploy" / "varnish"


@dataclass(frozen=True)
class Sockets:
    """Ports on loopback."""

    public: int
    proxy: int
    """Speaks PROXY, for what ends TLS in front."""
    purge: int
    """For the shop alone: purges and /cdn-health."""


def command(
    folder: Path, sockets: Sockets, gateway: int, *, memory: str = "64m", probed_every: str = "1s"
) -> list[str]:
    """The command that runs it in the foreground, for the gateway at a port of loopback. Writes into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    backend = (VCL / "backend.vcl").read_text()
    for pattern, value in (("host", "127.0.0.1"), ("port", str(gateway))):
        backend = re.sub(rf'(\.{pattern} = )"[^"]*"', rf'\1"{value}"', backend)
    (folder / "backend.vcl").write_text(backend.replace(".interval = 1s", f".interval = {probed_every}"))
    return [
        *("varnishd", "-F", "-j", "none", "-T", "none", "-n", str(folder / "run")),
        *("-a", f"public=127.0.0.1:{sockets.public},HTTP"),
        *("-a", f"proxy=127.0.0.1:{sockets.proxy},PROXY"),
        *("-a", f"purge=127.0.0.1:{sockets.purge},HTTP"),
        *("-s", f"malloc,{memory}", "-p", "default_ttl=0", "-p", f"vcl_path={folder}:{VCL}", "-f", "default.vcl"),
    ]


def metrics_command(folder: Path, address: str) -> list[str]:
    """The command that says at HOST:PORT what the Varnish of command() has counted."""
    return ["prometheus-varnish-exporter", "-web.listen-address", address, "-n", str(folder / "run")]


def log_command(folder: Path) -> list[str]:
    """The command that writes a line for each request to stdout, for whichever varnishd runs in `folder`. In UTC."""
    quiet = "not VCL_Log ~ '^quiet'"
    return ["varnishncsa", "-n", str(folder / "run"), "-t", "off", "-j", "-q", quiet, "-f", str(VCL / "log.format")]
