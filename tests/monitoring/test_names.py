"""Names in docs, dashboards and rules: each metric that is spoken of exists, and each that exists is spoken of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from hypermart import metrics
from hypermart.settings import ROOT

DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
DOCS = (ROOT / "docs" / "monitoring.md").read_text()
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
ALERTS = [rule["alert"] for group in RULES["groups"] for rule in group["rules"]]
CASES = yaml.safe_load((ROOT / "tests" / "monitoring" / "alerts.test.yml").read_text())["tests"]
METRIC = re.compile(r"\b(?:hypermart|varnish|caddy|process|python|up|ALERTS)(?:_\w+)?\b")
QUOTED = re.compile(r'"[^"]*"')


def instruments() -> Iterator[tuple[str, str, str, str]]:
    """Of ours: name, kind, labels, what it is; as the table has them."""
    for one in vars(metrics).values():
        if isinstance(one, Counter | Gauge | Histogram):
            (family,) = one.describe()
            name = family.name + "_total" * (family.type == "counter")
            labels = ", ".join(f"`{label}`" for label in one._labelnames)
            yield f"`{name}`", family.type, labels, family.documentation


def known() -> set[str]:
    """Every name that a query may have."""
    found = {"up", "ALERTS", *(ROOT / "tests" / "data" / "edge-metrics.txt").read_text().split()}
    for family in REGISTRY.collect():
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        found |= {family.name + ending for ending in endings}
    return found


def queries() -> Iterator[tuple[str, str]]:
    """Each, with where it stands."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            yield from ((path.name, target["expr"]) for target in panel["targets"])
    for group in RULES["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])


def used() -> dict[str, str]:
    """Names of metrics in queries, with one place where each stands."""
    return {name: place for place, query in queries() for name in METRIC.findall(QUOTED.sub("", query))}


def test_every_metric_of_a_query_exists() -> None:
    missing = {name: place for name, place in used().items() if name not in known()}
    assert not missing
    assert len(used()) > 30


def test_every_label_of_a_query_exists() -> None:
    ours = {name.strip("`"): set(re.findall(r"`(\w+)`", labels)) for name, _, labels, _ in instruments()}
    for place, query in queries():
        for name, selector in re.findall(r"(hypermart_\w+?)(?:_bucket|_count|_sum)?\{([^}]*)\}", query):
            labels = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", selector))
            assert labels <= ours[name] | {"job", "instance"}, (place, query)


def test_the_table_of_the_docs_is_the_registry() -> None:
    rows = re.findall(r"^\| (`hypermart_\w+`) \| (\w+) \| (.*?) ?\| (.*) \|$", DOCS, re.MULTILINE)
    assert rows == list(instruments())


def test_nothing_is_counted_elsewhere() -> None:
    counted = {family.name for family in REGISTRY.collect() if family.name.startswith("hypermart_")}
    assert counted == {name.strip("`").removesuffix("_total") for name, *_ in instruments()}


def test_every_alert_says_what_to_do() -> None:
    assert re.findall(r"^### (\w+)$", DOCS, re.MULTILINE) == ALERTS
    assert len(set(ALERTS)) == len(ALERTS)


def test_every_alert_is_seen_to_fire_and_to_keep_silent() -> None:
    rows = [row for case in CASES for row in case["alert_rule_test"]]
    assert {row["alertname"] for row in rows if "exp_alerts" in row} == set(ALERTS)
    assert {row["alertname"] for row in rows if "exp_alerts" not in row} == set(ALERTS)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_whole(path: Path) -> None:
    board: dict[str, Any] = json.loads(path.read_text())
    assert board["uid"] == f"hypermart-{path.stem}"
    source = yaml.safe_load((path.parent / "datasources" / "prometheus.yml").read_text())["datasources"][0]["uid"]
    places: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        grid = panel["gridPos"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & places, panel["title"]
        assert grid["x"] + grid["w"] <= 24
        places |= cells
        assert panel["datasource"]["uid"] == source
        assert panel["targets"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
