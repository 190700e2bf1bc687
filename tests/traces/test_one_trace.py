"""One trace leads from the page that places an order by its statements to its mail, across processes."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from hypermart.db.outbox import Outbox
from hypermart.jobs.delivery import deliver
from hypermart.qa.clock import QaClock
from hypermart.services import opened
from hypermart.settings import Settings
from tests.jobs.workers import start
from tests.parts.otlp_collector import Collector
from tests.parts.selling import SellingShop, selling_shop
from tests.parts.visitor import ORIGIN, here

CONFIRM = "process mail_order_confirmation"
STRANGER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def bought(shop: SellingShop) -> int:
    """By invoice; gives the row that the confirmation is owed by."""
    await shop.shopper().buy(await shop.variant(), payment="invoice")
    return int(await shop.value(select(Outbox.id).where(Outbox.job == "mail_order_confirmation")))


@pytest.mark.slow
async def test_from_the_page_to_the_mail_of_another_process(
    demo_copy_settings: Settings, clock: QaClock, collector: Collector, tmp_path: Path
) -> None:
    settings = collector.settings(demo_copy_settings)
    async with selling_shop(settings, clock) as shop:
        id_ = await bought(shop)
        ((request, trace),) = await shop.rows(select(Outbox.request, Outbox.trace).where(Outbox.id == id_))
        page = await collector.one("POST /checkout/orders")
        assert (page.service, page.kind, page.parent, page.is_failed) == ("app", "SERVER", "", False)
        assert page.known == {
            "http.request.method": "POST",
            "http.route": "/checkout/orders",
            "http.response.status_code": 303,
            "hypermart.request": request,
        }
        assert trace.startswith(f"00-{page.trace}-{page.id}-")
        insert = next(span for span in collector.under(page) if span.name == "INSERT outbox")
        assert (insert.kind, insert.known["db.operation.name"], insert.known["db.collection.name"]) == (
            "CLIENT",
            "INSERT",
            "outbox",
        )
        assert insert.known["hypermart.role"] == "primary"
        worker = start(collector.settings(settings, instance="worker"), tmp_path / "mark", 0)
        try:
            job = await collector.one(CONFIRM, page.trace)
        finally:
            worker.terminate()
            worker.wait(30)
    (mail,) = [span for span in collector.under(job) if span.name == "send mail"]
    assert (job.service, job.kind, job.trace, job.parent) == ("worker", "CONSUMER", page.trace, page.id)
    assert (mail.kind, mail.trace, mail.parent, mail.known) == ("CLIENT", page.trace, job.id, {})
    assert job.known == {
        "messaging.system": "outbox",
        "messaging.operation.type": "process",
        "messaging.destination.name": "mail_order_confirmation",
        "messaging.message.id": str(id_),
        "hypermart.lane": "mail",
        "hypermart.attempts": 1,
    }
    assert {span.name for span in collector.under(job)} >= {"SELECT orders", "send mail", "UPDATE outbox"}
    assert [span.name for span in collector.under(mail)] == ["SELECT outbox"]  # whether the row is still ours


async def test_the_bank_is_called_under_the_page(traced: SellingShop, collector: Collector) -> None:
    await traced.shopper().buy(await traced.variant())
    call = await collector.one("gateway open")
    page = await collector.one("POST /checkout/orders")
    assert (call.kind, call.parent) == ("CLIENT", page.id)
    bank = collector.named("POST")  # mounted in this app, but somebody else's: its addresses are no routes of ours
    assert bank
    assert not any(span.parent for span in bank)


async def test_a_failed_job_and_its_next_attempt_are_under_the_page(
    traced: SellingShop, clock: QaClock, collector: Collector
) -> None:
    id_ = await bought(traced)
    page = await collector.one("POST /checkout/orders")
    services = traced.app.state.shop._services
    mails = services.settings.data / "mail"
    mails.write_text("no folder")
    await deliver(services, id_, "mail")
    mails.unlink()
    clock.advance(hours=2)
    with capture_logs([merge_contextvars]) as logs:
        await deliver(services, id_, "mail")
    assert [entry["trace"] for entry in logs if entry["event"] == "outbox.done"] == [page.trace]
    runs = await collector.some(2, CONFIRM, page.trace)
    assert [(run.parent, run.known["hypermart.attempts"]) for run in runs] == [(page.id, 1), (page.id, 2)]
    assert [run.known.get("error.type") for run in runs] == ["FileExistsError", None]
    assert [run.is_failed for run in runs] == [True, False]


async def test_a_visitor_s_trace_is_linked_and_decides_nothing(
    demo_settings: Settings, clock: QaClock, collector: Collector
) -> None:
    async with selling_shop(collector.settings(demo_settings), clock) as shop:
        for told in (STRANGER, "00-nonsense", "é"):
            await shop.shopper().client.get("/livez")
            headers = {b"traceparent": told.encode("latin-1")}
            async with httpx.AsyncClient(transport=here(shop.app), base_url=ORIGIN) as client:
                with capture_logs([merge_contextvars]) as logs:
                    await client.get("/robots.txt", headers=headers)
    pages = collector.named("GET /robots.txt")
    assert len(pages) == len(collector.spans) == 3  # a probe is no news
    assert [page.links for page in pages] == [[STRANGER.split("-")[1]], [], []]
    assert [page.parent for page in pages] == [""] * 3
    assert [entry["trace"] for entry in logs if entry["event"] == "request"] == [pages[-1].trace]


async def test_an_address_that_no_route_has(traced: SellingShop, collector: Collector) -> None:
    await traced.shopper().client.request("BREW", "/no/such/page")
    page = await collector.one("_OTHER")
    assert page.known["http.response.status_code"] in (404, 405)
    assert "http.route" not in page.known


@pytest.mark.parametrize(("of_page", "of_worker"), [(0, 1), (1, 0)])
async def test_all_of_a_trace_is_kept_or_none(
    demo_copy_settings: Settings, clock: QaClock, collector: Collector, of_page: float, of_worker: float
) -> None:
    async with selling_shop(collector.settings(demo_copy_settings, of_page), clock) as shop:
        id_ = await bought(shop)
        trace = await shop.value(select(Outbox.trace).where(Outbox.id == id_))
        assert bool(int(trace[-2:], 16) & 1) == bool(of_page)
    async with opened(collector.settings(demo_copy_settings, of_worker), clock) as services:
        assert await deliver(services, id_, "mail")
    assert bool(collector.named(CONFIRM)) == bool(collector.spans) == bool(of_page)
