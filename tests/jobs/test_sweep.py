"""What a worker tidies up by itself, once an hour."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hypermart.domain.cart import actions, expiry
from hypermart.domain.cart.models import Cart
from hypermart.jobs.sweep import sweep_carts
from hypermart.qa.clock import QaClock
from hypermart.services import Services


async def test_old_carts_are_swept_batch_by_batch(
    services: Services, clock: QaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "BATCH", 2)
    async with services.db.write() as db:
        for number in range(5):
            await actions.new_cart(db, f"{number:064}", clock.now())
    clock.advance(days=30)
    async with services.db.write() as db:
        await actions.new_cart(db, "f" * 64, clock.now())
    assert await sweep_carts(services) == "5 forgotten"
    async with services.db.fresh() as db:
        assert (await db.execute(select(Cart.token_hash))).scalars().all() == ["f" * 64]
