"""What can be an e-mail address, and by what an account is found. Whether somebody reads it, a mail must show."""

from __future__ import annotations

import re
import unicodedata

import idna

LONGEST = 254
"""RFC 5321's limit of a path, without its brackets."""
_LABEL = r"[^@\s,;<>\"()\[\]\\.]{1,63}"
_EMAIL = re.compile(rf"[^@\s,;<>\"()\[\]\\]{{1,64}}@({_LABEL}(\.{_LABEL})+)")


def is_email(text: str) -> bool:
    """Letters of any script may stand in it; what nobody can see may not, nor a domain that no DNS can hold."""
    found = _EMAIL.fullmatch(text)
    if found is None or len(text) > LONGEST or any(unicodedata.category(letter)[0] == "C" for letter in text):
        return False
    try:
        return found[1].isascii() or bool(idna.encode(found[1], uts46=True))
    except idna.IDNAError:
        return False


def email_key(text: str) -> str:
    """By which an account is found: the same for all ways of writing one address that mail systems take as one."""
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    try:
        domain = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        domain = domain.casefold()
    return f"{unicodedata.normalize('NFC', local.casefold())}{at}{domain}"[:320]
