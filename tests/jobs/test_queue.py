"""The queue as people see it: numbers of each lane, dead rows tried again, the log of mails; the outbox command."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, text, update

from hypermart import cli
from hypermart.db.outbox import Outbox
from hypermart.db.queue import (
    LaneNumbers,
    QueueFilter,
    lane_numbers,
    mail_rows,
    queue_row,
    queue_rows,
    retry_dead,
    retry_row,
)
from hypermart.db.queue_numbers import queue_numbers
from hypermart.errors import NotFound, Refused
from hypermart.jobs.chores import Caretaker
from hypermart.jobs.delivery import deliver
from hypermart.qa.clock import QaClock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.jobs.mails import order
from tests.jobs.rows import add, row, rows
from tests.parts.databases import is_mysql
from tests.web.test_cost_and_cache import counted

Run = Callable[..., tuple[int, str, str]]


async def numbers(services: Services) -> dict[str, LaneNumbers]:
    async with services.db.fresh() as db:
        return await lane_numbers(db, services.clock.now())


async def dead_row(services: Services, job: str = "no_such_job") -> int:
    id_ = await add(services, job)
    await deliver(services, id_, "quick")
    return id_


async def test_each_lane_has_its_numbers(services: Services, clock: QaClock) -> None:
    assert await numbers(services) == dict.fromkeys(("quick", "mail", "slow"), LaneNumbers())
    began = clock.now()
    await add(services, "purge_pages", keys=["a"])
    clock.advance(minutes=5)
    await add(services, "make_renditions", picture_id=1)
    await add(services, "mail_order_confirmation", order=1)
    await add(services, "purge_pages", keys=["b"])
    async with services.db.write() as db:
        db.info["later"].append(("purge_pages", {"keys": []}, clock.now() + timedelta(days=1)))
    dead, done = await dead_row(services), await add(services, "purge_pages", keys=["c"])
    async with services.db.write() as db:
        await db.execute(update(Outbox).where(Outbox.id == done).values(done_at=clock.now()))
    assert (await row(services, dead)).dead_at
    found = await numbers(services)
    one = LaneNumbers(1, clock.now(), 0)
    assert found == {"quick": LaneNumbers(2, began, 1), "mail": one, "slow": one}
    assert found["quick"].oldest_due_at is not None
    assert found["quick"].oldest_due_at.tzinfo is not None


async def test_numbers_are_one_statement_by_the_index(services: Services) -> None:
    """It is asked every few seconds, beside a week of done rows."""
    said: list[tuple[str, object]] = []
    engine = services.db.reader.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: said.append((given[2], given[3])))
    async with services.db.write() as db:
        now = services.clock.now()
        db.add_all(
            Outbox(job="purge_pages", args={}, created_at=now, due_at=now, done_at=now if n > 10 else None, attempts=1)
            for n in range(2000)
        )
    async with services.db.write() as db:
        if is_mysql():
            await db.execute(text("ANALYZE TABLE outbox"))
    said.clear()
    await numbers(services)
    ((statement, values),) = said
    explain = "EXPLAIN" if is_mysql() else "EXPLAIN QUERY PLAN"
    async with services.db.writer.connect() as connection:
        plan = str((await connection.exec_driver_sql(f"{explain} {statement}", values)).all())  # type: ignore[arg-type]
    assert "ix_outbox_open" in plan
    assert is_mysql() or "SEARCH outbox USING INDEX ix_outbox_open (done_at=?" in plan


async def test_what_is_not_done_is_listed(services: Services, clock: QaClock) -> None:
    await order(services)  # a mail now, a reminder in two weeks
    dead = await dead_row(services)
    async with services.db.fresh() as db:
        found = await queue_rows(db, clock.now(), QueueFilter())
        assert {(r.job, r.state) for r in found} >= {
            ("mail_order_confirmation", "due"),
            ("mail_payment_reminder", "waiting"),
            ("no_such_job", "dead"),
        }
        assert [r.id for r in await queue_rows(db, clock.now(), QueueFilter("dead"))] == [dead]
        assert [r.id for r in await queue_rows(db, clock.now(), QueueFilter(job="no_such_job"))] == [dead]
        assert await queue_rows(db, clock.now(), QueueFilter("dead", "purge_pages")) == []
        assert len(await queue_rows(db, clock.now(), QueueFilter(), limit=1)) == 2, "and there are more"


async def test_arguments_of_people_are_not_shown(services: Services) -> None:
    id_ = await add(services, "purge_pages", keys=["product:1"], email="ada@example.com", attempt="secret")
    async with services.db.fresh() as db:
        found = await queue_row(db, services.clock.now(), id_)
        with pytest.raises(NotFound):
            await queue_row(db, services.clock.now(), id_ + 1000)
    assert found.args == {"keys": ["product:1"], "email": "(not shown)", "attempt": "(not shown)"}


async def test_a_dead_row_is_tried_again_with_all_its_attempts(services: Services, clock: QaClock) -> None:
    id_ = await dead_row(services)
    async with services.db.write() as db:
        await db.execute(update(Outbox).values(attempts=10, crashes=10))
        await retry_row(db, clock.now(), id_)
    found = await row(services, id_)
    assert (found.dead_at, found.attempts, found.crashes, found.due_at) == (None, 0, 0, clock.now())
    assert await deliver(services, id_, "quick")


async def test_what_waits_is_tried_at_once(services: Services, clock: QaClock) -> None:
    id_ = await add(services, "mail_order_confirmation", order=404)
    async with services.db.write() as db:
        await db.execute(update(Outbox).values(due_at=clock.now() + timedelta(hours=1)))
        await retry_row(db, clock.now(), id_)
    assert (await row(services, id_)).due_at == clock.now()


async def test_what_is_done_or_run_is_not_tried_again(services: Services, clock: QaClock) -> None:
    id_ = await add(services, "purge_pages", keys=[])
    for values, why in (
        ({"leased_until": clock.now() + timedelta(1)}, "being run"),
        ({"done_at": clock.now()}, "done"),
    ):
        async with services.db.write() as db:
            await db.execute(update(Outbox).values(**values))
            with pytest.raises(Refused, match=f"^row {id_} is {why}$"):
                await retry_row(db, clock.now(), id_)
            assert await retry_dead(db, clock.now()) == 0


async def test_all_dead_rows_or_those_of_a_job(services: Services, clock: QaClock) -> None:
    for job in ("no_such_job", "nor_this", "nor_this"):
        await dead_row(services, job)
    async with services.db.write() as db:
        assert await retry_dead(db, clock.now(), job="nor_this") == 2
        assert await retry_dead(db, clock.now()) == 1
    assert {r.dead_at for r in await rows(services)} == {None}


async def test_the_log_of_mails(services: Services, clock: QaClock) -> None:
    number = await order(services)
    (id_,) = [r.id for r in await rows(services) if r.job == "mail_order_confirmation"]
    await deliver(services, id_, "mail")
    async with services.db.fresh() as db:
        reminder, confirmation = await mail_rows(db, clock.now(), order=number)
        assert (reminder.state, confirmation.state) == ("waiting", "done")
        assert confirmation.words == f"sent to example.com as <outbox.{id_}@127.0.0.1>"
        assert confirmation.ended_at == clock.now()
        assert await mail_rows(db, clock.now(), order=number + 1) == []
        assert len(await mail_rows(db, clock.now())) == 2


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    for name, value in (("MODE", "qa"), ("DATA_DIR", str(settings.data)), ("DATABASE_URL", settings.database_url)):
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(["outbox", *words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


async def filled(settings: Settings) -> tuple[int, int]:
    """The ids of a dead row and of a mail that was sent."""
    async with opened(settings) as services:
        await order(services)
        dead = await dead_row(services)
        (sent,) = [r.id for r in await rows(services) if r.job == "mail_order_confirmation"]
        await deliver(services, sent, "mail")
    return dead, sent


def test_the_command(settings: Settings, run: Run) -> None:
    dead, sent = asyncio.run(filled(settings))
    code, out, _ = run("list", "--dead")
    assert (code, out.count("\n")) == (0, 1)
    assert re.match(rf"{dead}  dead  \d+s  1  no_such_job  unknown job 'no_such_job'", out)
    assert "mail_payment_reminder" in run("list")[1]
    code, out, _ = run("list", "--limit", "1")
    assert out.endswith("... and more: --limit 10\n")
    code, out, _ = run("mails", "--order", "1001")
    assert [line.split("  ")[1] for line in out.splitlines()] == ["waiting", "done"]
    assert f"mail_order_confirmation  1001  sent to example.com as <outbox.{sent}@127.0.0.1>" in out
    code, out, _ = run("show", str(sent))
    assert 'args:      {"order":1001}' in out.splitlines()
    assert "ada" not in out
    assert run("retry", str(dead)) == (0, f"Row {dead} is tried again.\n", "")
    assert run("list", "--dead") == (0, "", "")
    assert run("retry", "--all-dead") == (0, "0 rows are tried again.\n", "")


def test_what_the_command_cannot_do_is_said_in_one_line(settings: Settings, run: Run) -> None:
    _, sent = asyncio.run(filled(settings))
    for words, said in (
        (("show", "404404"), "there is no row 404404: see hypermart outbox list"),
        (("retry", "404404"), "there is no row 404404: see hypermart outbox list"),
        (("retry", str(sent)), f"row {sent} is done"),
        (("retry", str(sent), "--job", "x"), "--job goes with --all-dead: a row is named by its ID alone"),
    ):
        assert run(*words) == (2, "", f"hypermart: {said}\n")
    for line in ("", "retry", "retry 1 --all-dead", "show x"):
        with pytest.raises(SystemExit) as ended:
            run(*line.split())
        assert ended.value.code == 2


async def test_the_numbers_of_the_page_are_one_statement_too(services: Services, clock: QaClock) -> None:
    for number in range(3):
        await add(services, "purge_pages", keys=[str(number)])
    clock.advance(minutes=5)
    await add(services, "make_renditions", picture_id=1)
    await dead_row(services)
    async with services.db.write() as db:
        for days in (0.5, 2):
            db.info["later"].append(("mail_reset", {}, clock.now() + timedelta(days=days)))
    with counted(services.db) as seen:
        async with services.db.fresh() as db:
            found = await queue_numbers(db, clock.now())
    assert (len(seen["reader"]), seen["writer"]) == (1, [])
    quick, mail, slow = found.lanes
    assert (quick.due, quick.dead, mail.waiting, slow.due) == (3, 1, 1, 1), "later than a day is not counted"
    assert found.oldest_due_at == quick.oldest_due_at == clock.now() - timedelta(minutes=5)
    assert found.bands == (0, 0, 0, 3, 1, 0, 1)
    assert (found.dead, found.given_up) == ((("no_such_job", 1),), 1)
    assert found.jobs == ("mail_reset", "make_renditions", "no_such_job", "purge_pages")


def test_the_command_lists_chores(settings: Settings, run: Run) -> None:
    async def look() -> None:
        async with opened(settings) as services:
            await Caretaker(services).look()

    asyncio.run(look())
    code, out, _ = run("chores")
    assert code == 0
    assert re.search(r"^sweep_carts  well  \S+Z  \S+Z  0 forgotten$", out, re.MULTILINE)
    assert re.search(r"^free_holds  new  -  \S+Z  -$", out, re.MULTILINE)
