"""Looks at the schema: whether the database is at the revision of this release."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.db import migrate
from hypermart.doctor.case import Case
from hypermart.doctor.finding import Finding, note, ok, problem


async def look(case: Case, connection: AsyncConnection) -> Finding:
    revision = await migrate.revision(connection)
    try:
        missing = migrate.missing(case.settings.root / "migrations", revision)
    except migrate.Newer as error:
        return problem("schema", str(error))
    if not missing:
        return ok("schema", f"at {revision}, the newest")
    words = f"{len(missing)} migration{'s' if len(missing) > 1 else ''} to go: {', '.join(missing)}"
    if case.settings.is_embedded:
        return note("schema", words, "hypermart serve does that at its start")
    return problem("schema", words, "hypermart migrate")
