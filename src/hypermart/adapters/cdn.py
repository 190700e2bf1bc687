"""CDNs: none so far; the keys that would be purged are logged."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

log = structlog.get_logger(__name__)


class NoCdn:
    async def purge(self, keys: Iterable[str]) -> None:
        log.info("cdn.purge", keys=sorted(keys), cdn="none")
