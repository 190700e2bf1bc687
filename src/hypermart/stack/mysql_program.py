"""Which mysqld to run: the machine's own, or one fetched from Debian into a per-user cache. mysql.py starts it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "mysql-server-core"
OLDEST = (8, 4)
ADVICE = "install MySQL 8.4 or newer (mysqld on the PATH)"
#: Seconds for one step of fetching; all of it takes 20 s on a good line.
FETCH = 600
SBIN = "/usr/sbin:/usr/local/sbin"  # Debian keeps daemons there, off the PATH of ordinary users


class NoMySQL(Exception):
    """There is no usable MySQL and none could be fetched; the message says what to install."""


@dataclass(frozen=True)
class Program:
    """One mysqld: how to call it, the options it needs to find its own files, and its version."""

    argv: tuple[str, ...]
    options: tuple[str, ...] = ()
    version: str = ""


def cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hypermart"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def find() -> Program:
    """The first of: mysqld on the PATH, one fetched before, one fetched now. Raises NoMySQL."""
    on_path = shutil.which("mysqld", path=f"{os.environ.get('PATH', os.defpath)}:{SBIN}")
    if on_path and (program := _usable(Program((on_path,)))):
        return program
    for root in sorted(cache().glob("mysql-*.root"), key=lambda root: _numbers(root.name), reverse=True):
        if program := _usable(_unpacked(root)):
            return program
    return _fetched()


def _usable(program: Program) -> Program | None:
    """The program with its version; None for MariaDB, for what is too old and for what does not run at all."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = _run(*program.argv, "--version")
        version = re.search(r"Ver (\d+\.\d+\.\d+)", said)
        if version and "MariaDB" not in said and _numbers(version[1]) >= OLDEST:
            return Program(program.argv, program.options, version[1])
    return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _unpacked(root: Path) -> Program:
    """Debian's mysqld out of unpacked packages: with its own loader and libraries, whatever the machine has."""
    usr = root / "usr"
    loader = next(usr.glob("lib*/ld-linux*.so.*"), usr / "no-loader")
    libraries = next(usr.glob("lib/*-linux-gnu*"), usr / "no-libraries")
    own = (f"--basedir={usr}", f"--lc-messages-dir={usr}/share/mysql", f"--plugin-dir={usr}/lib/mysql/plugin")
    return Program((str(loader), "--library-path", str(libraries), f"{usr}/sbin/mysqld"), own)


def _fetched() -> Program:
    """Debian unstable's server, unpacked into the cache under its version: whole or not at all."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise NoMySQL(ADVICE)
    sys.stderr.write("fetching MySQL (about 60 MB, once) ...\n")
    with tempfile.TemporaryDirectory(dir=cache()) as scratch:
        root = Path(scratch) / "root"
        try:
            for package in _download(Path(scratch)):
                _run("dpkg", "-x", str(package), str(root))
        except subprocess.SubprocessError as error:
            reason = getattr(error, "stderr", None) or error
            raise NoMySQL(f"MySQL could not be fetched, so {ADVICE}:\n{reason}") from error
        program = _usable(_unpacked(root))
        if program is None:
            raise NoMySQL(f"the fetched MySQL does not run here, so {ADVICE}")
        home = cache() / f"mysql-{program.version}.root"
        with contextlib.suppress(OSError):  # somebody else was faster
            root.rename(home)
    return Program(_unpacked(home).argv, _unpacked(home).options, program.version)


def _download(scratch: Path) -> list[Path]:
    """The packages of the server and of all it needs. apt works beside the machine's own lists and changes nothing."""
    lists, sources, packages = scratch / "lists", scratch / "sources", scratch / "packages"
    for folder in (lists, sources, packages):
        folder.mkdir()
    (scratch / "status").touch()
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (sources / "sid.sources").write_text(
        f"Types: deb\nURIs: {_mirror()}\nSuites: sid\nComponents: main\nSigned-By: {keyring}\n"
    )
    apt = (
        "apt-get",
        "-qq",
        f"-oDir::State::Lists={lists}",
        f"-oDir::State::Status={scratch}/status",
        f"-oDir::Cache={scratch}",
        "-oDir::Etc::SourceList=/dev/null",
        f"-oDir::Etc::SourceParts={sources}",
        "-oAPT::Install-Recommends=false",
        "-oAPT::Sandbox::User=",
        "-oDebug::NoLocking=true",
        "-oAcquire::Retries=3",
    )
    _run(*apt, "update")
    plan = re.findall(r"^Inst (\S+) \((\S+)", _run(*apt, "--simulate", "install", PACKAGE), re.MULTILINE)
    _run(*apt, "download", *(f"{name}={version}" for name, version in plan), folder=packages)
    return sorted(packages.glob("*.deb"))


def _mirror() -> str:
    """The Debian mirror that this machine uses already."""
    for address in _run("apt-get", "indextargets", "--format", "$(REPO_URI)").split():
        if address.rstrip("/").endswith("/debian"):
            return address
    raise NoMySQL(f"apt knows no Debian mirror, so {ADVICE}")


def _run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"LC_ALL": "C"}, timeout=FETCH, check=True, capture_output=True, text=True
    )
    return done.stdout
