"""Supervisor (supervisord.org) for a stack: its configuration out of the plan, and what we ask of it."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

from hypermart.settings import BadSetting
from hypermart.stack.plan import Program

START, STOP = 10.0, 60.0
"""Seconds."""
LONGEST_SOCKET = 100
MARK = "HYPERMART_STACK"
"""In the environment of every process of a stack: the folder it belongs to."""
VALKEY = "valkey-server"
RUNNING = 20
"""supervisor.states.ProcessStates.RUNNING"""


class Supervisor:
    """The supervisord of the stack in `folder`, running or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = folder / "supervisor.sock"
        if len(os.fsencode(self._socket)) > LONGEST_SOCKET:
            raise BadSetting(f"{folder} is too long a path for a socket: set DATA_DIR to a shorter one")

    def _ask(self, method: str, *arguments: object) -> Any:
        """Raises OSError if there is no supervisord, xmlrpc.client.Fault if it does not do it."""
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def is_running(self) -> bool:
        try:
            return bool(self._ask("getState")["statename"] == "RUNNING")
        except OSError:
            return False

    def open(self, programs: Sequence[Program]) -> None:
        """Starts supervisord; none of the programs yet. Raises BadSetting."""
        config = self.folder / "supervisord.conf"
        config.touch(mode=0o600)
        config.write_text(self._config(programs))
        environment = os.environ | {MARK: str(self.folder)}
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        deadline = time.monotonic() + START
        while not self.is_running():
            if done.returncode or time.monotonic() > deadline:
                raise BadSetting(f"supervisord does not start: {done.stderr.strip() or done.stdout.strip()}")
            time.sleep(0.05)

    def close(self) -> None:
        """Ends every program, the last started first, then supervisord; then whatever is left of the stack."""
        try:
            self._ask("shutdown")
            deadline = time.monotonic() + STOP
        except (OSError, xmlrpc.client.Fault):
            deadline = 0.0  # it was killed itself, or never began
        left = self._left()
        while left:
            if time.monotonic() > deadline:
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
            left = {pid for pid in left | self._left() if not _is_over(pid)}
        self._socket.unlink(missing_ok=True)

    def start(self, *names: str) -> None:
        for name in names:
            with contextlib.suppress(xmlrpc.client.Fault):  # it runs already
                self._ask("startProcess", name, False)

    def stop(self, name: str) -> None:
        """Asks it to end, and waits until it has."""
        self.signal(name, signal.SIGCONT)  # a frozen process would not hear
        with contextlib.suppress(xmlrpc.client.Fault):  # it does not run
            self._ask("stopProcess", name)

    def signal(self, name: str, number: int) -> bool:
        """To the process and its children. False: it does not run."""
        if not (pid := self.pid(name)):
            return False
        os.killpg(pid, number)  # supervisord starts each as the leader of a group
        return True

    def pid(self, name: str) -> int:
        """0: it does not run."""
        found = self._ask("getProcessInfo", name)
        return int(found["pid"]) if found["state"] == RUNNING else 0

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _left(self) -> set[int]:
        """Every process of this stack but ourselves."""
        pids = {int(path.name) for path in Path("/proc").glob("[0-9]*")} - {os.getpid()}
        return {pid for pid in pids if self._is_ours(pid)}

    def _is_ours(self, pid: int) -> bool:
        process = Path(f"/proc/{pid}")
        try:
            is_marked = f"{MARK}={self.folder}\0".encode() in (process / "environ").read_bytes()
            # Valkey writes its title over its environment.
            return is_marked or (
                (process / "exe").readlink().name == VALKEY and (process / "cwd").readlink() == self.folder
            )
        except OSError:
            return False

    def _config(self, programs: Sequence[Program]) -> str:
        self.logs.mkdir(exist_ok=True)
        folder = _quoted(str(self.folder))
        head = f"""
            [supervisord]
            logfile={folder}/logs/supervisord.log
            pidfile={folder}/supervisord.pid
            directory={folder}
            [unix_http_server]
            file={folder}/supervisor.sock
            chmod=0700
            [rpcinterface:supervisor]
            supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
        """
        return "\n".join(
            line.strip()
            for line in (head + "".join(itertools.starmap(self._section, enumerate(programs)))).splitlines()
        )

    def _section(self, place: int, program: Program) -> str:
        # What is killed stays down until somebody restarts it: the stack is a stage for faults.
        environment = ",".join(f'{name}="{_quoted(value)}"' for name, value in program.environment.items())
        return f"""
            [program:{program.name}]
            command={_quoted(program.command_line)}
            environment={environment}
            priority={place}
            autostart=false
            autorestart=false
            startsecs=0
            stopwaitsecs={program.stop_after}
            killasgroup=true
            redirect_stderr=true
            stdout_logfile={_quoted(str(self.log(program.name)))}
            stdout_logfile_maxbytes=50MB
        """


def state(pid: int) -> str:
    """R runs, S sleeps, T is stopped, Z is over (proc(5)). Raises OSError for what is gone."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _is_over(pid: int) -> bool:
    """Its environment is gone earlier than its sockets."""
    try:
        return state(pid) in "ZX"
    except OSError:
        return True


def _quoted(text: str) -> str:
    """Supervisor expands % in its file."""
    return text.replace("%", "%%")
