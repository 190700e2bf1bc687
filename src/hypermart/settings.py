"""Settings: one frozen struct, read once from the environment; one URL per backing service."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from email.headerregistry import Address, HeaderRegistry
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

import limits
import msgspec

Mode = Literal["production", "demo", "qa"]
Worker = Literal["inline", "external"]
Rounding = Literal["unit", "line", "order"]
T = TypeVar("T", bound=str)
HEADERS = HeaderRegistry()
QA_KEY = "a key that everybody knows, for tests"
"""SECRET_KEY of QA mode where none is set: links are the same in every run."""
QA_TRIES = "100000 per minute"
DEMO_BANK = "Plate & Paper (an example, please send nothing); IBAN DE02 1203 0000 0000 2020 51; BIC BYLADEM1001"

#: What may also be said as NAME_FILE, the path of a file that holds it: secrets, and addresses that may hold one.
SECRETS = (
    "SECRET_KEY",
    "GATEWAY_SECRET",
    "GATEWAY_URL",
    "DATABASE_URL",
    "DATABASE_READ_URL",
    "VALKEY_URL",
    "BLOBS_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "CDN_URL",
    "CDN_TOKEN",
    "MAIL_URL",
)
#: The folder that holds templates/, static/ and migrations/: the checkout, or /app in a container.
ROOT = Path(os.environ.get("ROOT") or Path(__file__).resolve().parents[2])
#: A file there marks a copy of the shop with planted bugs (qa/bugs.py).
PLANTED = "planted-bugs"


class BadSetting(Exception):
    """A setting cannot be used; the message names the variable and the fix in one line."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    mode: Mode
    root: Path
    data: Path
    """Everything the embedded parts keep: database, Valkey, pictures, mails."""
    base_url: str
    """Origin of every absolute link, without a trailing slash; never taken from a request."""
    database_url: str
    database_read_url: str
    """Of the replicas, parted by blanks; the same as `database_url` if there is none."""
    replica_lag: float
    """Seconds that a replica may be behind, and public pages be read from it."""
    valkey_url: str
    worker: Worker
    blobs_url: str
    aws_access_key_id: str
    """Keys of a bucket, by the names that every tool for S3 knows. Empty: those of the machine's role, if any."""
    aws_secret_access_key: str
    aws_session_token: str
    cdn_url: str
    cdn_token: str
    """Lets us purge at a vendor."""
    mail_url: str
    mail_from: str
    """Who our mails are from, as in a From header: name <address>."""
    mail_pace: str
    """How many mails go to one domain, like '60 per minute': by SMTP, from all workers together."""
    shop_bank: tuple[str, ...]
    """The account for bank transfers, line by line as it stands in mails; empty if there is none."""
    gateway_url: str
    gateway_secret: str
    """Signs the gateway's callbacks."""
    secret_key: str
    """Signs links and form tokens; the same on every replica. Empty: kept in a file under `data`."""
    qa_secret: str
    """Opens /qa of a shop in QA mode. Empty: nobody can, and there is no /qa."""
    shop_country: str
    """Where the shop is, ISO 3166 alpha-2: whose tax pickups pay."""
    tax_rounding: Rounding
    tries: str
    """How many orders may be tried to be placed from one address, like '60 per 10 minutes'."""
    sign_in_tries: str
    """How many passwords may be tried for one account; for one address ten times as many."""
    shop_name: str
    currency: str
    locale: str
    host: str
    port: int
    trusted_proxies: str
    """Whose word on a visitor's address is taken: addresses and networks, parted by commas. Empty: nobody's."""
    drain: float
    """Seconds between saying at /readyz that this process leaves, and leaving."""
    traces: str
    """Whom traces are sent to, by OTLP over HTTP. Empty: there are none."""
    traces_share: float
    """Of the requests, how many are traced: 0 to 1."""
    instance: str
    """What the log calls this process, where there are several."""
    log_level: str
    metrics: tuple[str, int] | None
    """Host and port where this process says what it has counted; None: nowhere."""

    @property
    def is_embedded(self) -> bool:
        """The database is one SQLite file, which serves one process."""
        return self.database_url.startswith("sqlite")

    @property
    def has_planted_bugs(self) -> bool:
        return (self.root / PLANTED).exists()


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `environ`, and from the files that it names. Raises BadSetting for what cannot be used."""
    environ = {**environ, **_from_files(environ)}
    data = Path(environ.get("DATA_DIR") or ROOT / "var")
    host, port = environ.get("HOST") or "127.0.0.1", environ.get("PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadSetting(f"PORT={port!r} is not a port: give a number from 1 to 65535")
    database = environ.get("DATABASE_URL") or f"sqlite+aiosqlite:///{data}/hypermart.db"
    read = environ.get("DATABASE_READ_URL") or database
    for name, url in (("DATABASE_URL", database), *(("DATABASE_READ_URL", url) for url in read.split())):
        if not url.startswith(("sqlite+aiosqlite:///", "mysql+asyncmy://")):
            raise BadSetting(f"{name} must begin with sqlite+aiosqlite:/// or mysql+asyncmy://")
    mode = _one_of(environ, "MODE", get_args(Mode), "production")
    secret_key = environ.get("SECRET_KEY") or (QA_KEY if mode == "qa" else "")
    shop_name = environ.get("SHOP_NAME") or "Plate & Paper"
    if len(secret_key) < 32 and (secret_key or not database.startswith("sqlite")):
        raise BadSetting("SECRET_KEY must have 32 characters or more: make one with openssl rand -hex 32")
    return Settings(
        mode=mode,
        root=ROOT,
        data=data,
        base_url=_origin(environ.get("BASE_URL") or f"http://{host}:{port}"),
        database_url=database,
        database_read_url=read,
        replica_lag=_replica_lag(environ),
        valkey_url=environ.get("VALKEY_URL") or "embedded:",
        worker=_one_of(environ, "WORKER", get_args(Worker), "inline"),
        blobs_url=environ.get("BLOBS_URL") or f"file:{data}/blobs",
        aws_access_key_id=environ.get("AWS_ACCESS_KEY_ID") or "",
        aws_secret_access_key=environ.get("AWS_SECRET_ACCESS_KEY") or "",
        aws_session_token=environ.get("AWS_SESSION_TOKEN") or "",
        cdn_url=environ.get("CDN_URL") or "none:",
        cdn_token=environ.get("CDN_TOKEN") or "",
        mail_url=environ.get("MAIL_URL") or f"file:{data}/mail",
        mail_from=_mail_from(environ, shop_name),
        mail_pace=_limit(environ, "MAIL_PACE", "60 per minute"),
        shop_bank=_bank(environ, mode),
        gateway_url=environ.get("GATEWAY_URL") or ("none:" if mode == "production" else "bogus:"),
        gateway_secret=_gateway_secret(environ, mode),
        secret_key=secret_key,
        qa_secret=_qa_secret(environ, mode),
        shop_country=_country(environ),
        # All shoppers of a test suite come from one address.
        tries=_limit(environ, "TRIES", "60 per 10 minutes", QA_TRIES if mode == "qa" else ""),
        sign_in_tries=_limit(environ, "SIGN_IN_TRIES", "10 per 10 minutes", QA_TRIES if mode == "qa" else ""),
        tax_rounding=_one_of(environ, "TAX_ROUNDING", get_args(Rounding), "line"),
        shop_name=shop_name,
        currency=environ.get("CURRENCY") or "EUR",
        locale=environ.get("SHOP_LOCALE") or "en",
        host=host,
        port=int(port),
        trusted_proxies=_proxies(environ),
        drain=_seconds(environ, "DRAIN", 0),
        traces=_traces(environ),
        traces_share=_traces_share(environ),
        instance=environ.get("INSTANCE") or "",
        log_level=_one_of(environ, "LOG_LEVEL", ("debug", "info", "warning", "error"), "info"),
        metrics=_metrics(environ),
    )


def _from_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Containers get secrets as files: an environment is seen by whoever may look at processes."""
    found = {}
    for name in SECRETS:
        if not (path := environ.get(f"{name}_FILE")):
            continue
        if environ.get(name):
            raise BadSetting(f"{name} and {name}_FILE are both set: keep one of them")
        try:
            found[name] = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise BadSetting(f"{name}_FILE={path!r} cannot be read: {reason}") from None
        if not found[name] or not found[name].isprintable():
            raise BadSetting(f"{name}_FILE={path!r} must hold {name}, on one line")
    return found


