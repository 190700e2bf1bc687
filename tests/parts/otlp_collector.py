"""A collector of traces for tests: takes OTLP over HTTP and keeps what came, or answers as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from hypermart.settings import Settings


class Span(NamedTuple):
    service: str
    """service.instance.id of the process that made it."""
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    """Empty: it is the first of its trace."""
    links: list[str]
    """Ids of the traces that it leads to."""
    is_failed: bool
    known: dict[str, Any]


@dataclass
class Collector:
    url: str
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        return [span for body in self.bodies for span in _decoded(body)]

    def named(self, name: str, trace: str = "") -> list[Span]:
        return [span for span in self.spans if span.name == name and span.trace.startswith(trace)]

    async def some(self, count: int, name: str, trace: str = "") -> list[Span]:
        """All spans of this name, of one trace if it is given, once so many have come."""
        async with asyncio.timeout(30):
            while len(found := self.named(name, trace)) < count:  # noqa: ASYNC110  (they come to a thread)
                await asyncio.sleep(0.02)
        assert len(found) == count
        return found

    async def one(self, name: str, trace: str = "") -> Span:
        (only,) = await self.some(1, name, trace)
        return only

    def under(self, span: Span) -> list[Span]:
        return [other for other in self.spans if other.parent == span.id]

    def settings(self, settings: Settings, share: float = 1, instance: str = "app") -> Settings:
        """Of the same shop, which traces and tells this collector."""
        return msgspec.structs.replace(settings, traces=self.url, traces_share=share, instance=instance)


def _decoded(body: bytes) -> Iterator[Span]:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        of = _known(group.resource.attributes)
        assert of["service.name"] == "hypermart"
        for scope in group.scope_spans:
            for sent in scope.spans:
                yield Span(
                    of.get("service.instance.id", ""),
                    sent.name,
                    Sent.SpanKind.Name(sent.kind).removeprefix("SPAN_KIND_"),
                    sent.trace_id.hex(),
                    sent.span_id.hex(),
                    sent.parent_span_id.hex(),
                    [link.trace_id.hex() for link in sent.links],
                    sent.status.code == Status.STATUS_CODE_ERROR,
                    _known(sent.attributes),
                )


def _known(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if told.status == 200:
                assert self.path == "/v1/traces"
                told.bodies.append(body)
            self.send_response(told.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests look at what the shop says."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield told
        finally:
            server.shutdown()
