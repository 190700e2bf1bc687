"""The staff command: who may sign in at /staff. Passwords come from a prompt or from stdin, never from arguments."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from typing import Any

from hypermart.services import opened
from hypermart.settings import Settings


def add_staff(commands: Any) -> None:
    text = "Manage who may sign in at /staff."
    verbs = commands.add_parser("staff", help=text, description=text).add_subparsers(required=True, metavar="VERB")
    text = "Add somebody. The password is asked for, or read from the first line of stdin."
    add = verbs.add_parser("add", help=text, description=text)
    add.set_defaults(run=run)
    add.add_argument("name", metavar="NAME", help='the full name, like "Ada Lovelace"')
    add.add_argument("email", metavar="EMAIL", help="the address that they sign in with")


def run(settings: Settings, args: argparse.Namespace) -> int:
    from hypermart.emails import is_email  # noqa: PLC0415  (other commands should start fast)
    from hypermart.errors import Refused  # noqa: PLC0415
    from hypermart.passwords import problem  # noqa: PLC0415

    name = " ".join(args.name.split())
    if not name:
        return _complain('the name is empty: give one like "Ada Lovelace"')
    if not is_email(args.email):
        return _complain(f"{args.email!r} is no e-mail address: write it like name@example.com")
    password = _password()
    if password is None:
        return _complain("the two passwords differ: start again, and type the same one twice")
    if why := problem(password, email=args.email):
        return _complain(f"this password cannot be used. {why}")
    try:
        asyncio.run(_add(settings, name, args.email, password))
    except Refused as refusal:
        return _complain(f"{refusal}: nothing was changed")
    print(f"{name} can sign in at {settings.base_url}/staff", flush=True)  # noqa: T201
    return 0


async def _add(settings: Settings, name: str, email: str, password: str) -> None:
    from hypermart.domain.staff.actions import add_person  # noqa: PLC0415
    from hypermart.passwords import hashed  # noqa: PLC0415

    password_hash = await hashed(password)
    async with opened(settings) as services:
        await services.db.retried(lambda db: add_person(db, name, email, password_hash, services.clock.now()))


def _password() -> str | None:
    """None if the two that were typed differ."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password (15 characters or more): ")
    return first if getpass.getpass("Again: ") == first else None


def _complain(message: str) -> int:
    print(f"hypermart: {message}", file=sys.stderr)  # noqa: T201
    return 2
