"""One statement to one MySQL server of a stack, and how its replication is. Raises OSError for whatever goes wrong."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from hypermart.stack import mysql

PATIENCE = 2
"""Seconds."""


def ask(port: int, statement: str) -> list[dict[str, Any]]:
    return asyncio.run(_ask(port, statement))


async def _ask(port: int, statement: str) -> list[dict[str, Any]]:
    waits = {"connect_timeout": PATIENCE, "read_timeout": PATIENCE}
    engine = create_async_engine(mysql.url(port), isolation_level="AUTOCOMMIT", connect_args=waits)
    try:
        async with engine.connect() as connection:
            result = await connection.execute(text(statement))
            return [dict(row) for row in result.mappings()] if result.returns_rows else []
    except SQLAlchemyError as error:
        raise OSError(str(getattr(error, "orig", error))) from error
    finally:
        await engine.dispose()


def replication_problem(port: int) -> str:
    """Why the server does not follow its primary; '' if it does."""
    for row in ask(port, "SHOW REPLICA STATUS"):
        if row["Replica_IO_Running"] == "Yes" and row["Replica_SQL_Running"] == "Yes":
            return ""
        return f"does not follow: {row['Last_IO_Error'] or row['Last_SQL_Error'] or row['Replica_IO_State']}"
    return "follows nobody"
