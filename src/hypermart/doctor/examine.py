"""The examination: all rooms of a shop at once, each look bounded, and whatever goes wrong said as a finding."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Any

import msgspec

from hypermart.doctor import addresses, cdn, database, files, gateway, mail, pictures, replicas, settings, valkey
from hypermart.doctor.case import Case
from hypermart.doctor.finding import Finding, note, problem
from hypermart.settings import BadSetting

BOUND = 3.0
"""Seconds of one look."""


class Room(msgspec.Struct, frozen=True):
    part: str
    look: Callable[[Case], Any]
    """Gives an async generator of findings: a type that aclosing() takes and AsyncIterator is not."""
    needs: tuple[str, ...] = ()
    """Settings without which there is nothing to look at."""


async def examine(case: Case, bound: float = BOUND) -> list[Finding]:
    found = await asyncio.gather(*(_walk(case, room, bound) for room in _rooms(case)))
    return [msgspec.structs.replace(each, words=case.hushed(each.words)) for part in found for each in part]


def _rooms(case: Case) -> Iterator[Room]:
    yield Room("settings", settings.look)
    yield Room("address", addresses.look, ("BASE_URL",))
    yield Room("files", files.look)
    yield Room("database", database.look, ("DATABASE_URL",))
    primary, urls = case.settings.database_url, case.settings.database_read_url.split()
    for url in urls if urls != [primary] else ():
        look = functools.partial(replicas.look, url=url)
        yield Room("replica", look, ("DATABASE_URL", "DATABASE_READ_URL"))
    yield Room("valkey", valkey.look, ("VALKEY_URL",))
    yield Room("mail", mail.look, ("MAIL_URL", "MAIL_FROM", "MAIL_PACE"))
    yield Room("pictures", pictures.look, ("BLOBS_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    yield Room("cdn", cdn.look, ("CDN_URL", "CDN_TOKEN"))
    yield Room("gateway", gateway.look, ("GATEWAY_URL", "GATEWAY_SECRET"))


async def _walk(case: Case, room: Room, bound: float) -> list[Finding]:
    if missing := [name for name in room.needs if name in case.refused]:
        return [note(room.part, f"not looked at, because of {' and '.join(missing)}")]
    found: list[Finding] = []
    try:
        async with aclosing(room.look(case)) as looks:
            while True:
                async with asyncio.timeout(bound):
                    found.append(await anext(looks))
    except StopAsyncIteration:
        pass
    except BadSetting as error:
        found.append(problem(room.part, str(error)))
    except TimeoutError:
        found.append(problem(room.part, f"no answer within {bound:g} s", "Look at its machine, and what is between"))
    except Exception as error:  # noqa: BLE001  (a doctor does not fall ill)
        words = f"cannot be looked at: {type(error).__name__}"
        found.append(problem(room.part, words, "Look at it by hand, and report this line as a bug of the doctor"))
    return found
