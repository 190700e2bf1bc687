"""What the metrics of this process say. The registry is one for all tests, so they compare before and after."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from prometheus_client import REGISTRY


def value(name: str, **labels: str) -> float:
    """0 for what was not counted yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Gained(dict[str, float]):
    """By labels, as in {"card,paid": 1}; filled in when the block ends."""


@contextlib.contextmanager
def gained(name: str) -> Iterator[Gained]:
    """How much each series of the sample called `name` has grown meanwhile."""
    before, found = _series(name), Gained()
    yield found
    after = _series(name)
    found.update({key: number - before.get(key, 0) for key, number in after.items() if number != before.get(key, 0)})


def _series(name: str) -> dict[str, float]:
    return {
        ",".join(sample.labels.values()): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == name
    }
