"""Faults that tests order for the next calls of the shop. Kept in memory: a new process is in good health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec
from litestar.exceptions import HTTPException

from hypermart.bogus.outcomes import Capture

T = TypeVar("T")
Call = Literal["open", "find", "capture", "void"]
HANG = 10.0
"""Seconds: longer than any shop should wait."""


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    call: Call
    kind: Literal["slow", "error", "lost", "late"]
    """Waits first; does nothing; does it but loses the answer; does it and then waits."""
    times: int = 1
    seconds: float = HANG


class Faults:
    def __init__(self) -> None:
        self.ordered: list[Fault] = []

    async def around(self, call: Call, work: Callable[[], T], capture: Capture = "") -> T:
        """What `work` gives, unless and until what was ordered goes wrong. `capture`: what its payment ordered."""
        fault = self._next(call) or (Fault(call, "late") if capture == "late" else None)
        if fault is None:
            return work()
        if fault.kind == "error":
            raise HTTPException("ordered fault: nothing was done", status_code=500)
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        done = work()
        if fault.kind == "late":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "lost":
            raise HTTPException("ordered fault: it was done", status_code=502)
        return done

    def _next(self, call: Call) -> Fault | None:
        fault = next((each for each in self.ordered if each.call == call and each.times > 0), None)
        if fault:
            fault.times -= 1
        return fault
