"""The command line. Each command is one function; what goes wrong is said in one line with the fix."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy.exc import OperationalError

from hypermart import logs
from hypermart.adapters.clock import SystemClock
from hypermart.cli_backup import add_backup
from hypermart.cli_blobs import add_blobs
from hypermart.cli_doctor import add_doctor
from hypermart.cli_import import add_import
from hypermart.cli_outbox import add_outbox
from hypermart.cli_stack import add_stack
from hypermart.cli_staff import add_staff
from hypermart.db import migrate
from hypermart.db.half import HalfRestored
from hypermart.ports import BlobsAway
from hypermart.services import Services, opened
from hypermart.settings import BadSetting, Settings, load

if TYPE_CHECKING:
    from litestar import Litestar

    from hypermart.app import Beside


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        return _run(args)
    except (BadSetting, BlobsAway, HalfRestored, migrate.Newer) as error:
        return complain(str(error))
    except migrate.Busy as error:
        return complain(f"{error}. If nobody does, end the connection that holds the lock")
    except OperationalError as error:
        return complain(f"the database does not answer: {error.orig}. Check DATABASE_URL")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read what we say has heard enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would complain again at exit
        return 141


def _run(args: argparse.Namespace) -> int:
    if hasattr(args, "run_without_settings"):  # they may be what is wrong
        return int(args.run_without_settings(args))
    settings = load()
    logs.configure(settings.log_level, settings.instance)
    return int(args.run(settings, args) or 0)


def complain(message: str) -> int:
    """Says what is wrong on one line of stderr; gives the exit code."""
    print(f"hypermart: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
    return 2


def say(message: str) -> None:
    print(message, flush=True)  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hypermart", description="The shop that works in any browser.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    command("serve", serve, "Start the shop (and in demo mode, fill it on the first start).")
    command("worker", worker, "Run the job worker as its own process.")
    bank = command("bogus", practice_bank, "Run the bogus gateway, to practise payments, as its own process.")
    bank.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    bank.add_argument("--port", type=int, default=9000, help="the port (9000)")
    command("migrate", migrate_database, "Bring the database to the newest schema.")
    add_backup(commands)
    add_blobs(commands)
    add_doctor(commands)
    add_import(commands)
    add_outbox(commands)
    add_stack(commands)
    add_staff(commands)
    seed = command("seed", seed_demo, "Fill the shop with the demo catalogue.")
    seed.add_argument("--if-empty", action="store_true", help="leave a shop that has products as it is")
    text = "Lay out what a gateway serves by itself: FOLDER/static/DIGEST, and the pages of errors."
    files = commands.add_parser("files", help=text, description=text)
    files.set_defaults(run=lay_out)
    files.add_argument("folder", type=Path, metavar="FOLDER")
    command("routes", routes, "List every route with its methods.")
    return parser


def serve(settings: Settings, _: argparse.Namespace) -> int:
    import uvicorn  # noqa: PLC0415  (commands that do not serve should start fast)

    from hypermart.web.connections import BACKLOG, Connection  # noqa: PLC0415
    from hypermart.worker import inline, ringing  # noqa: PLC0415

    if problem := _bugs_problem(settings) or _port_problem(settings):
        return complain(problem)
    asyncio.run(_prepare(settings))

    app = _app(settings, inline if settings.worker == "inline" else ringing)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """Told to end, it first says at /readyz that it leaves, for as long as load balancers take to hear it."""
            if sig == signal.SIGTERM and settings.drain and (shop := app.state.get("shop")) and not shop.is_leaving:
                shop.is_leaving = True
                asyncio.get_running_loop().call_later(settings.drain, super().handle_exit, sig, frame)
            else:
                super().handle_exit(sig, frame)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                planted = ", with planted bugs" if settings.has_planted_bugs else ""
                say(f"{settings.shop_name} is open{planted}: {settings.base_url}  (Ctrl-C closes it)")
                if settings.qa_secret:
                    say(f"For tests: pytest --shop {settings.base_url} --qa-secret {settings.qa_secret}")

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Connection,
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=5,
    )
    server = Server(config)
    server.run()
    return 0 if server.started else 1


def _app(settings: Settings, beside: Beside) -> Litestar:
    if settings.mode == "qa":
        from hypermart.qa.shop import create_qa_app  # noqa: PLC0415  (what other shops must not even have)

        return create_qa_app(settings, beside)
    from hypermart.app import create_app  # noqa: PLC0415

    return create_app(settings, beside=beside)


def _bugs_problem(settings: Settings) -> str | None:
    """However a copy with planted bugs was started: nobody shall buy in it."""
    if settings.has_planted_bugs and settings.mode != "qa":
        return f"the shop in {settings.root} has planted bugs: set MODE=qa"
    return None


def _port_problem(settings: Settings) -> str | None:
    """Asked before anything is opened, so that the answer is one line."""
    with contextlib.ExitStack() as probes:
        for name, place in (("PORT", (settings.host, settings.port)), ("METRICS", settings.metrics)):
            if place is None:
                continue
            family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
            probe = probes.enter_context(socket.socket(family))
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
                probe.listen()  # so that two of our own at one port are found, too
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    another = "PORT=8123" if name == "PORT" else "METRICS=127.0.0.1:9101"
                    return f"port {place[1]} is taken: stop what runs there, or choose another with {another}"
                return f"cannot serve at {place[0]}:{place[1]}: {error.strerror}. Check HOST and {name}"
    return None


async def _prepare(settings: Settings) -> None:
    """The embedded default brings its own database up to date, and fills a demo shop that is empty.

    A shop in QA mode fills itself once it is open; whether it may is known before. Raises BadSetting.
    """
    async with opened(settings, is_patient=True) as services:
        await _check_is_whole(services)
        if settings.is_embedded:
            await migrate.upgrade(services.db.writer, settings.root / "migrations")
        if settings.mode == "demo" and settings.is_embedded:
            from hypermart import demo  # noqa: PLC0415

            await demo.seed_if_empty(services, say)
        if settings.mode == "qa":
            from hypermart.qa.seeding import is_filled  # noqa: PLC0415

            await is_filled(services)


async def _check_is_whole(services: Services) -> None:
    """A database that is away is none of our business: pages say so. Raises HalfRestored."""
    await services.db.pulse.beat()
    if services.db.pulse.is_half:
        raise HalfRestored


def worker(settings: Settings, _: argparse.Namespace) -> int:
    from hypermart.worker import run  # noqa: PLC0415

    if problem := _bugs_problem(settings):
        return complain(problem)

    async def work() -> None:
        async with opened(settings) as services:
            await _check_is_whole(services)
            await run(services)

    asyncio.run(work())
    return 0


def practice_bank(settings: Settings, args: argparse.Namespace) -> int:
    import uvicorn  # noqa: PLC0415  (as in serve)

    from hypermart.app import MOUNTED, bank_app  # noqa: PLC0415

    settings = msgspec.structs.replace(settings, host=args.host, port=args.port)
    if settings.gateway_url in ("none:", MOUNTED):
        settings = msgspec.structs.replace(settings, gateway_url=f"bogus:http://{args.host}:{args.port}")
    if problem := _port_problem(settings):
        return complain(problem)
    say(f"The bogus gateway of {settings.base_url} is {settings.gateway_url.removeprefix(MOUNTED)}")
    app = bank_app(settings, SystemClock())
    uvicorn.run(app, host=args.host, port=args.port, access_log=False, log_config=None, timeout_graceful_shutdown=2)
    return 0


def migrate_database(settings: Settings, _: argparse.Namespace) -> None:
    async def work() -> None:
        async with opened(settings, is_patient=True) as services:
            await migrate.upgrade(services.db.writer, settings.root / "migrations")
            say(f"The database is at revision {await migrate.current(services.db.writer)}.")

    asyncio.run(work())


def seed_demo(settings: Settings, args: argparse.Namespace) -> None:
    asyncio.run(_prepare_and_seed(settings, only_if_empty=args.if_empty))


async def _prepare_and_seed(settings: Settings, *, only_if_empty: bool) -> None:
    from hypermart import demo  # noqa: PLC0415

    async with opened(settings, is_patient=True) as services:
        await migrate.upgrade(services.db.writer, settings.root / "migrations")
        await (demo.seed_if_empty if only_if_empty else demo.seed)(services, say)


def lay_out(settings: Settings, args: argparse.Namespace) -> None:
    from hypermart.templating import lay_out_files  # noqa: PLC0415

    lay_out_files(settings.root, args.folder)


def routes(settings: Settings, _: argparse.Namespace) -> None:
    from hypermart.app import create_app  # noqa: PLC0415

    for route in sorted(create_app(settings).routes, key=lambda route: route.path):
        say(f"{' '.join(sorted(route.methods)):12} {route.path}")
