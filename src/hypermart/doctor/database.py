"""Looks at the primary database: who it is, what the shop may do there, which schema it has; then at what is in it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.db.pulse import Pulse
from hypermart.doctor import queue, rights, schema, shop
from hypermart.doctor.case import Case
from hypermart.doctor.connected import FAILURES, connected, fix, place, variables
from hypermart.doctor.finding import Finding, Findings, note, ok, problem, told
from hypermart.web.hooks.health import SKEW

OLDEST, CHARSET, COLLATION = (8, 4), "utf8mb4", "utf8mb4_0900_ai_ci"
ASKED = (
    *("version", "version_comment", "character_set_database", "collation_database", "system_time_zone"),
    *("binlog_format", "log_bin", "sync_binlog", "innodb_flush_log_at_trx_commit"),
)


async def look(case: Case) -> Findings:
    url = case.settings.database_url
    if case.settings.is_embedded and not await asyncio.to_thread(Path(place(url)).exists):
        yield note("database", f"there is no {place(url)} yet", "To make it: hypermart migrate, or hypermart serve")
        return
    try:
        async with connected(url) as connection:
            async for finding in _server(case, connection):
                yield finding
            found = await schema.look(case, connection)
            yield found
            if found.level == "ok":
                for room in (queue.look, shop.look):
                    async for finding in room(case, connection):
                        yield finding
    except FAILURES as error:
        yield problem("database", f"{place(url)} does not answer: {told(error)}", fix(error, "DATABASE_URL"))


async def _server(case: Case, connection: AsyncConnection) -> Findings:
    where = place(case.settings.database_url)
    if case.settings.is_embedded:
        version = (await connection.execute(text("SELECT sqlite_version()"))).scalar_one()
        yield ok("database", f"SQLite {version} at {where}, for one process")
        return
    found = await variables(connection, *ASKED)
    if complaint := server_problem(found):
        yield complaint
    else:
        said = f"MySQL {found['version']} at {where}, {found['collation_database']}, "
        yield ok(
            "database", f"{said}READ COMMITTED, UTC by session (the server's own zone: {found['system_time_zone']})"
        )
    if case.is_earnest and (found["innodb_flush_log_at_trx_commit"], found.get("sync_binlog", "1")) != ("1", "1"):
        words = "a crash may take orders along that were confirmed"
        yield note("database", words, "Set innodb_flush_log_at_trx_commit=1 and sync_binlog=1")
    yield await _clock(case)
    async for finding in rights.look(connection):
        yield finding


def server_problem(found: dict[str, str]) -> Finding | None:
    """Of a server's variables."""
    part, version = "database", found["version"]
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if "mariadb" in f"{version} {found['version_comment']}".lower() or numbers < OLDEST:
        return problem(part, f"this is {version}, and the shop needs MySQL 8.4 or newer", "Install one")
    if found["character_set_database"] != CHARSET:
        fix = f"ALTER DATABASE ... CHARACTER SET {CHARSET} COLLATE {COLLATION}, before hypermart migrate"
        return problem(part, f"its characters are {found['character_set_database']}, not {CHARSET}", fix)
    if found["collation_database"] != COLLATION:
        fix = f"ALTER DATABASE ... COLLATE {COLLATION}, before hypermart migrate"
        return problem(part, f"new tables would compare text by {found['collation_database']}", fix)
    if found.get("log_bin") == "ON" and found.get("binlog_format", "ROW") == "STATEMENT":
        fix = "Set binlog_format=ROW on the server"
        return problem(part, "it refuses READ COMMITTED, as it logs statements", fix)
    return None


async def _clock(case: Case) -> Finding:
    pulse = Pulse(case.settings.database_url, case.clock)
    try:
        beat = await pulse.beat()
    finally:
        await pulse.close()
    if beat is None:
        return problem("clock", "the database did not answer within a second", "Look at its load")
    off = f"{abs(beat.skew):.1f} s {'ahead of' if beat.skew > 0 else 'behind'} the database's"
    if abs(beat.skew) > SKEW and case.settings.mode != "qa":  # whose time stands
        fix = "Set both by NTP (timedatectl set-ntp true): the shop is not ready until then"
        return problem("clock", f"this machine's clock is {off}", fix)
    return ok("clock", f"not more than {SKEW:g} s off the database's")
