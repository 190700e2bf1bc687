import asyncio, os, signal, sys
import pytest
from hypermart.adapters import valkey
from hypermart.jobs import JOBS
from hypermart.services import Services
from hypermart.worker import inline, ringing
from tests.jobs.rows import add, until_done
@pytest.mark.parametrize("n", range(25))
async def test_zz(services: Services, monkeypatch, n) -> None:
    async def note(services, outbox_id, /):
        await asyncio.sleep(0.01)
    monkeypatch.setitem(JOBS, "note", note)
    async def dump():
        await asyncio.sleep(7)
        for t in asyncio.all_tasks():
            c=t.get_coro(); chain=[]
            while c is not None and hasattr(c,'cr_await'):
                chain.append(f"{c.__qualname__}:{c.cr_frame.f_lineno if c.cr_frame else None}"); c=c.cr_await
            print("CHAIN",t.get_name(),chain,c,flush=True)
    d=asyncio.create_task(dump())
    async with ringing(services) as url:
        client = valkey.client(url, timeout=2)
        wiped = await add(services, "note")
        await client.flushall()
        async with inline(services):
            await until_done(services, wiped)
            pid = int((await client.info("server"))["process_id"])
            await client.aclose()
            os.kill(pid, signal.SIGKILL)
            killed = await add(services, "note")
            await until_done(services, killed)
    d.cancel()
