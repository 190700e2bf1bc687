"""The last line of defence before a log: takes what is secret, or names a person, out of whatever is to be written.

Those who log say nothing of the kind in the first place (docs/logging.md). Names and streets have no form by which they
could be found here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from structlog.typing import EventDict

STAR = "*"
#: Ours, and of a form that is checked where they come in, or made by us.
OWN = frozenset({"request", "trace_id", "span_id", "timestamp", "level", "process", "event"})
_WORDS = r"(?i:passw(?:or)?d|passphrase|secret|token|cookie|authorization|credential|api[_-]?key|fastly-key)"
_NAME = re.compile(_WORDS)
#: What stands between such a name and its value: name=value, "name": "value", (b'name', b'value').
_IS = r"""(?:['"]?\s*[:=]\s*|['"]\s*,\s*)b?['"]?"""
_FEW = r"[\w-]{0,64}"
_TEXT = re.compile(
    rf"""
      (?P<user>://)[^\s/@"']+@                                      # of a URL: who, and the password
    | (?P<header>\b(?i:(?:set-)?cookie|authorization){_IS})[^"'\n]+  # to its end: cookies come in rows
    | (?P<named>\b[\w-]{{0,40}}{_WORDS}{_FEW}{_IS})(?:[^"'\s&;,)\]}}]+)
    | (?P<cookie>\b(?:session|staff|cart)=)[^\s;,"'&]+
    | (?P<link>[?&]t=|/account/resets/)[^\s/?&"'#]+                 # of orders, of new passwords
    | (?P<entry>\bDuplicate\ entry\ )'.*?'(?=\ for\ key)            # MySQL quotes the row
    | (?P<key>\b[0-9a-f]{{8}})[0-9a-f]{{24,}}\b                     # of attempts, sessions, signatures
    | (?P<random>(?<![\w-])(?=[\w-]{{32}})(?={_FEW}[a-z])(?={_FEW}[A-Z])(?={_FEW}\d))[\w-]+  # cookies, links
    | (?P<card>\b)(?:\d{{13,19}}|\d{{4}}[\ -]\d{{4}}[\ -]\d{{4}}[\ -]\d{{1,7}}|\d{{4}}[\ -]\d{{6}}[\ -]\d{{5}})\b
    """,
    re.VERBOSE,
)
_EMAIL = re.compile(r"""[^\s<>"'(),;:=/?&@]{1,64}(@|%40)(?=[\w-]+\.)""", re.IGNORECASE)


def redacted(text: str) -> str:
    """The text without what looks secret; of an address its domain stays."""
    text = _TEXT.sub(_starred, text)
    return _EMAIL.sub(rf"{STAR}\1", text) if "@" in text or "%40" in text else text


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """The processor before the renderer."""
    return {name: value if name in OWN else _value(name, value) for name, value in event.items()} | {
        "event": redacted(str(event["event"]))
    }


def _starred(found: re.Match[str]) -> str:
    end = "@" if found.lastgroup == "user" else ""
    return f"{found[found.lastgroup or 0]}{STAR}{end}"


@lru_cache(maxsize=1024)
def _is_secret(name: object) -> bool:
    return bool(_NAME.search(str(name)))


def _value(name: object, value: Any) -> Any:
    if _is_secret(name):
        return STAR
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if value < 10**12 else STAR  # as long as a card's number
        case dict():
            return {redacted(str(key)): _value(key, each) for key, each in value.items()}
        case list() | tuple() | set():
            return [_value("", each) for each in value]
        case _:
            return redacted(value if isinstance(value, str) else repr(value))
