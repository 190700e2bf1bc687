"""The shop that is looked at: its settings as far as they can be read, and what must not be said of them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from hypermart.ports import Clock
from hypermart.settings import SECRETS, BadSetting, Settings, load

#: Must be set in some shops; one of these stands in while the others are read.
MUST = ("SECRET_KEY", "GATEWAY_SECRET")
URLS = tuple(name for name in SECRETS if name.endswith("_URL"))


class Case(msgspec.Struct, frozen=True):
    settings: Settings
    refused: Mapping[str, str]
    """Settings that cannot be used, each with the complaint; in `settings` they are at their defaults."""
    environ: Mapping[str, str]
    clock: Clock

    @property
    def is_earnest(self) -> bool:
        """Real people buy here."""
        return self.settings.mode == "production"

    def hushed(self, words: str) -> str:
        """`words` without any secret: a last net, for words of libraries and of other servers."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            words = words.replace(secret, "...")
        return words

    def _secrets(self) -> Iterator[str]:
        for name in SECRETS:
            if not (self.environ.get(name) or self.environ.get(f"{name}_FILE")):
                continue  # defaults are in the README
            value: str = getattr(self.settings, name.lower())
            if name not in URLS:
                yield from filter(None, [value])
                continue
            for url in value.split():
                parts = urlsplit(url)
                user, _, password = parts.netloc.rpartition("@")[0].partition(":")
                said = {password, unquote(password), *parse_qs(parts.query).get("password", [])}
                yield from said - {"", user}


def read(environ: Mapping[str, str], clock: Clock) -> Case:
    """Leaves out one setting after the other until the rest can be used. Raises BadSetting if that does not help."""
    left, refused = dict(environ), dict[str, str]()
    while True:
        try:
            return Case(load(left), refused, environ, clock)
        except BadSetting as error:
            named = re.match("[A-Z_]+", str(error))
            name = named[0].removesuffix("_FILE") if named else ""
            if not name or name in refused:
                raise
            refused[name] = str(error)
            left.pop(f"{name}_FILE", None)
            left[name] = secrets.token_hex(32) if name in MUST else ""
