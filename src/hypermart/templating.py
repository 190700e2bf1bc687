"""The one Jinja environment, used by pages and by mails: strict about names, escaping everywhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hypermart.money import Money
from hypermart.settings import Settings


def environment(settings: Settings) -> Environment:
    env = Environment(
        loader=FileSystemLoader(settings.root / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )

    def money(amount: Money) -> str:
        return amount.format(settings.locale)

    env.filters["money"] = money
    env.globals.update(shop=settings, static=f"/static/{static_digest(settings.root)}")
    return env


def static_digest(root: Path) -> str:
    """A name for the present state of static/: part of every asset's address, so that it may be cached forever."""
    digest = hashlib.sha256()
    for path in sorted((root / "static").rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
