"""Fixtures: an authority whose certificates this machine believes, and shops in which nothing is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hypermart.settings import Settings
from tests.doctor import looking
from tests.parts.certificates import Authority
from tests.parts.smtp_server import MailServer, mail_server

PASSWORD = "p@ss-that-nobody-may-see"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def mails(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    """A mail server that lets in ada alone, over TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with mail_server(authority.server(), password=PASSWORD) as server:
        yield server


def login(server: MailServer, password: str = PASSWORD, scheme: str = "smtp+starttls") -> str:
    return f"{scheme}://ada:{password.replace('@', '%40')}@127.0.0.1:{server.port}"


@pytest.fixture
def practice(settings: Settings) -> dict[str, str]:
    return looking.practice(settings)


@pytest.fixture
def earnest(settings: Settings, mails: MailServer) -> dict[str, str]:
    return looking.earnest(settings, login(mails))
