"""Looks at Valkey: whether it answers, and that it does not throw away what the shop still needs."""

from __future__ import annotations

from redis.exceptions import AuthenticationError, RedisError

from hypermart.adapters import valkey
from hypermart.doctor.case import Case
from hypermart.doctor.finding import Finding, Findings, note, ok, problem, told

PATIENCE = 2.0
"""Seconds."""
SCHEMES = ("redis://", "rediss://", "unix://")


async def look(case: Case) -> Findings:
    url = case.settings.valkey_url
    if url == "embedded:":
        yield ok("valkey", "embedded: starts and ends with the shop")
        if not case.settings.is_embedded:
            yield note("valkey", "apps on several machines would each have their own", "Set VALKEY_URL=redis://HOST")
        return
    if not url.startswith(SCHEMES):
        yield problem("valkey", "VALKEY_URL is unknown", "Use embedded:, redis://, rediss:// or unix://")
        return
    try:
        async with valkey.client(url, timeout=PATIENCE, connect=PATIENCE) as client:
            found = await client.info()
    except (RedisError, OSError, ValueError) as error:
        yield _silence(error)
        return
    name = "Valkey" if "valkey_version" in found else "Redis"
    version, policy = found.get("valkey_version", found["redis_version"]), found["maxmemory_policy"]
    if policy == "noeviction":
        yield ok("valkey", f"{name} {version}, noeviction")
    else:
        words = f"{name} {version} may throw sign-ins and limits away: maxmemory-policy is {policy}"
        yield problem("valkey", words, "Set maxmemory-policy to noeviction")


def _silence(error: Exception) -> Finding:
    if isinstance(error, AuthenticationError) or isinstance(error.__cause__, AuthenticationError):
        return problem("valkey", f"it refuses the login: {told(error)}", "Check user and password in VALKEY_URL")
    words = f"it does not answer ({told(error)}): nobody can sign in, and limits do not count"
    return problem("valkey", words, "Start it, and check VALKEY_URL")
