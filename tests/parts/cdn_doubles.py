"""Doubles of what purges: Fastly's and Cloudflare's APIs, and Varnish's purge socket, with faults to switch on."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN, WRONG = "t0ken-that-nobody-may-see", "an0ther-token-that-nobody-may-see"
FAULTS = ("401", "429", "500", "302", "hang", "drip", "cut", "not done")


class Double(ThreadingHTTPServer):
    """Keeps pages by their keys, and refuses what the vendor's documentation says it refuses."""

    daemon_threads, request_queue_size = True, 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, set[str]] = {}
        self.calls: list[list[str]] = []
        self.fault = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def cache(self, name: str, keys: list[str]) -> None:
        self.pages[name] = set(keys)

    def has(self, name: str) -> bool:
        return name in self.pages

    def forget(self, keys: list[str]) -> None:
        self.calls.append(keys)
        self.pages = {name: own for name, own in self.pages.items() if not own & set(keys)}


class _Handler(BaseHTTPRequestHandler):
    server: Double

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self._fails():
            return
        if self.path == "/service/S1/purge":
            self._vendor(self.headers.get("fastly-key") == TOKEN, body["surrogate_keys"], 256)
        elif self.path == "/zones/Z1/purge_cache":
            self._vendor(self.headers.get("authorization") == f"Bearer {TOKEN}", body["tags"], 100)
        else:
            self._say(404, {})

    def do_PURGE(self) -> None:
        if not self._fails():
            self.server.forget(self.headers["surrogate-key"].split())
            self._say(200, 1)

    def _vendor(self, is_known: bool, keys: list[str], most: int) -> None:
        if not is_known or not 0 < len(keys) <= most:
            self._say(400 if is_known else 401, {"success": False})
        else:
            self.server.forget(keys)
            self._say(200, {"success": True})

    def _fails(self) -> bool:
        match self.server.fault:
            case "":
                return False
            case "hang":
                time.sleep(3)
            case "drip":
                self.send_response(200)
                self.send_header("content-length", "60")
                self.end_headers()
                with contextlib.suppress(OSError):
                    for _ in range(60):
                        self.wfile.write(b" ")
                        time.sleep(0.05)
            case "cut":
                self.close_connection = True
            case "not done":
                self._say(200, {"success": False})
            case status:
                self._say(int(status), {"success": False})
        return True

    def _say(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "17")
        if status == 302:
            self.send_header("location", "/elsewhere")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextlib.contextmanager
def double() -> Iterator[Double]:
    with Double() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
