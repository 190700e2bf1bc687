"""`python -m tests.bench.by_hand DATABASE ORDER COUNT CONNECTIONS VARIANTS`: the rows of an order in raw asyncmy.

The rows of ORDER (paid by invoice) are written COUNT times more, each time in one transaction: cart, attempt, stock,
number, order, timeline and outbox, with the locks that keep stock and numbers right. Nothing is asked, rendered or
checked beyond that. Prints the CPU seconds of this process and the time it took.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

from asyncmy import connect
from asyncmy.cursors import DictCursor
from sqlalchemy import make_url

Row = dict[str, Any]
#: How the rows of each table are found from an order's number. Their order is that of their foreign keys.
OF_ORDER = {
    "carts": "SELECT c.* FROM carts c JOIN orders o ON o.cart_id = c.id WHERE o.number = %s",
    "cart_lines": "SELECT l.* FROM cart_lines l JOIN orders o USING (cart_id) WHERE o.number = %s ORDER BY l.id",
    "payment_attempts": "SELECT a.* FROM payment_attempts a JOIN orders o ON o.attempt_id = a.id WHERE o.number = %s",
    "payment_events": "SELECT e.* FROM payment_events e JOIN orders o USING (attempt_id) WHERE o.number = %s",
    "orders": "SELECT * FROM orders WHERE number = %s",
    "order_lines": "SELECT l.* FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.number = %s ORDER BY l.id",
    "order_tax_lines": "SELECT t.* FROM order_tax_lines t JOIN orders o ON o.id = t.order_id WHERE o.number = %s",
    "order_events": "SELECT e.* FROM order_events e JOIN orders o ON o.id = e.order_id WHERE o.number = %s",
    "outbox": "SELECT * FROM outbox WHERE args = JSON_OBJECT('order', %s)",
}


class Hand:
    def __init__(self, connection: Any, rows: dict[str, list[Row]]) -> None:
        self.connection, self.rows = connection, rows
        self.cursor = connection.cursor()

    async def order(self, variants: tuple[int, int]) -> None:
        await self.run("BEGIN")
        cart = await self.insert("carts", token_hash=secrets.token_hex(32))
        await self.insert("cart_lines", variants, cart_id=cart)
        await self.run("SELECT * FROM carts WHERE id = %s FOR UPDATE", cart)
        attempt = await self.insert("payment_attempts", cart_id=cart, key=secrets.token_hex(16))
        await self.insert("payment_events", attempt_id=attempt)
        await self.allocate(variants)
        await self.run("UPDATE carts SET version = version + 1, completed_at = UTC_TIMESTAMP(6) WHERE id = %s", cart)
        await self.run("UPDATE counters SET value = value + 1 WHERE name = 'order'")
        await self.run("SELECT value FROM counters WHERE name = 'order'")
        number = (await self.cursor.fetchone())[0]
        order = await self.insert("orders", number=number, cart_id=cart, attempt_id=attempt)
        line = await self.insert("order_lines", variants, order_id=order)
        await self.insert("order_tax_lines", lines=(line, line + 1, None), order_id=order)
        await self.insert("order_events", order_id=order)
        await self.insert("outbox", args=f'{{"order": {number}}}')
        await self.run("COMMIT")

    async def allocate(self, variants: tuple[int, int]) -> None:
        await self.run("SELECT * FROM stock_levels WHERE variant_id IN (%s, %s) ORDER BY 1 FOR UPDATE", *variants)
        for variant in variants:
            await self.run(
                "UPDATE stock_levels SET allocated = allocated + 1 WHERE variant_id = %s"
                " AND (may_oversell OR on_hand - reserved - allocated >= 1)",
                variant,
            )

    async def insert(
        self, table: str, variants: tuple[int, ...] = (), lines: tuple[int | None, ...] = (), **changed: Any
    ) -> int:
        """The rows of the table once more, in one statement; gives the id of the first."""
        rows = [row | changed for row in self.rows[table]]
        rows = [row | {"variant_id": id_} for row, id_ in zip(rows, variants, strict=True)] if variants else rows
        rows = [row | {"line_id": id_} for row, id_ in zip(rows, lines, strict=True)] if lines else rows
        columns = ", ".join(f"`{name}`" for name in rows[0])
        places = ", ".join(f"({', '.join(['%s'] * len(row))})" for row in rows)
        values = [value for row in rows for value in row.values()]
        await self.run(f"INSERT INTO {table} ({columns}) VALUES {places}", *values)
        return int(self.cursor.lastrowid)

    async def run(self, statement: str, *values: Any) -> None:
        await self.cursor.execute(statement, values)


async def read(connection: Any, number: int) -> dict[str, list[Row]]:
    found = {}
    async with connection.cursor(DictCursor) as cursor:
        for table, statement in OF_ORDER.items():
            await cursor.execute(statement, (number,))
            rows = await cursor.fetchall()
            found[table] = [{k: v for k, v in row.items() if k not in ("id", "live_cart_id")} for row in rows]
    return found


async def main(database: str, order: int, count: int, connections: int, variants: list[int]) -> None:
    url = make_url(database)
    account = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "db": url.database}
    opened = [await connect(**account, charset="utf8mb4") for _ in range(connections)]
    for connection in opened:
        async with connection.cursor() as cursor:
            await cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    rows = await read(opened[0], order)
    pairs = pairs_of(variants, count)

    async def work(hand: Hand) -> None:
        for pair in pairs:
            await hand.order(pair)

    started, before = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work(Hand(connection, rows)) for connection in opened))
    print(time.process_time() - before, time.perf_counter() - started)
    for connection in opened:
        connection.close()


def pairs_of(variants: list[int], count: int) -> Iterator[tuple[int, int]]:
    """Two at a time, lower id first, round and round."""
    pairs = list(zip(variants[::2], variants[1::2], strict=False))
    return itertools.islice(itertools.cycle(pairs), count)


if __name__ == "__main__":
    url, order, count, connections, variants = sys.argv[1:]
    asyncio.run(main(url, int(order), int(count), int(connections), [int(id_) for id_ in variants.split(",")]))
