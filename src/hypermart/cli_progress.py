"""How long commands show how far they are."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from hypermart.ports import Progress


@contextlib.contextmanager
def shown() -> Iterator[Progress]:
    """A bar on a terminal; else a line for each tenth, so that a log stays short."""
    if sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415

        with Bar(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=1.0)
            yield lambda phase, share: bar.update(task, description=phase, completed=share)
        return
    told: set[tuple[str, int]] = set()

    def tell(phase: str, share: float) -> None:
        step = (phase, int(share * 10) * 10)
        if step not in told:
            told.add(step)
            print(f"{phase} {step[1]} %", file=sys.stderr, flush=True)  # noqa: T201

    yield tell
