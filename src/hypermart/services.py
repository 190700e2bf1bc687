"""Services: opens and closes every backing service named in the settings. Only this file opens adapters."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from babel.core import UnknownLocaleError

from hypermart.adapters import valkey
from hypermart.adapters.blobs import LocalBlobs
from hypermart.adapters.cdn import NoCdn
from hypermart.adapters.clock import SystemClock
from hypermart.db.engine import read_engine, write_engine
from hypermart.db.session import Database
from hypermart.money import Money
from hypermart.ports import Blobs, Cdn, Clock
from hypermart.settings import BadSetting, Settings


@dataclass(frozen=True)
class Services:
    settings: Settings
    db: Database
    blobs: Blobs
    cdn: Cdn
    clock: Clock


@contextlib.asynccontextmanager
async def opened(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Services]:
    """All services, closed again at the end of the block."""
    _check_money(settings)
    clock = clock or SystemClock()
    if settings.is_embedded:
        Path(settings.database_url.partition("///")[2]).parent.mkdir(parents=True, exist_ok=True)
    db = Database(write_engine(settings.database_url), read_engine(settings.database_read_url), clock)
    try:
        yield Services(settings, db, _blobs(settings.blobs_url), _cdn(settings.cdn_url), clock)
    finally:
        await db.close()


def _check_money(settings: Settings) -> None:
    """Now, and not on the first page that shows a price."""
    try:
        Money(0, settings.currency).format(settings.locale)
    except UnknownLocaleError:
        raise BadSetting(f"SHOP_LOCALE={settings.locale!r} is unknown: give a language like en or de_AT") from None
    except ValueError as error:
        raise BadSetting(f"CURRENCY or SHOP_LOCALE cannot be used: {error}") from None


@contextlib.asynccontextmanager
async def valkey_opened(settings: Settings) -> AsyncIterator[str]:
    """The URL of a Valkey that may or may not answer. Apart from opened(): a command that rings nobody starts none."""
    if settings.valkey_url != "embedded:" and not settings.valkey_url.startswith(("redis://", "rediss://", "unix://")):
        raise BadSetting(
            f"VALKEY_URL={settings.valkey_url!r} is unknown: use embedded:, redis://, rediss:// or unix://"
        )
    async with valkey.opened(settings.valkey_url, settings.data) as url:
        yield url


def _blobs(url: str) -> Blobs:
    kind, _, rest = url.partition(":")
    if kind == "file":
        return LocalBlobs(Path(rest))
    raise BadSetting(f"BLOBS_URL={url!r} is unknown: use file:FOLDER")


def _cdn(url: str) -> Cdn:
    if url == "none:":
        return NoCdn()
    raise BadSetting(f"CDN_URL={url!r} is unknown: use none:")
