"""The mail server of a stack: takes mails for nobody but this machine, and keeps each of them once."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from hypermart.adapters.mail import MailFolder
from hypermart.settings import ROOT
from tests.faults.audit import accepted
from tests.parts.server import free_port

pytestmark = pytest.mark.slow  # a process starts


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    with free_port() as bound:
        port = int(bound.getsockname()[1])
    command = [sys.executable, "-m", "hypermart.stack.mail_sink", str(port), str(tmp_path / "mail")]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            process.poll()
            assert process.returncode is None
            asyncio.run(asyncio.sleep(0.05))
        yield port, process
    finally:
        process.kill()
        process.wait()


def mail(id_: str, body: str = "Hello\n.dot\n") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", "ada@example.com", "Größe"
    if id_:
        message["Message-ID"] = f"<{id_}@example.com>"
    message.set_content(body)
    return message


def test_each_mail_is_kept_once_and_noted_each_time(sink: tuple[int, subprocess.Popen[bytes]], tmp_path: Path) -> None:
    port, process = sink
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        for id_ in ("1", "2", "1"):
            client.send_message(mail(id_))
        with pytest.raises(smtplib.SMTPDataError, match="no Message-ID"):
            client.send_message(mail(""))
        with pytest.raises(smtplib.SMTPResponseException, match="552"):
            client.send_message(mail("3", "x" * 70 * 160_000))
    kept = asyncio.run(MailFolder(tmp_path / "mail").newest(10))
    assert sorted(str(message["Message-ID"]) for _, message in kept) == ["<1@example.com>", "<2@example.com>"]
    assert kept[0][1]["Subject"] == "Größe"
    assert accepted(tmp_path / "mail") == ["<1@example.com>", "<2@example.com>", "<1@example.com>"]
    first = (tmp_path / "mail" / "accepted.log").read_text().splitlines()[0].split("\t")
    assert first[1] == "ada@example.com"
    assert datetime.now(UTC) - datetime.fromisoformat(first[2]) < timedelta(minutes=1)
    process.terminate()
    assert process.wait(10) == 0


def test_it_listens_to_this_machine_alone(sink: tuple[int, subprocess.Popen[bytes]]) -> None:
    port, _ = sink
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        address, state = line.split()[1], line.split()[3]
        if state == "0A" and address.endswith(f":{port:04X}"):
            assert address == f"0100007F:{port:04X}"
            break
    else:
        pytest.fail("nobody listens")
    assert f":{port:04X} " not in "".join(
        line for line in Path("/proc/net/tcp6").read_text().splitlines() if " 0A " in line
    )
