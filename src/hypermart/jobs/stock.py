"""Shoppers are told of stock again after sales: product pages, feeds, and the stock flags of lists."""

from __future__ import annotations

from hypermart.db.session import WriteSession, stale
from hypermart.domain.stock.actions import mark_in_stock
from hypermart.jobs.task import Task
from hypermart.services import Services


async def restate_stock(services: Services, _: Task, /, *, product_ids: list[int]) -> None:
    async def restate(db: WriteSession) -> None:
        stale(db, "feeds", *(f"product:{id_}" for id_ in product_ids))
        await mark_in_stock(db, product_ids)

    await services.db.retried(restate)
