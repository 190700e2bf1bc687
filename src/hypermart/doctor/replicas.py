"""Looks at one replica: there, another server than the primary, following it, read-only, at the same revision."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.db import migrate
from hypermart.doctor.case import Case
from hypermart.doctor.connected import FAILURES, connected, fix, number, place, variables
from hypermart.doctor.finding import Finding, Findings, note, ok, problem, told

NOT_ALLOWED = 1227
"""MySQL's number for a privilege that is missing."""
ARRIVES = 1.0
"""Seconds that a commit is given to arrive."""


async def look(case: Case, url: str) -> Findings:
    if url.startswith("sqlite"):
        yield ok("replica", f"SQLite at {place(url)}")
        return
    try:
        async with connected(url) as replica:
            yield ok("replica", f"{place(url)} answers")
            async for finding in _beside_primary(case, replica, place(url)):
                yield finding
    except FAILURES as error:
        yield problem("replica", f"{place(url)} does not answer: {told(error)}", fix(error, "DATABASE_READ_URL"))


async def _beside_primary(case: Case, replica: AsyncConnection, name: str) -> Findings:
    try:
        async with connected(case.settings.database_url) as primary:
            asked = ("server_uuid", "gtid_executed")
            of_primary = await variables(primary, *asked)
            revision = await migrate.revision(primary)
    except FAILURES:
        return  # the look at the database says why
    found = await variables(replica, "server_uuid", "read_only", "super_read_only", "gtid_mode")
    if found["server_uuid"] == of_primary["server_uuid"]:
        yield note("replica", f"{name} is the primary itself", "Unset DATABASE_READ_URL, or name a replica there")
        return
    if "ON" not in (found["super_read_only"], found["read_only"]):
        words = f"{name} takes writes from others than its primary"
        yield problem("replica", words, "On it: SET PERSIST super_read_only = ON")
    lag = await _following(case, replica, name, found["gtid_mode"], of_primary["gtid_executed"])
    yield lag
    if lag.level != "problem" and (own := await migrate.revision(replica)) != revision:
        fix = "Look at SHOW REPLICA STATUS on it: the same database must be replicated"
        yield problem("replica", f"{name} is at revision {own}, the primary at {revision}", fix)


async def _following(case: Case, replica: AsyncConnection, name: str, gtid_mode: str, gtids: str) -> Finding:
    if gtid_mode != "ON":
        words = f"{name} has gtid_mode={gtid_mode}: the shop cannot tell how far it is"
        return problem("replica", words, "Set gtid_mode=ON and enforce_gtid_consistency=ON on both servers")
    status = await _status(replica)
    if status is not None and (words := _stopped(status)):
        return problem("replica", f"{name} {words}", "On it: START REPLICA, once that is mended")
    waited = text("SELECT WAIT_FOR_EXECUTED_GTID_SET(:gtids, :seconds)")
    if not (await replica.execute(waited, {"gtids": gtids, "seconds": ARRIVES})).scalar_one():
        if status is None:
            words = f"{name} has all, but this user cannot see whether it follows"
            return note("replica", words, "GRANT REPLICATION CLIENT ON *.* to it")
        return ok("replica", f"{name} follows, less than {ARRIVES:g} s behind")
    behind = status["Seconds_Behind_Source"] if status else None
    if behind is not None and behind <= case.settings.replica_lag:
        return note("replica", f"{name} follows, {behind} s behind (REPLICA_LAG={case.settings.replica_lag:g})")
    fix = "Look at SHOW REPLICA STATUS on it; pages are read from the primary meanwhile"
    far = f"{name} is {behind} s behind" if behind else f"{name} does not have what was committed {ARRIVES:g} s ago"
    return problem("replica", far, fix)


async def _status(replica: AsyncConnection) -> dict[str, Any] | None:
    """None: not for this user. Empty: it follows nobody."""
    try:
        row = (await replica.execute(text("SHOW REPLICA STATUS"))).mappings().first()
    except DBAPIError as error:
        if number(error) != NOT_ALLOWED:
            raise
        return None
    return dict(row or {})


def _stopped(status: dict[str, Any]) -> str:
    if not status:
        return "follows nobody"
    if status["Replica_IO_Running"] == status["Replica_SQL_Running"] == "Yes":
        return ""
    reason = status["Last_IO_Error"] or status["Last_SQL_Error"] or "it was stopped"
    return f"does not follow: {' '.join(reason.split())[:200]}"
