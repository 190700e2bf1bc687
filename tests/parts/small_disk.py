"""A disk of a few megabytes in memory, which a test fills and frees."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Disk:
    folder: Path

    @property
    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Not one block is left."""
        with (self.folder / "ballast").open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(min(1 << 20, max(self.free, 4096))))

    def empty(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Disk]:
    """Mounted until the end of the block, by root. Who may not mount skips the test; with CI=true it is red."""
    with tempfile.TemporaryDirectory(prefix="hm") as folder:  # not in pytest's own folder: sockets want short paths
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = f"a disk that is small must be mounted: be root, in a container with CAP_SYS_ADMIN ({done.stderr})"
            pytest.fail(reason, pytrace=False) if os.environ.get("CI") else pytest.skip(reason)
        try:
            yield Disk(Path(folder))
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
