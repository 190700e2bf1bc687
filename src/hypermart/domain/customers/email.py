"""What can be an e-mail address. Whether somebody reads it is known when a mail has arrived."""

from __future__ import annotations

import re

LONGEST = 254
"""RFC 5321's limit of a path, without its brackets."""
_EMAIL = re.compile(r"[^@\s,;<>\"()\[\]\\]{1,64}@[^@\s,;<>\"()\[\]\\.]+(\.[^@\s,;<>\"()\[\]\\.]+)+")


def is_email(text: str) -> bool:
    return len(text) <= LONGEST and bool(_EMAIL.fullmatch(text))
