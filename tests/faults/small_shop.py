"""A real shop of three variants with the real bogus bank beside it, and what their books say."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment
from litestar import Litestar
from litestar.di import Provide
from sqlalchemy import insert, select, text, update

from hypermart import bogus
from hypermart.bogus.bank import Bank
from hypermart.bogus.callbacks import Courier
from hypermart.bogus.desk import Desk
from hypermart.domain.catalog.models import Variant
from hypermart.domain.payments.models import PaymentAttempt
from hypermart.domain.shipping.models import DeliveryMethod, DeliveryRate, Zone
from hypermart.domain.stock.models import StockLevel, StockMovement
from hypermart.domain.tax.models import TaxClass, TaxRate
from hypermart.jobs.delivery import deliver, due
from hypermart.qa.clock import QaClock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from hypermart.web.hooks.payments import take_callback
from hypermart.web.render import Shop
from tests.faults import audit
from tests.parts.bank import BANK, SHOP, TEMPLATES, transport
from tests.parts.stock import put

#: What shoppers leave behind, in an order in which it can be deleted.
TRACES = (
    "order_events order_tax_lines order_lines orders payment_events gateway_events payment_attempts cart_lines carts "
    "counters reservations outbox stock_movements"
).split()
BOOKS = {
    **audit.TABLES,
    "held": "SELECT holder, variant_id, quantity, expires_at IS NULL AS is_claimed FROM reservations",
    "carts": "SELECT id, version, completed_at IS NOT NULL AS is_completed FROM carts",
    "cart_lines": "SELECT cart_id, variant_id, quantity, seen_price FROM cart_lines",
    "unwatched": "SELECT `key`, state FROM payment_attempts WHERE check_at IS NULL",
    "heirs": "SELECT id, token_hash FROM carts",
}


class SmallShop:
    def __init__(self, settings: Settings, clock: QaClock, folder: Path) -> None:
        self.settings = msgspec.structs.replace(
            settings, base_url=SHOP, gateway_url=f"bogus:{BANK}", mail_url=f"file:{folder / 'mail'}", shop_bank=()
        )
        self.clock, self.journal, self.mail = clock, folder / "bogus.db", folder / "mail"
        self._open: contextlib.AsyncExitStack | None = None

    async def start(self) -> None:
        """As after a deployment: everything that was in memory is gone, on both sides."""
        await self.stop()
        stack = contextlib.AsyncExitStack()
        secret = self.settings.gateway_secret.encode()
        setup = bogus.Setup(self.journal, TEMPLATES, BANK, f"{SHOP}/hooks/payments", secret, self.clock.now)
        self.bank = Bank(setup.journal, setup.now)
        stack.callback(self.bank.db.close)
        app = bogus.create_app(setup)
        self.services: Services = await stack.enter_async_context(
            opened(self.settings, self.clock, gateway_transport=transport(app))
        )
        web = Shop(self.services, Environment(autoescape=True), "")
        hook = Litestar(
            [take_callback],
            dependencies={"shop": Provide(lambda: web, sync_to_thread=False)},
            logging_config=None,
        )
        self.courier = Courier(self.bank, setup.hook, secret, transport(hook))  # goes when it is told to
        app.state.desk = self.desk = Desk(setup, self.bank, self.courier)
        self._open = stack

    async def stop(self) -> None:
        if self._open:
            await self._open.aclose()
        self._open = None

    async def fill(self) -> list[int]:
        """Variants, deliveries and taxes; gives the ids of the variants."""
        ids = await put(self.services.db, 0, 0, 0)
        async with self.services.db.write() as db:
            await db.execute(text("UPDATE products SET published_at = created_at"))
            zone = Zone(code="home", title="Home", is_rest=True)
            ways = [DeliveryMethod(code=code, title=code, kind=kind) for code, kind in WAYS]
            db.add_all([zone, *ways, TaxClass(code="standard", title="Standard")])
            await db.flush()
            rates = zip(ways, (490, 0), strict=True)
            db.add_all(DeliveryRate(method_id=way.id, zone_id=zone.id, price=price) for way, price in rates)
            db.add(TaxRate(country="DE", tax_class="standard", rate=1900, title="MwSt."))
        return ids

    async def clear(self, ids: list[int], levels: list[tuple[int, int, bool]]) -> None:
        """Nobody was ever here; each variant costs, is there so often, and may be oversold, as `levels` says."""
        async with self.services.db.write() as db:
            for table in TRACES:
                await db.execute(text(f"DELETE FROM {table}"))
            for id_, (price, on_hand, may) in zip(ids, levels, strict=True):
                await db.execute(update(Variant).where(Variant.id == id_).values(price=price))
                level: dict[str, Any] = {"on_hand": on_hand, "reserved": 0, "allocated": 0, "may_oversell": may}
                await db.execute(update(StockLevel).where(StockLevel.variant_id == id_).values(level))
                move = {"variant_id": id_, "sku": "", "quantity": on_hand, "kind": "count", "reason": ""}
                await db.execute(insert(StockMovement).values(**move, moved_at=self.clock.now()))

    async def set_price(self, variant_id: int, price: int) -> None:
        async with self.services.db.write() as db:
            await db.execute(update(Variant).where(Variant.id == variant_id).values(price=price))

    async def line_id(self, cart_id: int, variant_id: int) -> int:
        sql = f"SELECT id FROM cart_lines WHERE cart_id = {int(cart_id)} AND variant_id = {int(variant_id)}"
        async with self.services.db.fresh() as db:
            return int((await db.execute(text(sql))).scalar_one())

    async def ask_reconciler(self) -> list[str]:
        """Keys of the attempts that it will look at now, in its order."""
        row = PaymentAttempt
        keys = select(row.key).where(row.check_at <= self.clock.now()).order_by(row.check_at, row.id)
        async with self.services.db.fresh() as db:
            return list((await db.execute(keys)).scalars())

    async def run_jobs(self) -> int:
        """Everything that is owed by now is done."""
        done = 0
        while owed := await due(self.services, "quick", "mail"):
            for outbox_id in owed:
                done += await deliver(self.services, outbox_id, "quick", "mail")
        return done

    def callbacks(self) -> list[Any]:
        """Those that wait at the bank, with the key of what each is about."""
        sql = (
            "SELECT callbacks.*, payments.key AS key FROM callbacks JOIN payments USING (ref) "
            "WHERE due_at IS NOT NULL ORDER BY callbacks.id"
        )
        return list(self.bank.db.execute(sql).fetchall())

    def payments(self) -> dict[str, str]:
        """What the bank says of each attempt, by its key."""
        return {row["key"]: row["state"] for row in self.bank.db.execute("SELECT key, state FROM payments")}

    async def send(self, callback: Any) -> None:
        await self.courier._send(callback)

    async def books(self) -> dict[str, list[audit.Row]]:
        async with self.services.db.fresh() as db:
            return {
                name: [dict(row) for row in (await db.execute(text(sql))).mappings()] for name, sql in BOOKS.items()
            }

    def findings(self, tables: dict[str, list[audit.Row]], seen: list[audit.Seen]) -> list[str]:
        return audit.findings(audit.Records(audit.bank(self.journal), audit.mailbox(self.mail), seen, tables))


WAYS = (("standard", "ship"), ("pickup", "pickup"))
