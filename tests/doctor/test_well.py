"""A shop that is well, open, in production, with real servers around it; and the command as people meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hypermart.adapters.clock import SystemClock
from hypermart.app import create_app
from hypermart.doctor.case import read
from hypermart.settings import Settings, load
from tests.doctor.conftest import login
from tests.doctor.looking import earnest, looked, run, tls_before
from tests.parts import cdn_doubles, valkeys
from tests.parts.certificates import Authority
from tests.parts.databases import is_mysql
from tests.parts.s3_server import ID, SECRET, url_in
from tests.parts.server import free_port, serving
from tests.parts.smtp_server import MailServer


async def test_a_shop_that_is_well(
    demo_copy_settings: Settings, authority: Authority, mails: MailServer, s3: str
) -> None:
    settings = demo_copy_settings
    await run(settings, "DELETE FROM outbox")
    person = "'Ada', 'ada@example.com', 'ada@example.com', 'x', '2026-01-01'"
    await run(settings, f"INSERT INTO people (name, email, email_key, password_hash, created_at) VALUES ({person})")
    settings.data.chmod(0o700)
    bound = free_port()
    with valkeys.running() as valkey, cdn_doubles.double() as cdn:
        async with tls_before(bound.getsockname()[1], authority.server()) as port:
            environ = earnest(settings, login(mails)) | {
                "BASE_URL": f"https://127.0.0.1:{port}",
                "VALKEY_URL": valkey.url,
                "BLOBS_URL": url_in(s3),
                "AWS_ACCESS_KEY_ID": ID,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "CDN_URL": f"fastly:S1?api={cdn.url}",
                "CDN_TOKEN": cdn_doubles.TOKEN,
                "SHOP_BANK": "IBAN",
            }
            with serving(create_app(load(environ)), bound):
                found = await looked(environ)
        assert cdn.calls == [["hypermart-doctor"]]
    odd = [each.line for each in found if each.level != "ok"]
    if is_mysql():  # a server for tests, which may lose all
        assert "a crash may take orders along" in odd.pop(0)
    assert odd == []
    assert {each.part for each in found} >= {"address", "database", "schema", "queue", "shop", "valkey", "mail", "cdn"}
    assert mails.taken == []


async def test_a_checkout_that_leads_to_pages_nobody_wrote(demo_copy_settings: Settings) -> None:
    await run(demo_copy_settings, "DELETE FROM content_pages WHERE slug IN ('terms', 'returns')")
    lines = [each.line for each in await looked(earnest(demo_copy_settings, "file:"))]
    missing = "the checkout leads to pages that are not there: /pages/returns, /pages/terms."
    assert f"note     shop       {missing} Write them, then hypermart import pages FOLDER" in lines


async def test_what_is_silent_is_left_after_a_while(practice: dict[str, str]) -> None:
    with free_port() as silent:
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = await looked(practice | {"GATEWAY_URL": f"bogus:{url}", "GATEWAY_SECRET": "x" * 32}, bound=0.2)
    line = "problem  gateway    no answer within 0.2 s. Look at its machine, and what is between"
    assert line in [each.line for each in found]


def doctor(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hypermart", "doctor", *arguments]
    return subprocess.run(
        command, env={"PATH": os.environ["PATH"], **environ}, capture_output=True, text=True, check=False
    )


def test_the_command_says_it_all_and_how_it_ends(practice: dict[str, str], tmp_path: Path) -> None:
    well = doctor(practice)
    assert (well.returncode, well.stderr) == (0, ""), well.stdout
    assert well.stdout.endswith("\nThe shop is well.\n")
    ill = doctor(practice | {"MAIL_URL": "smtp://127.0.0.1:1", "DRAIN": "soon"}, "--json")
    assert (ill.returncode, ill.stderr) == (1, "")
    problems = [each["part"] for each in json.loads(ill.stdout) if each["level"] == "problem"]
    assert problems == ["settings", "mail"]


def test_a_shop_that_cannot_start(practice: dict[str, str]) -> None:
    """Neither a traceback nor a stop at the first thing that is wrong."""
    url = "mysql+asyncmy://shop:a-password@127.0.0.1:1/shop"
    ill = doctor(practice | {"DATABASE_URL": url, "SECRET_KEY": "", "CURRENCY": "nothing", "PORT": "x"})
    assert (ill.returncode, ill.stderr) == (1, "")
    problems = [line.split()[1] for line in ill.stdout.splitlines() if line.startswith("problem")]
    assert problems == ["settings", "settings", "settings", "database"]


@pytest.mark.parametrize("name", ["SECRET_KEY", "GATEWAY_SECRET"])
def test_what_must_be_set_does_not_hide_the_rest(practice: dict[str, str], name: str) -> None:
    environ = practice | {"MODE": "production", "DATABASE_URL": "mysql+asyncmy://a/b", "GATEWAY_URL": "bogus:"}
    case = read(environ | {"GATEWAY_SECRET": "x" * 32, name: ""}, SystemClock())
    assert list(case.refused) == [name]
    assert case.settings.database_url == "mysql+asyncmy://a/b"