def _one_of(environ: Mapping[str, str], name: str, allowed: tuple[T, ...], default: T) -> T:
    value = environ.get(name) or default
    for choice in allowed:
        if value == choice:
            return choice
    raise BadSetting(f"{name}={value!r} is unknown: use one of {', '.join(allowed)}")


def _proxies(environ: Mapping[str, str]) -> str:
    """Raises BadSetting also for '*': whoever reaches the shop could say that they are anybody."""
    given = environ.get("TRUSTED_PROXIES") or ""
    try:
        return ",".join(
            str(ipaddress.ip_network(each.strip(), strict=False)) for each in given.split(",") if each.strip()
        )
    except ValueError as error:
        raise BadSetting(f"TRUSTED_PROXIES: {error}: give addresses or networks, like 10.0.0.0/24") from None


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    given = environ.get(name) or str(default)
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 3600:
        raise BadSetting(f"{name}={given!r} is not a number of seconds")
    return seconds


def _traces(environ: Mapping[str, str]) -> str:
    given = (environ.get("TRACES") or "").rstrip("/")
    try:
        parts = urlsplit(given)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_usable = False
    if given and (not is_usable or set(given) & {"@", "?", "#"}):  # it may hold a key, so it is not repeated
        raise BadSetting("TRACES cannot be used: write it like http://127.0.0.1:4318")
    return given


