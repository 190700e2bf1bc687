"""Which rate a line bears. Pure; how much that is in a total is computed by the cart's totals."""

from __future__ import annotations

import msgspec

EXPORT, EXEMPT = "export", "exempt"


class Rate(msgspec.Struct, frozen=True):
    """A rate as it stands on a tax line: in hundredths of a per cent, and for 0 % why."""

    title: str
    rate: int
    reason: str = ""
