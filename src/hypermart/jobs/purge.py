"""Purges public pages after a change: once the readers show it, and a second and last time some seconds later.

The first purge waits until every replica in use shows the change. Two kinds of pages may still bring the old bytes
back after it: those that were being made just then, and those that another process makes from a replica which this
one has given up, for each process sees replicas with its own eyes. So the second purge comes

- AGAIN seconds later, if all replicas were seen to show the change, also those that are not in use. What a replica
  shows once it shows for ever, whoever reads it and whether it falls out and comes back;
- else AGAIN seconds after the moment from which no process reads a replica that lacks the change: none believes in one
  that was more than `replica_lag` behind when it last looked, and none goes by a look that is older than BELIEVED.
  That holds too for a replica that comes back in between: it had to be near the primary, and is watched as others are.

Old bytes live until then at most (docs/caching.md says where that ends).
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hypermart.db.outbox import Outbox, later
from hypermart.db.replicas import Replica, Replicas
from hypermart.jobs.task import Task
from hypermart.metrics import PURGE_LAG
from hypermart.services import Services

AGAIN = timedelta(seconds=5)
"""A page that was being rendered from old rows when the first purge came is older than this by then."""
STEP = 0.05
"""Seconds."""
MANY = 1000
"""Vendors count calls: after a large import, all pages are cheaper than each by its key."""
EVERYTHING = ["feeds", "menu"]
"""Every public page carries one of the two (docs/caching.md)."""


class ReaderBehind(Exception):
    """A replica in use does not show the change yet; a purge now would bring back the old pages."""


async def purge_pages(services: Services, task: Task, /, *, keys: list[str], is_second: bool = False) -> None:
    replicas = services.db.replicas
    is_everywhere = replicas is None or await _shown(replicas, task.id)
    keys = keys if len(keys) <= MANY else EVERYTHING
    await services.cdn.purge(keys)
    if not is_second:
        now = services.clock.now()
        if task.created_at:
            PURGE_LAG.observe((now - task.created_at).total_seconds())
        rest = timedelta(seconds=replicas.longest_seen) if replicas and not is_everywhere else timedelta()
        async with services.db.write() as db:
            later(db, "purge_pages", due_at=now + rest + AGAIN, keys=keys, is_second=True)


async def _shown(replicas: Replicas, outbox_id: int) -> bool:
    """Every replica in use shows the row, which came in one commit with the change. Whether all others do, too."""
    patience = replicas.longest_seen + 1  # by then a replica that is late has fallen out
    try:
        async with asyncio.timeout(patience):
            while not all([await _shows(replica, outbox_id) for replica in replicas.in_use]):  # noqa: ASYNC110
                await asyncio.sleep(STEP)  # the other side is a database
    except TimeoutError:
        raise ReaderBehind(f"outbox row {outbox_id} is not shown after {patience:.0f} s") from None
    return all([await _shows(replica, outbox_id) for replica in replicas.all])


async def _shows(replica: Replica, outbox_id: int) -> bool:
    try:
        async with replica.connected() as connection:
            return (await connection.execute(select(Outbox.id).where(Outbox.id == outbox_id))).first() is not None
    except (DBAPIError, PoolTimeout) as error:
        if not replica.excuses(error):
            raise
        return False