def _traces_share(environ: Mapping[str, str]) -> float:
    given = environ.get("TRACES_SHARE") or "0.1"
    try:
        share = float(given)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise BadSetting(f"TRACES_SHARE={given!r} cannot be used: give a number from 0 to 1")
    return share


def _replica_lag(environ: Mapping[str, str]) -> float:
    given = environ.get("REPLICA_LAG") or "10"
    if not given.isdecimal() or not 2 <= int(given) <= 300:
        raise BadSetting(f"REPLICA_LAG={given!r} cannot be used: give whole seconds from 2 to 300")
    return float(given)


def _metrics(environ: Mapping[str, str]) -> tuple[str, int] | None:
    if not (given := environ.get("METRICS")):
        return None
    parts = urlsplit(f"//{given}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.netloc != given or "@" in given:
        raise BadSetting(f"METRICS={given!r} is not HOST:PORT: write it like 127.0.0.1:9100")
    return host, port


def _mail_from(environ: Mapping[str, str], shop_name: str) -> str:
    given = environ.get("MAIL_FROM")
    if not given:
        return str(Address(" ".join(shop_name.split()), "shop", "localhost"))
    header: Any = HEADERS("from", given) if given.isprintable() else None
    if not header or header.defects or len(header.addresses) != 1 or not header.addresses[0].addr_spec.isascii():
        raise BadSetting(
            f"MAIL_FROM={given!r} is not one address: use Name <address@example.com>, the address in ASCII"
        )
    return given


def _bank(environ: Mapping[str, str], mode: Mode) -> tuple[str, ...]:
    """A shop in production never shows somebody else's account."""
    given = environ.get("SHOP_BANK") or ("" if mode == "production" else DEMO_BANK)
    return tuple(filter(None, (" ".join(row.split()) for row in given.split(";"))))


def _country(environ: Mapping[str, str]) -> str:
    country = environ.get("SHOP_COUNTRY") or "DE"
    if not (len(country) == 2 and country.isascii() and country.isupper()):
        raise BadSetting(f"SHOP_COUNTRY={country!r} is not a country: use two capitals like DE")
    return country


def _qa_secret(environ: Mapping[str, str], mode: Mode) -> str:
    secret = environ.get("QA_SECRET") or ""
    if secret and mode != "qa":
        raise BadSetting("QA_SECRET opens shops for tests: unset it, or set MODE=qa")
    if secret and len(secret) < 16:
        raise BadSetting("QA_SECRET must have 16 characters or more: make one with openssl rand -hex 16")
    return secret


def _limit(environ: Mapping[str, str], name: str, usual: str, default: str = "") -> str:
    limit = environ.get(name) or default or usual
    try:
        limits.parse(limit)
    except ValueError:
        raise BadSetting(f"{name}={limit!r} is no limit: write it like {usual}") from None
    return limit


def _origin(url: str) -> str:
    """As browsers write it in their Origin header: lower case, without the scheme's own port."""
    parts = urlsplit(url.strip().rstrip("/").lower())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise BadSetting(f"BASE_URL={url!r} is not an origin: write it like https://shop.example")
    try:
        port = parts.port
    except ValueError:
        raise BadSetting(f"BASE_URL={url!r} has no usable port") from None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_usual = port in (None, 443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{host}" + ("" if is_usual else f":{port}")


def _gateway_secret(environ: Mapping[str, str], mode: Mode) -> str:
    secret = environ.get("GATEWAY_SECRET") or ""
    if mode == "production" and environ.get("GATEWAY_URL", "none:") not in ("", "none:") and not secret:
        raise BadSetting("GATEWAY_SECRET must be set: callbacks are believed because they are signed with it")
    return secret or "bogus"
