"""Mail by SMTP over TLS: certificates are checked, and a password is never said where others can hear it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import structlog
from aiosmtplib import SMTPException

from tests.adapters.test_smtp import fine, letter, mail
from tests.parts.certificates import Authority
from tests.parts.smtp_server import MailServer, mail_server


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """As by whoever runs a mail server with certificates of their own (docs/mail.md)."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


def url(server: MailServer, scheme: str, user: str = "") -> str:
    return f"{scheme}://{user}127.0.0.1:{server.port}"


@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls"])
async def test_starttls_is_taken_where_it_is_offered(trusted: Authority, scheme: str) -> None:
    async with mail_server(trusted.server()) as server:
        await mail(url(server, scheme)).send(letter(), fine)
        assert [taken.is_tls for taken in server.taken] == [True]


async def test_tls_from_the_first_byte(trusted: Authority) -> None:
    async with mail_server(trusted.server(), is_tls_from_the_start=True) as server:
        await mail(url(server, "smtps")).send(letter(), fine)
        assert [taken.is_tls for taken in server.taken] == [True]


@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls", "smtps"])
@pytest.mark.parametrize("wrong", ["unknown authority", "another name", "expired"])
async def test_a_wrong_certificate_ends_it(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, wrong: str
) -> None:
    if wrong != "unknown authority":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    context = authority.server(
        "127.0.0.2" if wrong == "another name" else "127.0.0.1", 9 if wrong == "expired" else 9999
    )
    async with mail_server(context, is_tls_from_the_start=scheme == "smtps") as server:
        with (
            structlog.testing.capture_logs() as logs,
            pytest.raises((SMTPException, ssl.SSLError), match="CERTIFICATE"),
        ):
            await mail(url(server, scheme)).send(letter(), fine)
        assert server.taken == []
        assert "mail" not in server.reached
    assert [log["event"] for log in logs] == ["mail.server_unusable"]


@pytest.mark.parametrize(("scheme", "user"), [("smtp+starttls", ""), ("smtp+starttls", "ada:pw@"), ("smtp", "ada:pw@")])
async def test_without_starttls_nothing_is_said(scheme: str, user: str) -> None:
    async with mail_server() as server:
        with structlog.testing.capture_logs() as logs, pytest.raises(SMTPException, match="STARTTLS"):
            await mail(url(server, scheme, user)).send(letter(), fine)
        assert server.reached == ["greeting", "ehlo"]
    assert [log["event"] for log in logs] == ["mail.server_unusable"]


async def test_a_password(trusted: Authority) -> None:
    async with mail_server(trusted.server(), password="p@ss/word") as server:
        await mail(url(server, "smtp", "ada:p%40ss%2Fword@")).send(letter(), fine)
        assert len(server.taken) == 1
        with structlog.testing.capture_logs() as logs, pytest.raises(SMTPException) as refused:
            await mail(url(server, "smtp", "ada:wrong@")).send(letter("outbox.8"), fine)
        assert getattr(refused.value, "code", 0) == 535
        assert [log["event"] for log in logs] == ["mail.server_unusable"]
        assert "wrong" not in str(logs) + str(refused.value)
        with pytest.raises(SMTPException):  # none at all: 530
            await mail(url(server, "smtp")).send(letter("outbox.9"), fine)
        assert len(server.taken) == 1
