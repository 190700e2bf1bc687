"""Looks at the settings themselves: which cannot be used, the mode, and the key."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from hypermart.doctor.case import Case
from hypermart.doctor.finding import Findings, note, ok, problem
from hypermart.services import check_money
from hypermart.settings import QA_KEY

FEW = 10
"""Different characters; a key of 32 hex digits by chance has 14."""


async def look(case: Case) -> Findings:
    for complaint in case.refused.values():
        yield problem("settings", complaint)
    check_money(case.settings)
    if not case.refused:
        yield ok("settings", "all can be read")
    async for finding in _mode(case):
        yield finding
    if "SECRET_KEY" not in case.refused:
        async for finding in _key(case):
            yield finding


async def _mode(case: Case) -> Findings:
    mode, host = case.settings.mode, urlsplit(case.settings.base_url).hostname or ""
    if case.settings.has_planted_bugs and mode != "qa":
        yield problem("mode", f"the shop in {case.settings.root} has planted bugs", "Install a release without them")
    elif case.is_earnest:
        yield ok("mode", "production")
    elif case.settings.base_url.startswith("https:") and host != "localhost":
        yield problem("mode", f"MODE={mode} at {host}: everybody reads its mails at /mail", "Set MODE=production")
    else:
        yield note("mode", f"{mode}: for practice, everybody reads the mails at /mail", "For real: MODE=production")


async def _key(case: Case) -> Findings:
    key = case.settings.secret_key
    if not key:
        yield ok("key", f"made once, in {case.settings.data / 'secret'}; keep it with your backups")
    elif key == QA_KEY:
        yield ok("key", "the one that everybody knows, for tests")
    elif len(set(key)) < FEW:
        fix = "Make one: openssl rand -hex 32"
        yield problem("key", f"SECRET_KEY can be guessed: it has {len(set(key))} different characters", fix)
    else:
        mark = hashlib.sha256(b"hypermart doctor" + key.encode()).hexdigest()[:8]
        yield ok("key", f"SECRET_KEY has the mark {mark}, which must be the same on every machine of the shop")
