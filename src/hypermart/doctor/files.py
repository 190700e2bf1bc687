"""Looks at the data folder and at files of secrets and certificates: there, readable, writable, private, with room."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypermart.doctor.case import Case
from hypermart.doctor.finding import Finding, Findings, note, ok, problem
from hypermart.settings import SECRETS

LITTLE, ALMOST_NONE = 2 << 30, 256 << 20
"""Bytes that are free."""


async def look(case: Case) -> Findings:
    for finding in await asyncio.to_thread(lambda: [*_data(case.settings.data), *_secrets(case), *_authority(case)]):
        yield finding


def _data(data: Path) -> Iterator[Finding]:
    there = next(each for each in (data, *data.absolute().parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        fix = f"Give it to the shop's user: install -d -o USER -m 750 {data}"
        yield problem("files", f"DATA_DIR {data} cannot be written: {error.strerror}", fix)
        return
    yield room(there, shutil.disk_usage(there).free)
    if not data.exists():
        yield note("files", f"DATA_DIR {data} is not there yet", "The shop makes it at its first start")
        return
    mode, owner = stat.S_IMODE(data.stat().st_mode), data.stat().st_uid
    if mode & 0o002:
        yield problem("files", f"everybody on this machine can write into DATA_DIR {data}", f"chmod 750 {data}")
    elif mode & 0o005:
        yield note("files", f"everybody on this machine can look into DATA_DIR {data}", f"chmod 750 {data}")
    else:
        yield ok("files", f"DATA_DIR {data} is writable, and private")
    if owner not in (os.geteuid(), 0) and os.geteuid() == 0:
        yield note("files", f"this is root, and DATA_DIR belongs to user {owner}", "Run the doctor as that user")


def room(where: Path, free: int) -> Finding:
    size = f"{free / (1 << 30):.1f} GB free at {where}"
    fix = "Make room, or move DATA_DIR"
    if free < ALMOST_NONE:
        return problem("disk", size, fix)
    return note("disk", size, fix) if free < LITTLE else ok("disk", size)


def _secrets(case: Case) -> Iterator[Finding]:
    """Files named by NAME_FILE, and the key that the shop made. Only those that others can read."""
    named = {f"{name}_FILE": Path(given) for name in SECRETS if (given := case.environ.get(f"{name}_FILE"))}
    for name, path in {**named, "the shop's key": case.settings.data / "secret"}.items():
        if path.is_file() and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o007:
            fix = f"chmod o= {path}"
            if mode & 0o002:
                yield problem("files", f"everybody can write {name} {path}", fix)
            elif not name.endswith("_FILE"):
                yield problem("files", f"everybody can read {name} {path}", fix)
            else:
                yield note("files", f"everybody here can read {name} {path}", f"{fix}; in a container it does no harm")


def _authority(case: Case) -> Iterator[Finding]:
    given = case.environ.get("SSL_CERT_FILE")
    if given and not os.access(given, os.R_OK):
        fix = "Correct the name, or let the shop's user read it"
        yield problem("files", f"SSL_CERT_FILE {given} cannot be read: nothing is reached by TLS", fix)
