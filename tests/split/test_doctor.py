"""The doctor before a primary and its replica: a replica that does not follow, takes writes, or is none."""

from __future__ import annotations

import re

import pytest

from hypermart.settings import Settings
from tests.doctor.looking import looked, practice, problem_of
from tests.parts.pair import Pair
from tests.split.conftest import NAME

pytestmark = pytest.mark.stack


@pytest.fixture
def environ(split: Settings) -> dict[str, str]:
    """Of a shop that nobody has bought in: what its seed owes is left aside."""
    return practice(split) | {"DATABASE_URL": split.database_url, "DATABASE_READ_URL": split.database_read_url}


@pytest.fixture(autouse=True)
async def nothing_is_owed(servers: Pair, split: Settings) -> None:
    await servers.primary.ask(f"UPDATE {NAME}.outbox SET done_at = created_at WHERE done_at IS NULL")
    await servers.caught_up()


async def test_a_pair_that_is_well(environ: dict[str, str]) -> None:
    found = await looked(environ)
    assert not [each.line for each in found if each.level == "problem"]
    replica = [each.line for each in found if each.part == "replica"]
    assert re.search(r"^ok +replica +127.0.0.1:\d+/split follows, less than 1 s behind$", replica[1])


async def test_a_replica_that_was_stopped(servers: Pair, environ: dict[str, str]) -> None:
    await servers.replica.ask("STOP REPLICA")
    try:
        line = await problem_of(environ)
    finally:
        await servers.replica.ask("START REPLICA")
    assert re.search(r"^problem +replica +\S+ does not follow: it was stopped\. On it: START REPLICA", line)


async def test_a_replica_that_takes_writes(servers: Pair, environ: dict[str, str]) -> None:
    await servers.replica.ask("SET GLOBAL read_only = OFF")
    try:
        line = await problem_of(environ)
    finally:
        await servers.replica.ask("SET GLOBAL super_read_only = ON")
    assert re.search(r"^problem +replica +\S+ takes writes from others .*SET PERSIST super_read_only = ON$", line)


async def test_a_replica_that_is_far_behind(servers: Pair, environ: dict[str, str]) -> None:
    await servers.delay(3600)
    await servers.primary.ask(
        "SET TIMESTAMP = UNIX_TIMESTAMP() - 600", f"UPDATE {NAME}.outbox SET attempts = attempts + 1 LIMIT 1"
    )
    try:
        line = await problem_of(environ)
    finally:
        await servers.mend()
    assert re.search(r"^problem +replica +\S+ is 6\d\d s behind\. Look at SHOW REPLICA", line)


async def test_a_replica_that_is_away(servers: Pair, environ: dict[str, str]) -> None:
    with servers.replica.killed():
        line = await problem_of(environ)
    assert re.search(r"^problem +replica +127\S+ does not answer: .*check host and port in DATABASE_READ_URL$", line)


async def test_a_user_who_cannot_see_how_it_follows(servers: Pair, environ: dict[str, str]) -> None:
    await servers.primary.ask("CREATE USER reader IDENTIFIED BY 'a-password'", f"GRANT SELECT ON {NAME}.* TO reader")
    await servers.caught_up()
    try:
        url = re.sub(r"//[^@]+@", "//reader:a-password@", environ["DATABASE_READ_URL"])
        found = [each.line for each in await looked(environ | {"DATABASE_READ_URL": url})]
    finally:
        await servers.primary.ask("DROP USER reader")
    assert [line for line in found if re.search(r"^note +replica +.* cannot see whether.*REPLICATION CLIENT", line)]


async def test_the_primary_named_twice(environ: dict[str, str]) -> None:
    twice = environ["DATABASE_URL"].replace("127.0.0.1", "localhost")
    found = [each.line for each in await looked(environ | {"DATABASE_READ_URL": twice})]
    assert [line for line in found if re.search(r"^note +replica +localhost:\S+ is the primary itself\. Unset", line)]
