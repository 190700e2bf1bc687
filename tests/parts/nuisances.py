"""`python -m tests.parts.nuisances PORT NUMBER`: a crowd that opens connections to say nothing, or to say it slowly.

A process of its own, so that others who ask at the same time need not wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys


async def nuisance(port: int, number: int) -> None:
    """Every second one says nothing; the others say it slowly. Whoever is thrown out comes again."""
    await asyncio.sleep(random.uniform(0, 2))  # noqa: S311
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            reads = asyncio.create_task(reader.read())
            for _ in range(100):
                if number % 2 and not writer.is_closing():
                    writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
                if (await asyncio.wait([reads], timeout=0.5))[0]:
                    break
            writer.transport.abort()
            await asyncio.gather(reads, return_exceptions=True)
        await asyncio.sleep(random.uniform(1, 3))  # noqa: S311


async def crowd(port: int, count: int) -> None:
    await asyncio.gather(*(nuisance(port, number) for number in range(count)))


if __name__ == "__main__":
    asyncio.run(crowd(*map(int, sys.argv[1:])))
