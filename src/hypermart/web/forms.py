"""Posted forms: fields as text, cleaned and bounded, with what is wrong with them. Typed values are never lost."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias, get_args
from urllib.parse import parse_qsl

from litestar.exceptions import ClientException

#: Bytes of a whole form, and how many fields it may have. Litestar's own limit (10 MB) is for uploads.
LIMIT, FIELDS = 64_000, 500
STALE = "This page was open for too long, or your browser keeps no cookies. Please check it and send it again."
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WHOLE = re.compile(r"[0-9]{1,9}")


Secret: TypeAlias = Literal["password", "current"]
#: Fields of passwords: no page ever shows one again. What is read by Form.secret() is among them.
SECRETS = frozenset(get_args(Secret))


class Form:
    """What was posted. `problems` are sentences by field name; the empty name is the form as a whole."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self.fields = fields
        self.problems: dict[str, str] = {}

    def text(self, name: str, *, limit: int = 255) -> str:
        """The first value of `name` without outer blanks and control characters, '' if there is none."""
        value = self._clean(name)
        if len(value) > limit:
            self.problems[name] = f"Use {limit} characters or fewer"
        return value[:limit]

    def secret(self, name: Secret) -> str:
        """A password, as it was typed to the last blank."""
        return next((value for key, value in self.fields if key == name), "")

    def typed(self, name: str, otherwise: object = "", *, limit: int = 255) -> str:
        """What a field shows again: what was typed into it, else what it had. Finds nothing wrong with it."""
        return self._clean(name)[:limit] if self.values(name) else str(otherwise)

    def _clean(self, name: str) -> str:
        return _CONTROLS.sub("", next((value for key, value in self.fields if key == name), "")).strip()

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def is_ticked(self, name: str) -> bool:
        return bool(self.text(name))


def whole(text: str, least: int, most: int) -> int | None:
    """A whole number in plain digits between the bounds; None for everything else that people and machines type."""
    if not _WHOLE.fullmatch(text):
        return None
    number = int(text)
    return number if least <= number <= most else None


def parsed(body: bytes) -> Form:
    """The form in `body`. Raises ClientException for one that no page of ours can have sent."""
    if len(body) > LIMIT:
        raise ClientException("The form is too large.", status_code=413)
    try:
        return Form(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS))
    except ValueError:
        raise ClientException("The form has too many fields.", status_code=413) from None
