"""Services: opens and closes every backing service named in the settings. Only this file opens adapters."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import limits
from babel.core import UnknownLocaleError

from hypermart.adapters import valkey
from hypermart.adapters.blobs import LocalBlobs
from hypermart.adapters.cdn import NoCdn
from hypermart.adapters.clock import SystemClock
from hypermart.adapters.gateway import BogusGateway
from hypermart.adapters.limiter import WindowLimiter
from hypermart.adapters.mail import MailFolder
from hypermart.adapters.smtp import SmtpMail
from hypermart.db.engine import read_engine, write_engine
from hypermart.db.session import Database
from hypermart.domain.cart.pages import Terms
from hypermart.domain.orders.checkout import Selling
from hypermart.domain.orders.till import Till
from hypermart.money import Money
from hypermart.ports import Blobs, Cdn, Clock, Gateway, Limiter, Mail, Mailbox
from hypermart.settings import BadSetting, Settings


@dataclass(frozen=True)
class Services:
    settings: Settings
    db: Database
    blobs: Blobs
    cdn: Cdn
    mail: Mail
    gateway: Gateway | None
    """None: the shop takes offline payments only."""
    clock: Clock
    limiter: Limiter
    secret: bytes
    """Signs links and form tokens."""

    @property
    def mailbox(self) -> Mailbox:
        """Where demo shops and tests read what was sent, also by the mail server of a stack (stack/mail_sink.py)."""
        return self.mail if isinstance(self.mail, Mailbox) else MailFolder(self.settings.data / "mail")

    @property
    def till(self) -> Till:
        """What placing and settling orders needs."""
        terms = Terms(self.settings.currency, self.settings.shop_country, self.settings.tax_rounding)
        selling = Selling(terms, has_gateway=self.gateway is not None, has_account=bool(self.settings.shop_bank))
        return Till(self.db, self.gateway, selling, self.settings.base_url)


@contextlib.asynccontextmanager
async def opened(
    settings: Settings, clock: Clock | None = None, *, gateway_transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[Services]:
    """All services, closed again at the end of the block.

    `gateway_transport` leads to a gateway in the same process; else it is reached over the network.
    """
    _check_money(settings)
    clock = clock or SystemClock()
    if settings.is_embedded:
        Path(settings.database_url.partition("///")[2]).parent.mkdir(parents=True, exist_ok=True)
    reader = read_engine(settings.database_read_url)
    is_split = settings.database_read_url != settings.database_url
    fresh_reader = read_engine(settings.database_url) if is_split else reader
    db = Database(write_engine(settings.database_url), reader, clock, fresh_reader)
    try:
        async with _gateway(settings, clock, gateway_transport) as gateway:
            yield Services(
                settings,
                db,
                _blobs(settings.blobs_url),
                _cdn(settings.cdn_url),
                _mail(settings),
                gateway,
                clock,
                WindowLimiter(limits.parse(settings.tries), settings.valkey_url),
                _secret(settings),
            )
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


def _mail(settings: Settings) -> Mail:
    kind, _, rest = settings.mail_url.partition(":")
    if kind == "file":
        return MailFolder(Path(rest))
    try:
        return SmtpMail(settings.mail_url, WindowLimiter(limits.parse(settings.mail_pace), settings.valkey_url))
    except ValueError as error:  # the URL may hold a password
        raise BadSetting(f"MAIL_URL cannot be used: {error}, or file:FOLDER") from None


@contextlib.asynccontextmanager
async def _gateway(
    settings: Settings, clock: Clock, transport: httpx.AsyncBaseTransport | None
) -> AsyncIterator[Gateway | None]:
    kind, _, url = settings.gateway_url.partition(":")
    if kind == "bogus" and (not url or url.startswith(("http://", "https://"))):
        secret = settings.gateway_secret.encode()
        # Without a URL it is mounted in the shop; another process, such as a worker, finds it there.
        address = url or f"{settings.base_url}/bogus"
        async with BogusGateway(address, secret, clock, transport=transport) as gateway:
            yield gateway
    elif settings.gateway_url == "none:":
        yield None
    else:
        raise BadSetting(f"GATEWAY_URL={settings.gateway_url!r} is unknown: use bogus:, bogus:URL or none:")


def _secret(settings: Settings) -> bytes:
    """The key of the settings, else one that is made once and kept with the shop's data."""
    if settings.secret_key:
        return settings.secret_key.encode()
    path = settings.data / "secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError), open(path, "x", opener=_private) as file:
        file.write(secrets.token_hex(32))
    return path.read_bytes()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
