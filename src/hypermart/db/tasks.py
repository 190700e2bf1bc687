"""How tasks that read the database in a loop are ended."""

from __future__ import annotations

import asyncio

AGAIN = 1.0
"""Seconds before a task that was cancelled and goes on is cancelled again."""


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Cancelled until they end. Before Python 3.12 wait_for(), by which asyncmy reads, loses a cancel that comes
    together with the answer; who then went on in a loop would be waited for without end."""
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=AGAIN)
    await asyncio.gather(*tasks, return_exceptions=True)  # how they ended, nobody else asks
