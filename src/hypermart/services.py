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
from opentelemetry.trace import Tracer

from hypermart.adapters import cdn as cdns
from hypermart.adapters import sessions, valkey
from hypermart.adapters.blobs import LocalBlobs
from hypermart.adapters.clock import SystemClock
from hypermart.adapters.gateway import BogusGateway
from hypermart.adapters.limiter import WindowLimiter
from hypermart.adapters.mail import MailFolder
from hypermart.adapters.observed_gateway import ObservedGateway
from hypermart.adapters.smtp import SmtpMail
from hypermart.db.engine import PATIENT, PRIMARY, Waits, read_engine, write_engine
from hypermart.db.pulse import Pulse
from hypermart.db.replicas import Replicas
from hypermart.db.session import Database
from hypermart.domain.cart.pages import Terms
from hypermart.domain.orders.checkout import Selling
from hypermart.domain.orders.till import Till
from hypermart.money import Money
from hypermart.ports import Blobs, Cdn, Clock, Gateway, Limiter, Mail, Mailbox, Sessions
from hypermart.settings import QA_TRIES, BadSetting, Settings

MAILS = "3 per hour"


@dataclass(frozen=True)
class SignIns:
    """Who is signed in, and how often somebody may try."""

    sessions: Sessions
    strict: Limiter
    """For one account from one network."""
    loose: Limiter
    """For one account from anywhere; for one network, whatever the account."""
    mails: Limiter
    """Of one kind that strangers can have sent to one mailbox."""


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
    sign_ins: SignIns
    secret: bytes
    """Signs links and form tokens."""
    tracer: Tracer | None = None
    """None: nothing is traced."""

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
    settings: Settings,
    clock: Clock | None = None,
    *,
    gateway_transport: httpx.AsyncBaseTransport | None = None,
    is_patient: bool = False,
) -> AsyncIterator[Services]:
    """All services, closed again at the end of the block.

    `gateway_transport` leads to a gateway in the same process; else it is reached over the network. `is_patient`: no
    statement is too long, as in migrations and imports.
    """
    check_money(settings)
    clock = clock or SystemClock()
    if settings.is_embedded:
        Path(settings.database_url.partition("///")[2]).parent.mkdir(parents=True, exist_ok=True)
    db = _database(settings, clock, PATIENT if is_patient else PRIMARY)
    limiter = WindowLimiter(limits.parse(settings.tries), settings.valkey_url)
    try:
        async with (
            _traces(settings) as tracer,
            gateway_opened(settings, clock, gateway_transport) as gateway,
            cdns.opened(settings.cdn_url, settings.cdn_token) as cdn,
            _sign_ins(settings) as sign_ins,
            mail_opened(settings) as mail,
            blobs_opened(settings.blobs_url, settings) as blobs,
        ):
            yield Services(
                settings,
                db,
                blobs,
                cdn,
                mail,
                gateway,
                clock,
                limiter,
                sign_ins,
                _secret(settings),
                tracer,
            )
    finally:
        await limiter.close()
        await db.close()


@contextlib.asynccontextmanager
async def _traces(settings: Settings) -> AsyncIterator[Tracer | None]:
    if not settings.traces:
        yield None
        return
    from hypermart.adapters import otlp  # noqa: PLC0415  (a fifth of a second, for shops that trace)

    async with otlp.opened(settings.traces, settings.traces_share, settings.instance) as tracer:
        yield tracer


def _database(settings: Settings, clock: Clock, waits: Waits) -> Database:
    url, urls = settings.database_url, settings.database_read_url.split()
    pulse = Pulse(url, clock)
    replicas = None if urls == [url] else Replicas(urls, pulse, settings.replica_lag)
    return Database(write_engine(url, waits), read_engine(url, waits), clock, pulse, replicas)


def check_money(settings: Settings) -> None:
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


@contextlib.asynccontextmanager
async def _sign_ins(settings: Settings) -> AsyncIterator[SignIns]:
    """Needs no Valkey to be there."""
    strict = limits.parse(settings.sign_in_tries)
    loose = type(strict)(strict.amount * 10, strict.multiples)
    counters = [WindowLimiter(each, settings.valkey_url, fails_closed=True) for each in (strict, loose)]
    counters.append(WindowLimiter(limits.parse(QA_TRIES if settings.mode == "qa" else MAILS), settings.valkey_url))
    async with sessions.opened(valkey.address(settings.valkey_url, settings.data)) as opened_sessions:
        try:
            yield SignIns(opened_sessions, *counters)
        finally:
            for counter in counters:
                await counter.close()


@contextlib.asynccontextmanager
async def blobs_opened(url: str, settings: Settings, name: str = "BLOBS_URL") -> AsyncIterator[Blobs]:
    """Needs no bucket to be there. `name` is what the user calls `url`."""
    kind, _, folder = url.partition(":")
    if kind == "file" and folder:
        yield LocalBlobs(Path(folder))
        return
    from hypermart.adapters import s3  # noqa: PLC0415  (a tenth of a second and more, for shops that need it)

    keys = s3.Keys(settings.aws_access_key_id, settings.aws_secret_access_key, settings.aws_session_token)
    try:
        blobs = s3.S3Blobs(s3.place(url), keys)
    except ValueError as error:  # the URL may hold a key, though it should not
        raise BadSetting(f"{name} cannot be used: {error}; or file:FOLDER") from None
    try:
        yield blobs
    finally:
        await blobs.close()


@contextlib.asynccontextmanager
async def mail_opened(settings: Settings) -> AsyncIterator[Mail]:
    kind, _, rest = settings.mail_url.partition(":")
    if kind == "file":
        yield MailFolder(Path(rest))
        return
    pace = WindowLimiter(limits.parse(settings.mail_pace), settings.valkey_url)
    try:
        mail = SmtpMail(settings.mail_url, pace)
    except ValueError as error:  # the URL may hold a password
        raise BadSetting(f"MAIL_URL cannot be used: {error}, or file:FOLDER") from None
    try:
        yield mail
    finally:
        await pace.close()


@contextlib.asynccontextmanager
async def gateway_opened(
    settings: Settings, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[Gateway | None]:
    kind, _, url = settings.gateway_url.partition(":")
    if kind == "bogus" and (not url or url.startswith(("http://", "https://"))):
        secret = settings.gateway_secret.encode()
        # Without a URL it is mounted in the shop; another process, such as a worker, finds it there.
        address = url or f"{settings.base_url}/bogus"
        async with BogusGateway(address, secret, clock, transport=transport) as gateway:
            yield ObservedGateway(gateway)
    elif settings.gateway_url == "none:":
        yield None
    else:
        raise BadSetting(f"GATEWAY_URL={kind}:... is unknown: use bogus:, bogus:URL or none:")


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
