"""A form reaches the shop once, whatever happens to the connection between the edge and the gateway."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.varnish import Browser, running

pytestmark = pytest.mark.stack


class Cutting(socketserver.ThreadingTCPServer):
    """Answers one request on each connection, and hangs up on the second without a word."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[str] = []


class _Handler(socketserver.StreamRequestHandler):
    server: Cutting

    def handle(self) -> None:
        for is_first in (True, False):
            line = self.rfile.readline().decode()
            length = 0
            while (header := self.rfile.readline().lower().strip()) != b"":
                if header.startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            self.rfile.read(length)
            if "readyz" not in line and line:
                self.server.heard.append(line.split()[0])
            if is_first:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def shop() -> Iterator[Cutting]:
    with Cutting() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_form_on_a_connection_that_is_cut_is_not_sent_again(shop: Cutting, tmp_path: Path) -> None:
    with running(tmp_path, shop.server_address[1]) as varnish:
        ask = Browser(varnish.sockets.public, "shop.test")
        assert ask("/cart").status == 200
        assert ask("/checkout/orders", "POST", body=b"terms=yes").status == 503
        assert shop.heard == ["GET", "POST"]
        assert ask("/cart").status == 200
        assert ask("/cart").status == 200
        assert shop.heard[2:] == ["GET", "GET", "GET"]  # a page is asked for again, which does no harm
