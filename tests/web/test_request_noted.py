"""Each request is noted once: a line with its route and what it asked of the database, and a count for Prometheus."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs


async def line(client: httpx.AsyncClient, path: str, method: str = "GET") -> dict[str, Any]:
    with capture_logs() as logs:
        await client.request(method, path)
    (found,) = [entry for entry in logs if entry["event"] == "request"]
    return dict(found)


def counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("hypermart_request_seconds_count", labels) or 0.0


@pytest.mark.parametrize(
    ("method", "path", "route", "status", "statements"),
    [
        ("GET", "/robots.txt", "/robots.txt", 200, 0),
        ("HEAD", "/c/prints", "/c/{slug}", 404, 3),
        ("GET", "/no/such/page", "", 404, 1),
        ("GET", "/p/wave/", "", 301, 0),
    ],
)
async def test_a_line_and_a_count(
    client: httpx.AsyncClient, method: str, path: str, *, route: str, status: int, statements: int
) -> None:
    labels = {"method": method, "route": route, "status": str(status)}
    before = counted(**labels)
    noted = await line(client, path, method)
    assert (noted["method"], noted["path"], noted["route"], noted["status"]) == (method, path, route, status)
    assert noted.get("primary", 0) == statements
    assert (noted["db_ms"] > 0) == (statements > 0)
    assert counted(**labels) == before + 1


async def test_no_label_is_a_visitors_word(client: httpx.AsyncClient) -> None:
    await client.request("CANARY", "/")
    assert "CANARY" not in str(list(REGISTRY.collect()))
