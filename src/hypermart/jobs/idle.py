"""Ends transactions that lie idle: a frozen process would hold its rows, such as a hot variant's stock, for ever.

What the process did in the transaction is rolled back, as if it had died. Done on MySQL, where the shop's user may see
transactions (PROCESS); without that, whoever runs into a row that is held gets a 503 until the process is gone.
"""

from __future__ import annotations

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from hypermart.services import Services

log = structlog.get_logger(__name__)
IDLE = 10
"""Seconds. No transaction of ours waits for anything but the database, so none is idle for one second."""
#: MySQL's numbers for a privilege that is missing, and for a connection that is gone.
NOT_ALLOWED, NO_SUCH_THREAD = 1227, 1094
#: Only our own user's in our own database: what people do by hand as somebody else is theirs.
_IDLE = text(
    "SELECT process.id, process.time FROM information_schema.innodb_trx trx"
    " JOIN performance_schema.processlist process ON process.id = trx.trx_mysql_thread_id"
    " WHERE process.command = 'Sleep' AND process.time >= :idle AND process.db = DATABASE()"
    " AND process.user = SUBSTRING_INDEX(USER(), '@', 1)"
)


async def end_idle(services: Services) -> int:
    """Gives how many were ended. Raises OperationalError."""
    ended = 0
    async with services.db.reader.connect() as connection:
        await connection.exec_driver_sql("SET sql_notes=0")
        for id_, seconds in (await connection.execute(_IDLE, {"idle": IDLE})).all():
            try:
                await connection.exec_driver_sql(f"KILL {int(id_)}")
            except DBAPIError as error:
                if _number(error) != NO_SUCH_THREAD:
                    raise
            else:
                log.warning("transaction.ended", connection=id_, idle=seconds)
                ended += 1
    return ended


async def watch_idle(services: Services) -> str | None:
    """end_idle(), or why it is not done here."""
    try:
        await end_idle(services)
    except OperationalError as error:
        if _number(error) != NOT_ALLOWED:
            raise
        return "not done: the database's user lacks PROCESS (docs/databases.md)"
    return None


def _number(error: DBAPIError) -> object:
    return next(iter(getattr(error.orig, "args", ())), None)
