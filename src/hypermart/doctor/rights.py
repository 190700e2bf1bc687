"""Looks at what the shop's user may do in MySQL: what the shop needs, what migrations need, what helps."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.doctor.finding import Finding, Findings, note, ok, problem

SHOP = {"SELECT", "INSERT", "UPDATE", "DELETE"}
MIGRATIONS = {"CREATE", "ALTER", "DROP", "INDEX", "REFERENCES"}
#: The rights that no role gives; a name of a database may be a pattern.
_RIGHTS = text("""
    SELECT privilege_type FROM information_schema.user_privileges WHERE grantee = :me
    UNION SELECT privilege_type FROM information_schema.schema_privileges
    WHERE grantee = :me AND DATABASE() LIKE table_schema
""")
_ME = text("SELECT CURRENT_USER(), CURRENT_ROLE(), DATABASE()")


async def look(connection: AsyncConnection) -> Findings:
    user, role, database = (await connection.execute(_ME)).one()
    name, _, host = user.rpartition("@")
    me = f"'{name}'@'{host}'"
    found = set((await connection.execute(_RIGHTS, {"me": me})).scalars())
    if role != "NONE":
        yield note("rights", f"some of {user} come by the role {role} and are not looked at")
        return
    yield judged(found, f"{database}.*", me)


def judged(found: set[str], where: str, who: str) -> Finding:
    if lacks := sorted(SHOP - found):
        given = ", ".join(lacks)
        return problem("rights", f"{who} may not {given} in {where}", f"GRANT {given} ON {where} TO {who}")
    if lacks := sorted(MIGRATIONS - found):
        given = ", ".join(lacks)
        words = f"{who} may not {given}: only another user can run hypermart migrate"
        return note("rights", words, f"If it is to: GRANT {given} ON {where} TO {who}")
    if "PROCESS" not in found:
        words = f"{who} lacks PROCESS: rows that a frozen process holds stay locked until it is gone"
        return note("rights", words, f"GRANT PROCESS ON *.* TO {who}")
    return ok("rights", f"{who} has what the shop and its migrations need")
