"""The stack command: the whole topology as processes on loopback. What runs is stack/plan.py's matter."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hypermart.settings import BadSetting, Settings

if TYPE_CHECKING:
    from hypermart.stack.commands import Stack

SIGNALS = {name.removeprefix("SIG"): number for name, number in signal.Signals.__members__.items()}


def add_stack(commands: Any) -> None:
    text = "Run the whole topology on this machine: replicas, Caddy, CDN, MySQL primary and replica, workers."
    verbs = commands.add_parser("stack", help=text, description=text).add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Callable[[Stack, argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
        parser.set_defaults(run=lambda settings, args: _with_stack(settings, args, run))
        return parser

    up = verb("up", lambda stack, args: stack.up(_shape(args)), "Start all of it, and fill the shop if it is empty.")
    up.add_argument("--replicas", type=int, default=3, metavar="N", help="how many app processes (3)")
    up.add_argument("--no-cdn", action="store_true", help="Caddy is the edge, without Varnish before it")
    up.add_argument("--tls", action="store_true", help="https with a certificate of Caddy's own")
    up.add_argument(
        "--base-port", type=int, default=None, metavar="PORT", help="the edge's port; 63 more follow (8400)"
    )
    up.add_argument("--no-prometheus", action="store_true", help="nobody collects the metrics")
    verb("status", lambda stack, _: stack.status(), "Say how each process is; 0 if all are healthy.")
    verb("down", lambda stack, _: stack.down(), "End all of it.")
    log = verb("logs", _logs, "Show the log of a process, or one request through all logs.")
    what = log.add_mutually_exclusive_group(required=True)
    what.add_argument("name", nargs="?", metavar="NAME")
    what.add_argument("--request", metavar="ID", help="all lines of a request, by its X-Request-Id, in order")
    log.add_argument("--lines", type=int, default=50, metavar="N", help="how many of the last lines (50)")
    text = "Send a process a signal (KILL): a killed one stays down, a frozen one (STOP) goes on with CONT."
    kill = verb("kill", lambda stack, args: stack.kill(args.name, SIGNALS[args.signal]), text)
    kill.add_argument("name", metavar="NAME")
    kill.add_argument("signal", nargs="?", default="KILL", choices=sorted(SIGNALS), metavar="SIGNAL")
    text = "End processes and start them again, one after the other, each healthy before the next."
    restart = verb("restart", lambda stack, args: stack.restart(args.names), text)
    restart.add_argument("names", nargs="+", metavar="NAME")


def _logs(stack: Stack, args: argparse.Namespace) -> int:
    return stack.show_log(args.name, args.lines) if args.name else stack.show_request(args.request)


def _with_stack(settings: Settings, args: argparse.Namespace, run: Callable[[Stack, argparse.Namespace], int]) -> int:
    try:
        from hypermart.stack.commands import Stack  # noqa: PLC0415  (its parts come with the extra `stack`)
    except ModuleNotFoundError as error:
        raise BadSetting(f"the stack needs {error.name}: run make stack, or pip install hypermart[stack]") from None
    return run(Stack(settings.data / "stack"), args)


def _shape(args: argparse.Namespace) -> Any:
    from hypermart.stack.plan import BASE, MOST, Shape  # noqa: PLC0415

    if not 1 <= args.replicas <= MOST:
        raise BadSetting(f"--replicas={args.replicas}: give a number from 1 to {MOST}")
    if args.tls and args.no_cdn:
        raise BadSetting("--tls stands in front of the CDN: leave out --no-cdn")
    base = BASE if args.base_port is None else args.base_port
    if not 1024 <= base <= 65000:
        raise BadSetting(f"--base-port={base}: give a number from 1024 to 65000")
    return Shape(args.replicas, not args.no_cdn, args.tls, base, not args.no_prometheus)
