"""The queue in every state that staff's pages can show, but for what is run just now: nobody would end it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from hypermart.db.chores import Chore
from hypermart.db.outbox import Outbox
from hypermart.jobs.chores import CHORES, WATCHES
from hypermart.services import Services

WAITING = 24
REFUSED = "SMTPRecipientsRefused: 550 5.1.1 …@example.com: Recipient address rejected: User unknown in relay table"
LONG = "ConnectionError: GET https://storage.example/" + "originals-and-renditions" * 18 + "/<b>blue & mug</b>.jpg"


async def seed_queue(services: Services) -> None:
    """Nothing of it is due before the clock moves, and then it does no harm. Runs once per shop."""
    now = services.clock.now()
    async with services.db.write() as db:
        await db.execute(insert(Outbox), [*_given_up(now), *_failing(now), *_waiting(now)])
        await db.execute(insert(Chore), _chores(now))


def _row(job: str, now: datetime, minutes: float, **values: Any) -> dict[str, Any]:
    """Owed two hours ago, due in so many minutes."""
    nothing = {"args": {}, "attempts": 0, "crashes": 0, "dead_at": None, "last_error": None, "request": None}
    times = {"created_at": now - timedelta(hours=2), "due_at": now + timedelta(minutes=minutes)}
    return {"job": job, **nothing, **times, **values}


def _given_up(now: datetime) -> list[dict[str, Any]]:
    dead_at = now - timedelta(minutes=50)
    looped = "given up: 10 attempts ended with the process that made them"
    rows: tuple[tuple[str, dict[str, Any]], ...] = (
        ("mail_order_confirmation", {"args": {"order": 1002}, "attempts": 90, "last_error": REFUSED}),
        ("mail_password_changed", {"args": {"customer": 901}, "attempts": 90, "last_error": REFUSED}),
        ("make_renditions", {"args": {"picture_id": 0}, "attempts": 1, "last_error": "truncated or damaged picture"}),
        ("make_renditions", {"args": {"picture_id": 0}, "attempts": 10, "crashes": 10, "last_error": looped}),
        ("polish_silver_of_a_release_to_come_with_a_long_name", {"attempts": 1, "last_error": "unknown job"}),
    )
    return [_row(job, now, -55, dead_at=dead_at, request="01JBQUEUE", **values) for job, values in rows]


def _failing(now: datetime) -> list[dict[str, Any]]:
    keys = {"keys": ["product:7", "feeds"]}
    slow = "TimeoutError: the CDN did not answer within 10 seconds"
    return [
        _row("purge_pages", now, 0.5, args=keys, attempts=4, last_error=slow),
        _row("purge_pages", now, 9, args=keys, attempts=9, crashes=1, last_error=LONG),
    ]


def _waiting(now: datetime) -> list[dict[str, Any]]:
    return [_row("purge_pages", now, 20 + 50 * n, args={"keys": [f"product:{n}"]}) for n in range(WAITING)]


def _chores(now: datetime) -> list[dict[str, Any]]:
    ends: dict[str, dict[str, Any]] = {
        "sweep_outbox": {"words": "1204 forgotten"},
        "sweep_carts": {"words": "OperationalError: (1205) Lock wait timeout exceeded", "failures": 3},
        "sweep_attempts": {"ended_at": None, "leased_until": now - timedelta(minutes=1)},
        "queue_renditions": {"words": "0 pictures"},
    }
    known = CHORES | WATCHES
    return [
        {
            "name": name,
            "about": work.about,
            "period": int(work.period.total_seconds()),
            "due_at": now + timedelta(minutes=48 if name in CHORES else 1),
            "began_at": (began := now - timedelta(minutes=12 if name in CHORES else 0.05)),
            "ended_at": began,
            "leased_until": None,
            "failures": 0,
            "words": None,
            **ends.get(name, {}),
        }
        for name, work in known.items()
    ]
