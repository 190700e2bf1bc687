"""The worker: SAQ's doorbell, rung after each commit and heard here, and the lanes that need none. Knows no job."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import signal
from collections.abc import AsyncIterator
from typing import Any

import saq
import structlog
from redis.exceptions import RedisError
from saq.queue.redis import RedisQueue

from hypermart.adapters import valkey
from hypermart.db.outbox import LANES
from hypermart.db.tasks import ended
from hypermart.jobs import delivery
from hypermart.jobs.chores import Caretaker, watch, watches
from hypermart.jobs.lanes import Lane
from hypermart.jobs.measure import measuring
from hypermart.metrics_listener import listening
from hypermart.services import Services, valkey_opened

log = structlog.get_logger(__name__)

GRACE, INLINE_GRACE = 35.0, 4.0
"""Seconds that a running job gets at shutdown: a mail under way ends within 30. What is stopped then is run again when
its lease ends."""
STUCK = delivery.RUN + 30
"""Seconds without a turn of the loop after which a worker ends itself: a job that never waits cannot be stopped."""
LISTEN, ANSWER = 5.0, 2.0
"""Seconds: one wait for the doorbell; any other command."""
BEAT = 2.0
"""Seconds between two signs of life."""
NAME = "hypermart"
LOST = (RedisError, OSError)


class Doorbell(RedisQueue):
    """SAQ's queue, of which only the ringing is used: a lost job costs one POLL, so a lost Valkey is no error."""

    is_down = False

    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> saq.Job | None:  # noqa: ASYNC109
        try:
            job = await super().dequeue(timeout, poll_interval)
        except LOST as error:
            if not self.is_down:
                log.warning("valkey.down", reason=str(error))
            self.is_down = True
            await asyncio.sleep(1)  # SAQ would ask again at once
            return None
        if self.is_down:
            log.info("valkey.up")
        self.is_down = False
        return job


class Worker(saq.Worker[Any]):
    SIGNALS = []  # noqa: RUF012  (the web server, or run(), listens to them)

    def __init__(self, services: Services, queue: Doorbell, lanes: list[Lane], grace: float) -> None:
        super().__init__(
            queue,
            [("deliver", self.deliver)],
            concurrency=2,
            dequeue_timeout=LISTEN,
            shutdown_grace_period_s=0,  # stop() below has done the waiting
            cancellation_hard_deadline_s=1.0,
        )
        self.services, self.lanes, self.grace = services, lanes, grace

    async def upkeep(self) -> list[asyncio.Task[None]]:
        """None. The lanes look after lost rows; SAQ's sweep subscribes to Valkey, and should that go away meanwhile,
        its listener retries without a pause and without yielding: the whole process would stand still."""
        return []

    async def deliver(self, _: Any, *, outbox_id: int) -> None:
        """At once if it is quick; else its lane is told to look."""
        try:
            if not await delivery.deliver(self.services, outbox_id, "quick"):
                for lane in self.lanes:
                    lane.wake.set()
        except Exception as error:  # noqa: BLE001  (the row is still due: a lane comes back to it)
            log.warning("outbox.delivery_failed", id=outbox_id, reason=delivery.reason(error))

    async def process(self) -> bool:
        try:
            return await super().process()
        except LOST:  # Valkey went while a job ran; the row knows how it ended
            return False

    async def stop(self) -> None:
        self.event.set()  # takes no new job
        running = [context["task"] for context in self.job_task_contexts.values()]
        if running:
            await asyncio.wait(running, timeout=self.grace)
        if waiting := list(self.tasks):
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting, timeout=ANSWER)
        await super().stop()


@contextlib.asynccontextmanager
async def ringing(services: Services) -> AsyncIterator[str]:
    """New outbox rows are rung for as long as the block lasts. Gives the URL of the Valkey it is done by."""
    rings: set[asyncio.Task[None]] = set()
    async with valkey_opened(services.settings) as url:
        queue = RedisQueue(valkey.client(url, timeout=ANSWER), NAME)

        async def ring(ids: list[int]) -> None:
            try:
                for outbox_id in ids:
                    await queue.enqueue(
                        "deliver",
                        outbox_id=outbox_id,
                        key=f"outbox:{outbox_id}",
                        timeout=delivery.RUN + 30,
                        retries=1,
                        ttl=-1,
                    )
            except LOST as error:
                log.warning("bell.lost", ids=len(ids), reason=str(error))

        async def bell(ids: list[int]) -> None:
            """Rings beside the request, so that a Valkey that hangs delays nobody."""
            task = asyncio.create_task(ring(ids))
            rings.add(task)
            task.add_done_callback(rings.discard)

        services.db.bell = bell
        try:
            yield url
        finally:
            services.db.bell = None
            if rings:
                await asyncio.wait(rings, timeout=ANSWER)
            await queue.redis.aclose()


@contextlib.asynccontextmanager
async def inline(services: Services, grace: float = INLINE_GRACE) -> AsyncIterator[None]:
    """Delivers outbox rows for as long as the block lasts: the worker of the embedded default."""
    logging.getLogger("saq").addFilter(_is_news)
    async with ringing(services) as url:
        lanes = [Lane(services, name) for name in LANES]
        queue = Doorbell(valkey.client(url, timeout=LISTEN + ANSWER), NAME)
        ear = Worker(services, queue, lanes, grace)
        keepers: list[Lane | Caretaker] = [*lanes, Caretaker(services)]
        running = [asyncio.create_task(keeper.run()) for keeper in keepers]
        work = [ear.start(), *(watch(services, name) for name in watches(services.settings))]
        if services.settings.metrics:
            work.append(measuring(services))
        others = [asyncio.create_task(each) for each in work]
        try:
            yield
        finally:
            for keeper in keepers:
                keeper.stop()
            await asyncio.gather(ear.stop(), asyncio.wait(running, timeout=grace))
            await ended(*running, *others)
            await queue.redis.aclose()


async def run(services: Services) -> None:
    """`hypermart worker`: until SIGTERM or SIGINT. DATA_DIR/alive/INSTANCE is touched while its loop turns."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    alive = services.settings.data / "alive" / (services.settings.instance or "worker")
    alive.parent.mkdir(parents=True, exist_ok=True)
    async with listening(services.settings), services.db.watched(), inline(services, GRACE):
        log.info("worker.ready")
        while not stop.is_set():
            alive.touch()
            faulthandler.dump_traceback_later(STUCK, exit=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), BEAT)
    faulthandler.cancel_dump_traceback_later()
    alive.unlink(missing_ok=True)
    log.info("worker.stopped")


def _is_news(record: logging.LogRecord) -> bool:
    """SAQ reports a lost Valkey with a traceback; Doorbell has said it."""
    return not (record.exc_info and isinstance(record.exc_info[1], LOST))
