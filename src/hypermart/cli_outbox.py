"""The outbox command: what the queue owes, what it has given up, and the log of mails, one line each."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from hypermart.db.chores import chore_views
from hypermart.db.queue import QueueFilter, QueueRow, mail_rows, queue_row, queue_rows, retry_dead, retry_row
from hypermart.errors import NotFound, Refused
from hypermart.services import Services, opened
from hypermart.settings import BadSetting, Settings

Work = Callable[[Services, argparse.Namespace], Awaitable[None]]


def add_outbox(commands: Any) -> None:
    text = "Look after the queue: what is owed, what was given up, which mails went out."
    verbs = commands.add_parser("outbox", help=text, description=text).add_subparsers(required=True, metavar="VERB")

    def verb(name: str, work: Work, text: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
        parser.set_defaults(run=lambda settings, args: asyncio.run(_with_shop(settings, args, work)))
        return parser

    lists = verb("list", _list, "List what is not done: id, state, age, attempts, job, reason.")
    lists.add_argument("--dead", action="store_true", help="only what was given up")
    lists.add_argument("--job", default="", metavar="NAME", help="only rows of this job")
    mails = verb("mails", _mails, "List mails, also those of the last 7 days: id, state, when, job, order, end.")
    mails.add_argument("--order", type=int, metavar="NUMBER", help="only mails about this order")
    for parser in (lists, mails):
        parser.add_argument("--limit", type=int, default=100, metavar="N", help="how many (100)")
    verb("chores", _chores, "List what runs by the clock: name, state, last, next, how it ended.")
    show = verb("show", _show, "Show one row; arguments that may tell of a person are left out.")
    show.add_argument("id", type=int, metavar="ID")
    retry = verb("retry", _retry, "Try a row again now, with all its attempts before it.")
    which = retry.add_mutually_exclusive_group(required=True)
    which.add_argument("id", type=int, nargs="?", metavar="ID")
    which.add_argument("--all-dead", action="store_true", help="all that was given up")
    retry.add_argument("--job", default="", metavar="NAME", help="with --all-dead: only rows of this job")


async def _with_shop(settings: Settings, args: argparse.Namespace, work: Work) -> None:
    async with opened(settings) as services:
        try:
            await work(services, args)
        except NotFound:
            raise BadSetting(f"there is no row {args.id}: see hypermart outbox list") from None
        except Refused as error:
            raise BadSetting(str(error)) from None


async def _list(services: Services, args: argparse.Namespace) -> None:
    now = services.clock.now()
    async with services.db.fresh() as db:
        rows = await queue_rows(db, now, QueueFilter("dead" if args.dead else "", args.job), args.limit)
    for row in rows[: args.limit]:
        _say(row.id, row.state, _age(now - row.created_at), row.attempts, row.job, row.words or "-")
    if len(rows) > args.limit:
        _say(f"... and more: --limit {args.limit * 10}")


async def _mails(services: Services, args: argparse.Namespace) -> None:
    async with services.db.fresh() as db:
        rows = await mail_rows(db, services.clock.now(), order=args.order, limit=args.limit)
    for row in rows:
        about = row.args.get("order", "-")
        _say(row.id, row.state, _moment(row.ended_at or row.due_at), row.job, about, row.words or "-")


async def _chores(services: Services, _: argparse.Namespace) -> None:
    async with services.db.fresh() as db:
        found = await chore_views(db, services.clock.now())
    for view in found:
        last = _moment(view.began_at) if view.began_at else "-"
        _say(view.name, view.state, last, _moment(view.due_at), view.words or "-")


async def _show(services: Services, args: argparse.Namespace) -> None:
    async with services.db.fresh() as db:
        row = await queue_row(db, services.clock.now(), args.id)
    for name, value in _facts(row).items():
        _say(f"{name + ':':10} {value}")


def _facts(row: QueueRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "job": row.job,
        "args": msgspec.json.encode(row.args).decode(),
        "state": row.state,
        "owed": _moment(row.created_at),
        "due": _moment(row.due_at),
        "ended": _moment(row.ended_at) if row.ended_at else "-",
        "attempts": row.attempts,
        "crashes": row.crashes,
        "request": row.request or "-",
        "words": row.words or "-",
    }


async def _retry(services: Services, args: argparse.Namespace) -> None:
    if args.job and not args.all_dead:
        raise BadSetting("--job goes with --all-dead: a row is named by its ID alone")
    now = services.clock.now()
    async with services.db.write() as db:
        if args.all_dead:
            count = await retry_dead(db, now, job=args.job)
            _say(f"{count} {'row is' if count == 1 else 'rows are'} tried again.")
        else:
            await retry_row(db, now, args.id)
            _say(f"Row {args.id} is tried again.")


def _age(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _say(*words: Any) -> None:
    print(*words, sep="  ")  # noqa: T201
