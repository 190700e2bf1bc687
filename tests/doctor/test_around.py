"""What is around a shop and does not do: Valkey, mail, bucket, CDN, gateway, folders. One line with the fix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hypermart.doctor.files import room
from hypermart.doctor.pictures import CONTENT
from hypermart.settings import Settings
from tests.doctor.conftest import PASSWORD, login
from tests.doctor.looking import looked, problem_of
from tests.parts import cdn_doubles, valkeys
from tests.parts.s3_server import ID, SECRET, Step, refuses, says, told_store
from tests.parts.smtp_server import MailServer, Says, mail_server
from tests.parts.valkeys import Valkey

PUT, GOT, DELETED, REFUSED = says("200 OK"), says("200 OK", CONTENT), says("204 No Content"), says("403 Forbidden")
KEYS = {"AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET}


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with valkeys.running() as server:
        yield server


async def test_a_valkey_that_throws_away(practice: dict[str, str], valkey: Valkey) -> None:
    with valkey.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    line = await problem_of(practice | {"VALKEY_URL": valkey.url})
    assert re.search(r"^problem +valkey +Valkey [\d.]+ may throw .* is allkeys-lru\. Set maxmemory-pol", line)


async def test_a_valkey_that_is_away(practice: dict[str, str], valkey: Valkey) -> None:
    valkey.kill()
    line = await problem_of(practice | {"VALKEY_URL": valkey.url})
    assert re.search(r"^problem +valkey +it does not answer .*nobody can sign in.*Start it, and check VALKEY", line)


async def test_a_valkey_that_wants_another_password(practice: dict[str, str], valkey: Valkey) -> None:
    with valkey.client() as client:
        client.config_set("requirepass", "a-password")
    line = await problem_of(practice | {"VALKEY_URL": f"{valkey.url}?password=not-this-one"})
    assert re.search(r"^problem +valkey +it refuses the login: .*Check user and password in VALKEY_URL$", line)
    assert "not-this-one" not in line


async def test_a_mail_server_that_refuses_the_login(earnest: dict[str, str], mails: MailServer) -> None:
    line = await problem_of(earnest | {"MAIL_URL": login(mails, "not-this-one")})
    assert re.search(r"^problem +mail +127.0.0.1:\d+ does not take our mails: .*Check user and password in MAIL_", line)
    assert "not-this-one" not in line
    assert mails.taken == []


async def test_a_mail_server_without_tls(earnest: dict[str, str]) -> None:
    async with mail_server() as server:
        line = await problem_of(earnest | {"MAIL_URL": login(server)})
        assert re.search(r"^problem +mail +.*STARTTLS.*Try smtps://HOST \(port 465\) in MAIL_URL", line)
        assert server.reached == ["greeting", "ehlo"]


async def test_a_mail_server_with_another_name(earnest: dict[str, str], mails: MailServer) -> None:
    line = await problem_of(earnest | {"MAIL_URL": login(mails).replace("127.0.0.1", "localhost")})
    assert re.search(r"^problem +mail +.*CERTIFICATE_VERIFY_FAILED.*Use the name that its certificate has;", line)


async def test_a_mail_server_that_does_not_know_the_sender(earnest: dict[str, str], mails: MailServer) -> None:
    mails.steps["mail"] = Says("550 5.7.1 not your domain")
    line = await problem_of(earnest)
    assert re.search(r"^problem +mail +.*550.*not your domain.*Check MAIL_FROM: .* as shop@shop.example$", line)


async def test_a_server_that_repeats_the_password(earnest: dict[str, str], mails: MailServer) -> None:
    mails.steps["mail"] = Says(f"550 5.7.1 {PASSWORD} is no sender")
    line = await problem_of(earnest)
    assert PASSWORD not in line
    assert "550" in line
    assert "... is no sender" in line


async def test_a_mail_server_that_is_away(earnest: dict[str, str]) -> None:
    line = await problem_of(earnest | {"MAIL_URL": f"smtp://ada:{PASSWORD.replace('@', '%40')}@127.0.0.1:1"})
    assert re.search(r"^problem +mail +127.0.0.1:1 does not take our mails: .*Check host and port in MAIL_URL", line)


async def test_a_bucket_that_is_not_there(practice: dict[str, str], s3: str) -> None:
    url = f"s3://no-such-bucket?endpoint={s3}&region=us-east-1"
    line = await problem_of(practice | KEYS | {"BLOBS_URL": url})
    assert re.search(r"^problem +pictures +the bucket no-such-bucket answers 404 NoSuchBucket to a put\. Make", line)


@pytest.mark.parametrize(
    ("steps", "fix"),
    [
        ([refuses("403 Forbidden", "AccessDenied")], r"to a put\. Grant the .* docs/pictures.md, here s3:PutObject"),
        ([refuses("403 Forbidden", "InvalidAccessKeyId")], r"to a put\. Check AWS_ACCESS_KEY_ID and AWS_SECRET"),
        ([PUT, refuses("403 Forbidden", "AccessDenied"), REFUSED, DELETED], r"to a read\. Grant .*here s3:GetObject"),
        ([PUT, GOT, says("403 Forbidden"), REFUSED, DELETED], r"to a read\. Grant .*here s3:ListBucket"),
    ],
)
async def test_a_bucket_that_is_closed(practice: dict[str, str], steps: list[Step], fix: str) -> None:
    async with told_store(*steps) as store:
        line = await problem_of(practice | KEYS | {"BLOBS_URL": store.url})
    assert re.search(rf"^problem +pictures +the bucket pictures answers 403.* {fix}", line)


async def test_a_bucket_that_is_open_to_all(practice: dict[str, str]) -> None:
    async with told_store(PUT, GOT, says("404 Not Found"), GOT, DELETED) as store:
        found = [each.line for each in await looked(practice | KEYS | {"BLOBS_URL": store.url})]
        assert [asked.partition(" ")[0] for asked in store.asked] == ["PUT", "GET", "HEAD", "GET", "DELETE"]
    assert [line for line in found if re.search(r"^note +pictures +strangers can read.*Block public access", line)]


async def test_a_probe_leaves_nothing_in_a_folder(settings: Settings, practice: dict[str, str]) -> None:
    folder = settings.data / "blobs"
    folder.mkdir()
    found = [each.line for each in await looked(practice)]
    assert f"ok       pictures   put and read at file:{folder}" in found
    assert not [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(("url", "vendor"), [("fastly:S1?api={}", "fastly"), ("cloudflare:Z1?api={}", "cloudflare")])
async def test_a_cdn_that_refuses_the_token(practice: dict[str, str], url: str, vendor: str) -> None:
    with cdn_doubles.double() as cdn:
        wrong = {"CDN_URL": url.format(cdn.url), "CDN_TOKEN": cdn_doubles.WRONG}
        line = await problem_of(practice | wrong)
        assert re.search(rf"^problem +cdn +.*answered 401\. Check CDN_TOKEN: it must be one of {vendor} that may", line)
        assert cdn_doubles.WRONG not in line


async def test_a_gateway_that_is_away(practice: dict[str, str]) -> None:
    wrong = {"GATEWAY_URL": "bogus:http://127.0.0.1:1", "GATEWAY_SECRET": "x" * 32}
    line = await problem_of(practice | wrong)
    assert re.search(r"^problem +gateway +it does not answer: .*Start it, and check GATEWAY_URL$", line)


async def test_a_data_folder_that_cannot_be_written(practice: dict[str, str], tmp_path: Path) -> None:
    folder = Path("/proc/self")  # not even root may
    line = await problem_of(practice | {"DATA_DIR": str(folder), "BLOBS_URL": f"file:{tmp_path}/blobs"})
    assert re.search(r"^problem +files +DATA_DIR /proc/self cannot be written: .*install -d -o USER -m 750", line)


async def test_a_data_folder_that_everybody_can_write(settings: Settings, practice: dict[str, str]) -> None:
    settings.data.chmod(0o777)
    line = await problem_of(practice)
    assert re.search(r"^problem +files +everybody on this machine can write into DATA_DIR .*chmod 750 ", line)


async def test_a_secret_that_everybody_can_read(settings: Settings, practice: dict[str, str]) -> None:
    path = settings.data / "secret"
    path.write_text("x")
    path.chmod(0o644)
    line = await problem_of(practice)
    assert re.search(r"^problem +files +everybody can read the shop's key .*chmod o= ", line)


async def test_certificates_that_cannot_be_read(practice: dict[str, str], tmp_path: Path) -> None:
    line = await problem_of(practice | {"SSL_CERT_FILE": str(tmp_path / "no.pem")})
    assert f"SSL_CERT_FILE {tmp_path}/no.pem cannot be read: nothing is reached by TLS. Correct the name" in line


def test_a_disk_that_is_full() -> None:
    levels = [room(Path("/var"), free).level for free in (100 << 20, 1 << 30, 10 << 30)]
    assert levels == ["problem", "note", "ok"]
    assert room(Path("/var"), 100 << 20).line == "problem  disk       0.1 GB free at /var. Make room, or move DATA_DIR"
