"""The bank's file: an append-only journal of all that happened, and beside it what follows from it. Knows no rule."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, ref TEXT NOT NULL, kind TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, key TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS entries_last BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TABLE IF NOT EXISTS payments (
    ref TEXT PRIMARY KEY, key TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, return_url TEXT NOT NULL,
    description TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, callback TEXT NOT NULL, capture TEXT NOT NULL,
    settles_to TEXT, settles_at REAL
) STRICT;
CREATE INDEX IF NOT EXISTS payments_settle ON payments (settles_at) WHERE settles_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, request TEXT NOT NULL, payment BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS callbacks (
    id INTEGER PRIMARY KEY, event TEXT NOT NULL, ref TEXT NOT NULL, is_forged INTEGER NOT NULL, tries INTEGER NOT NULL,
    due_at REAL
) STRICT;
CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (due_at) WHERE due_at IS NOT NULL;
"""
ADD = "INSERT INTO entries (at, ref, kind, amount, currency, key, detail) VALUES (?, ?, ?, ?, ?, ?, ?)"


class Entry(msgspec.Struct, frozen=True):
    at: datetime
    ref: str
    kind: str
    """opened, challenged, pending, authorised, declined, captured, voided; or of a callback: callback_sent,
    callback_refused (the shop did not take it), callback_given_up, callback_lost (on purpose)."""
    amount: int
    currency: str
    key: str
    """The Idempotency-Key of the call that did it; empty for what the shopper or the bank did."""
    detail: str
    """Why it was declined; which callback, and what came of it."""


def connect(path: Path) -> sqlite3.Connection:
    """The file, made if there is none. What is committed outlives the process (not a power cut: synchronous NORMAL)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, timeout=5)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(SCHEMA)
    return db


def empty() -> sqlite3.Connection:
    """In memory: a bank that nobody has been to."""
    db = sqlite3.connect(":memory:")
    db.executescript(SCHEMA)
    return db


def copy(db: sqlite3.Connection) -> sqlite3.Connection:
    """All that the file holds now, in memory."""
    kept = sqlite3.connect(":memory:")
    db.backup(kept)
    return kept


def go_back(db: sqlite3.Connection, kept: sqlite3.Connection) -> None:
    """The file holds what `kept` does, whatever has happened since. Only tests turn a bank's time back."""
    kept.backup(db)


@contextlib.contextmanager
def turn(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction: all of it, or nothing. Within another one it is part of that."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def entries(path: Path) -> list[Entry]:
    """All that ever happened, in order; for checkers that stand apart. Also while the bank is open."""
    with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        rows = db.execute("SELECT at, ref, kind, amount, currency, key, detail FROM entries ORDER BY id").fetchall()
    return [Entry(datetime.fromtimestamp(at, UTC), *rest) for at, *rest in rows]
