"""Settings that are wrong are each named in one line with the fix, and hide nothing else."""

from __future__ import annotations

import re

import pytest

from tests.doctor.looking import looked, problem_of


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"PORT": "http"}, r"PORT='http' is not a port: give a number"),
        ({"TRUSTED_PROXIES": "*"}, r"TRUSTED_PROXIES: .*: give addresses or networks"),
        ({"SECRET_KEY": "short"}, r"SECRET_KEY must have 32 characters or more: make one with openssl rand -hex 32"),
        ({"SECRET_KEY": "ab" * 20}, r"SECRET_KEY can be guessed: it has 2 .*openssl rand -hex 32"),
        ({"SECRET_KEY": "", "SECRET_KEY_FILE": "/no/such/file"}, r"SECRET_KEY_FILE='/no/such/file' cannot be read"),
        ({"MAIL_URL": "smtp//host"}, r"MAIL_URL cannot be used: use smtp://HOST:PORT"),
        ({"BLOBS_URL": "s3:/x"}, r"BLOBS_URL cannot be used: use s3://BUCKET"),
        ({"CDN_URL": "akamai:1"}, r"CDN_URL=akamai:… cannot be used: use none:, varnish:"),
        ({"GATEWAY_URL": "paypal:1"}, r"GATEWAY_URL=paypal:... is unknown: use bogus:"),
        ({"VALKEY_URL": "memcached://127.0.0.1"}, r"VALKEY_URL is unknown\. Use embedded:, redis://"),
        ({"CURRENCY": "XXL"}, r"CURRENCY or SHOP_LOCALE cannot be used"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_a_wrong_setting(practice: dict[str, str], wrong: dict[str, str], line: str) -> None:
    assert re.search(line, await problem_of(practice | wrong))


async def test_a_demo_for_all_the_world(practice: dict[str, str]) -> None:
    wrong = {"BASE_URL": "https://shop.invalid", "TRUSTED_PROXIES": "127.0.0.1"}
    (mode,) = [each.line for each in await looked(practice | wrong) if each.part == "mode"]
    assert re.search(r"^problem +mode +MODE=demo at shop\.invalid: everybody.*Set MODE=production$", mode)


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (
            {"BASE_URL": "http://127.0.0.1:1"},
            r"address +BASE_URL=http://127.0.0.1:1 is plain HTTP.*set BASE_URL=https://",
        ),
        ({"GATEWAY_URL": "bogus:", "GATEWAY_SECRET": "x" * 32}, r"gateway +GATEWAY_URL is the practice bank.*none:"),
        ({"GATEWAY_URL": "bogus:"}, r"settings +GATEWAY_SECRET must be set"),
        ({"MAIL_FROM": ""}, r"mail +mails come from shop@localhost, .*Set MAIL_FROM="),
        ({"MAIL_URL": ""}, r"mail +mails are files in a folder.*Set MAIL_URL=smtps://"),
        ({"TRUSTED_PROXIES": ""}, r"proxies +TRUSTED_PROXIES is not set.*like 127.0.0.1"),
        ({"TRUSTED_PROXIES": "0.0.0.0/1"}, r"proxies +TRUSTED_PROXIES=0.0.0.0/1: strangers.*your own proxies"),
        ({"BASE_URL": "https://shop.invalid"}, r"address +nobody answers at https://shop.invalid\. Start the shop"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_what_is_wrong_in_production(earnest: dict[str, str], wrong: dict[str, str], line: str) -> None:
    assert re.search(line, await problem_of(earnest | wrong))


async def test_all_wrong_settings_are_named_at_once(practice: dict[str, str]) -> None:
    wrong = {"PORT": "0", "MODE": "test", "CURRENCY": "EUR", "DRAIN": "soon", "DATABASE_URL": "postgresql://db/shop"}
    found = await looked(practice | wrong)
    named = [each.words.partition("=")[0] for each in found if each.part == "settings"]
    assert [name.split()[0] for name in named] == ["PORT", "DATABASE_URL", "MODE", "DRAIN"]
    assert "note     database   not looked at, because of DATABASE_URL" in [each.line for each in found]
    assert [each for each in found if each.part == "valkey"]


async def test_no_secret_is_said(practice: dict[str, str]) -> None:
    hidden = "hush-hush%40hush"
    wrong = {
        "SECRET_KEY": f"{hidden}-{'0123456789' * 3}",
        "VALKEY_URL": f"redis://shop:{hidden}@127.0.0.1:notaport",
        "MAIL_URL": f"smtp://ada:{hidden}@127.0.0.1:1",
        "GATEWAY_URL": "bogus:http://127.0.0.1:1",
        "GATEWAY_SECRET": hidden,
        "CDN_URL": "fastly:S1?api=http://127.0.0.1:1",
        "CDN_TOKEN": hidden,
        "AWS_ACCESS_KEY_ID": hidden,
        "AWS_SECRET_ACCESS_KEY": hidden,
        "BLOBS_URL": "s3://pictures?endpoint=http://127.0.0.1:1",
    }
    found = await looked(practice | wrong)
    assert len([each for each in found if each.level == "problem"]) == 5
    said = "\n".join(each.line for each in found)
    assert hidden not in said
    assert "hush" not in said
