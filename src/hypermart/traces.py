"""Traces: which span is under which, from a page by its statements to its mail. Knows no noun; adapters/otlp.py sends.

While TRACES is empty, all this costs is asking one context variable. Names and attributes are words of our own, or
numbers: never a value, a path, an address, or what an error says.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple, ParamSpec, TypeAlias, TypeVar

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bound_contextvars

Attributes: TypeAlias = Mapping[str, str | int]
P = ParamSpec("P")
T = TypeVar("T")
_read = TraceContextTextMapPropagator().extract


class Here(NamedTuple):
    """Where in a trace we are."""

    tracer: Tracer
    span: Span
    context: Context
    """Of what begins under the span."""


_HERE: ContextVar[Here | None] = ContextVar("here", default=None)


@contextlib.contextmanager
def begun(tracer: Tracer | None, name: str, kind: SpanKind, *, parent: str = "", link: str = "") -> Iterator[None]:
    """The block is a span of a new trace, or of the one that the traceparent `parent` comes from.

    A new one is kept as often as TRACES_SHARE says, another if its parent was. `link` is a traceparent that only leads
    to somebody else's trace, and decides nothing.
    """
    if tracer is None:
        yield
        return
    context = _read({"traceparent": parent})
    other = api.get_current_span(_read({"traceparent": link})).get_span_context()
    links = [api.Link(other)] if other.is_valid else []
    span = tracer.start_span(name, context, kind, links=links)
    known = {"trace": api.format_trace_id(span.get_span_context().trace_id)} if span.is_recording() else {}
    with bound_contextvars(**known), _within(Here(tracer, span, api.set_span_in_context(span, context))):
        yield


@contextlib.contextmanager
def span(name: str) -> Iterator[None]:
    """The block, a call to somebody else, is a span under where we are. Outside of a trace that is kept it is none."""
    here, made = _HERE.get(), child(name)
    if here is None or made is None:
        yield
        return
    with _within(Here(here.tracer, made, api.set_span_in_context(made, here.context))):
        yield


def spanned(name: str) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Each call of the function is a span()."""

    def decorate(call: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        @functools.wraps(call)
        async def run(*args: P.args, **kwargs: P.kwargs) -> T:
            with span(name):
                return await call(*args, **kwargs)

        return run

    return decorate


def child(name: str) -> Span | None:
    """A span that has begun under where we are; whoever asks for it ends it. None: this trace is not kept."""
    if (here := _HERE.get()) is None or not here.span.is_recording():
        return None
    return here.tracer.start_span(name, here.context, SpanKind.CLIENT)


def note(attributes: Attributes, name: str = "") -> None:
    """What is known by now of the span that we are in."""
    if here := _HERE.get():
        here.span.set_attributes(attributes)
        if name:
            here.span.update_name(name)


def failed(kind: str, span: Span | None = None) -> None:
    """The span, or the one that we are in, failed. `kind` is a class or a code: what errors say may be of a person."""
    here = _HERE.get()
    if span := span or (here.span if here else None):
        span.set_attribute("error.type", kind)
        span.set_status(StatusCode.ERROR)


def address() -> str | None:
    """Where we are, as a traceparent: what is done later, perhaps by another process, goes on under it."""
    if (here := _HERE.get()) is None:
        return None
    at = here.span.get_span_context()
    return f"00-{at.trace_id:032x}-{at.span_id:016x}-{at.trace_flags:02x}"


@contextlib.contextmanager
def _within(here: Here) -> Iterator[None]:
    token = _HERE.set(here)
    try:
        yield
    except BaseException as error:
        failed(type(error).__name__)
        raise
    finally:
        _HERE.reset(token)
        here.span.end()
