import asyncio, os, signal, sys
from tests.jobs.test_worker import *
from tests.jobs.rows import *
async def test_zz(services: Services, ran: list[int]) -> None:
    async def dump():
        await asyncio.sleep(7)
        for t in asyncio.all_tasks():
            t.print_stack(file=sys.stdout)
            c=t.get_coro(); chain=[]
            while c is not None and hasattr(c,'cr_await'):
                chain.append(f"{c.__qualname__}:{c.cr_frame.f_lineno if c.cr_frame else None}"); c=c.cr_await
            print("CHAIN",chain,c,flush=True)
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
