"""What the topology costs, in one run: hits at the edge, three replicas behind Caddy, orders, uvicorn beside Granian.

`make bench-stack` starts a stack of its own. CPU is what the kernel counted for the processes (user and system), so
what the measuring client costs does not matter but for the rates.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hypermart.stack.plan import HOST, shop_environment
from tests.bench.buyer import BY_INVOICE, Browsing, Buyer, buy
from tests.bench.servers import cpu_seconds, fetch, free_port
from tests.topology.running import Running, processes_of, running

PAGES = {"product": "/p/summer-flowers", "category": "/c/paintings-prints"}
PIPELINED = 50
"""Requests that are sent at a time, so that the client is quicker than Varnish."""
SETTLED = 10.0
"""Seconds without a purge."""
SERVERS = ("uvicorn", "granian")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--hits", type=int, default=40_000, help="requests of a run at the edge")
    parser.add_argument("--requests", type=int, default=400, help="requests of a run that no cache answers")
    parser.add_argument("--orders", type=int, default=60, help="orders of a run")
    args = parser.parse_args()
    os.environ["TRIES"] = "100000 per minute"
    with tempfile.TemporaryDirectory(prefix="hm") as folder, running(Path(folder), "--no-prometheus") as stack:
        edge(args, stack)
        replicas(args, stack)
        variants = asyncio.run(stack.stocked(40, units=100_000))
        orders(args, stack, variants)
        servers(args, stack)


def pids(stack: Running, *names: str) -> list[int]:
    """Of these processes and their children."""
    wanted = []
    for pid in processes_of(stack.folder):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        name = _instance(pid)
        if name in names or any(name in words for name in names if not name.startswith(("app", "worker"))):
            wanted.append(pid)
    return wanted


def _instance(pid: int) -> str:
    for setting in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        if setting.startswith(b"INSTANCE="):
            return setting.partition(b"=")[2].decode()
    return ""


def used(processes: Iterable[int]) -> float:
    return sum(map(cpu_seconds, processes))


# --- a hit at the edge ---


def edge(args: argparse.Namespace, stack: Running) -> None:
    """The page and a file of the same bytes: both are objects of the same Varnish."""
    varnish, rows = pids(stack, "varnish"), []
    port = stack.shape.port("edge")
    for label, path in PAGES.items():
        copy = stack.folder / "files" / "static" / "bench"
        copy.mkdir(exist_ok=True)
        (copy / f"{label}.html").write_bytes(fetch(http.client.HTTPConnection(HOST, port), path))
        paths = path, f"/static/bench/{label}.html"
        settle(port, paths)
        pairs = [[per_hit(varnish, port, each, args.hits) for each in paths] for _ in range(args.runs)]
        page, file = (statistics.median(pair[which] for pair in pairs) for which in (0, 1))
        rows.append(f"{label:22} {page * 1e6:8.1f} {file * 1e6:8.1f} {page / file:6.2f}")
    print(
        f"{'a hit at the edge':22} {'page':>8} {'file':>8} {'ratio':>6}   CPU in microseconds, medians of {args.runs}"
    )
    print("\n".join(rows), flush=True)


def settle(port: int, paths: Sequence[str]) -> None:
    """Until nothing is purged any more of what was changed before."""
    since = time.monotonic()
    while time.monotonic() - since < SETTLED:
        time.sleep(0.5)
        for path in paths:
            connection = http.client.HTTPConnection(HOST, port)
            connection.request("GET", path)
            if connection.getresponse().getheader("x-cache") != "hit":
                since = time.monotonic()
            connection.close()


def per_hit(varnish: Sequence[int], port: int, path: str, count: int) -> float:
    before = used(varnish)
    hits(port, path, count)
    return (used(varnish) - before) / count


def hits(port: int, path: str, count: int) -> None:
    """So many GETs on one connection. Raises RuntimeError if one is no hit."""
    ask = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    with socket.create_connection((HOST, port)) as connection, connection.makefile("rb") as answers:
        for _ in range(count // PIPELINED):
            connection.sendall(ask * PIPELINED)
            for _ in range(PIPELINED):
                head = http.client.parse_headers(answers) if answers.readline().startswith(b"HTTP/1.1 200") else None
                if head is None or head["x-cache"] != "hit":
                    raise RuntimeError(f"{path} is no hit")
                answers.read(int(head["content-length"]))


# --- pages that no cache answers ---


def replicas(args: argparse.Namespace, stack: Running) -> None:
    apps, caddy = pids(stack, *stack.shape.apps), pids(stack, "bin/caddy")
    print(f"\n{'not from a cache':22} {'apps':>8} {'Caddy':>8} {'per s':>8} {'p99 ms':>8}   medians of {args.runs}")
    doors = {"three behind Caddy": stack.shape.port("caddy"), "one, directly": stack.shape.port("app1")}
    for label, path in PAGES.items():
        for door, port in doors.items():
            rounds = []
            for _ in range(args.runs):
                before = used(apps), used(caddy)
                rate, slow = rush(port, path, args.requests)
                after = used(apps), used(caddy)
                costs = [(b - a) / args.requests * 1000 for a, b in zip(before, after, strict=True)]
                rounds.append((*costs, rate, slow * 1000))
            app, proxy, rate, slow = (statistics.median(each[which] for each in rounds) for which in range(4))
            print(
                f"{label}, {door:20}"[:34].ljust(34) + f" {app:5.2f} {proxy:8.2f} {rate:8.0f} {slow:8.0f}", flush=True
            )


def rush(port: int, path: str, count: int, at_once: int = 8) -> tuple[float, float]:
    """(answers a second, the 99th percentile of the waits in seconds)."""
    waits: list[float] = []

    def visit() -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=30)
        for _ in range(count // at_once):
            began = time.monotonic()
            fetch(connection, path)
            waits.append(time.monotonic() - began)
        connection.close()

    began = time.monotonic()
    _all(visit, at_once)
    return count / (time.monotonic() - began), statistics.quantiles(waits, n=100)[98]


def _all(work: object, count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- orders ---


def orders(args: argparse.Namespace, stack: Running, variants: list[int]) -> None:
    groups = {
        "apps": pids(stack, *stack.shape.apps),
        "workers": pids(stack, *stack.shape.workers),
        "MySQL": pids(stack, "mysqld"),
        "Caddy and Varnish": pids(stack, "bin/caddy", "varnish"),
    }
    rounds = [_orders(groups, stack, variants, args.orders) for _ in range(args.runs)]
    print(f"\n{'an order by invoice':22} CPU in ms, {args.orders} orders by 8 shoppers, medians of {args.runs}")
    for name in groups:
        print(f"{name:22} {statistics.median(each[name] for each in rounds) * 1000:8.1f}")
    total = statistics.median(sum(each.values()) for each in rounds)
    print(f"{'orders per CPU-second':22} {1 / total:8.1f}", flush=True)


def _orders(groups: dict[str, list[int]], stack: Running, variants: list[int], count: int) -> dict[str, float]:
    before = {name: used(processes) for name, processes in groups.items()}

    def shop() -> None:
        browsing = Browsing(stack.url)
        for _ in range(count // 8):
            buy(Buyer(browsing, (variants[0], variants[1]), "invoice"), BY_INVOICE)

    _all(shop, 8)
    return {name: (used(processes) - before[name]) / (count // 8 * 8) for name, processes in groups.items()}


# --- uvicorn and Granian ---


def servers(args: argparse.Namespace, stack: Running) -> None:
    print(f"\n{'the server':22} {'CPU ms':>8} {'per s':>8} {'p99 ms':>8}   product, 8 at once, medians of {args.runs}")
    with contextlib.ExitStack() as opened:
        found = {name: opened.enter_context(served(name, stack)) for name in SERVERS}
        rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in SERVERS}
        for _ in range(args.runs):
            for name, (port, processes) in found.items():
                before = used(processes)
                rate, slow = rush(port, PAGES["product"], args.requests)
                rounds[name].append(((used(processes) - before) / args.requests * 1000, rate, slow * 1000))
        for name, each in rounds.items():
            cost, rate, slow = (statistics.median(one[which] for one in each) for which in range(3))
            print(f"{name:22} {cost:8.2f} {rate:8.0f} {slow:8.0f}", flush=True)


@contextlib.contextmanager
def served(name: str, stack: Running) -> Iterator[tuple[int, list[int]]]:
    """The app in one process under this server: its port, and the processes that count."""
    port = free_port()
    granian = ("-m", "granian", "--interface", "asgi", "--factory", "--loop", "uvloop", "--no-ws", "--host", HOST)
    command = {
        "uvicorn": (sys.executable, "-m", "tests.bench.serve", "app", str(port)),
        "granian": (sys.executable, *granian, "--port", str(port), "tests.bench.factory:app"),
    }[name]
    environment = os.environ | shop_environment(stack.shape, stack.folder) | {"PORT": str(port)}
    log = (stack.folder / f"{name}.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError, http.client.HTTPException, RuntimeError):
                fetch(http.client.HTTPConnection(HOST, port, timeout=5), PAGES["product"])
                break
            time.sleep(0.1)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield port, [process.pid, *map(int, children)]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        log.close()


if __name__ == "__main__":
    main()
