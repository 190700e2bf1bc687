"""The last line of defence of the logs: what never gets out, whoever logs it, and what stays readable."""

from __future__ import annotations

import io
import json
import logging
import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from hypermart import logs
from hypermart.domain.orders.links import order_token
from hypermart.redaction import redacted

KEY = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mail to ada.lovelace+shop@example.co.uk failed", "mail to *@example.co.uk failed"),
        ("550 <ada@example.com>: unknown; bob%40example.com", "550 <*@example.com>: unknown; *%40example.com"),
        ("mysql+asyncmy://shop:hunter2@db:3306/shop", "mysql+asyncmy://*@db:3306/shop"),
        ("rediss://:hunter2@cache/0 is away", "rediss://*@cache/0 is away"),
        ("password=hunter2&email=", "password=*&email="),
        ('{"new_password": "hunter2", "name": "x"}', '{"new_password": "*", "name": "x"}'),
        ("token='abc' and X-Api-Key: abc", "token='*' and X-Api-Key: *"),
        ("Authorization: Bearer abc.def", "Authorization: *"),
        ("(b'cookie', b'cart=abc; session=def'), (b'host', b'shop')", "(b'cookie', b'*'), (b'host', b'shop')"),
        ("Set-Cookie: cart=abc; Path=/\nAge: 0", "Set-Cookie: *\nAge: 0"),
        ("kept __Host-cart=abc; cart_n=3", "kept __Host-cart=*; cart_n=3"),
        ("GET /orders/1001?t=abc-def&x=1", "GET /orders/1001?t=*&x=1"),
        ("/account/resets/5-1700-abc?x", "/account/resets/*?x"),
        (f"/checkout/attempts/{KEY}/retries", "/checkout/attempts/01234567*/retries"),
        ("card 4242 4242 4242 4242, 4242-4242-4242-4242, 378282246310005", "card *, *, *"),
        ("(1062, \"Duplicate entry 'Ada's' for key 'ix'\")", "(1062, \"Duplicate entry * for key 'ix'\")"),
    ],
)
def test_what_looks_secret_is_starred(text: str, left: str) -> None:
    assert redacted(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "database.away",
        "the password is too short",
        'File "/app/hypermart/passwords.py", line 31, in verify\n    return hasher.verify(stored, password)',
        "2026-01-05T10:00:00.123456Z e1764000000-32770-4012345678",
        "order 1001 of 12,345.67 EUR, 9007199254 pieces",
        "/p/the-great-wave-off-kanagawa-in-a-very-long-slug-2",
        "_GeneratorContextManagerWithAVeryLongNameIndeed",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert redacted(text) == text


def test_tokens_that_stand_alone_are_starred() -> None:
    for number in range(200):
        # One in a hundred has no digit, and looks like a word. No log has one that stands alone.
        for token in (secrets.token_urlsafe(32), order_token(b"k" * 32, number)):
            text = f"of {token}!"
            assert redacted(text) == "of *!" or not any(each.isdigit() for each in token) or "-" in token[0::31]


def test_long_text_takes_no_long_time() -> None:
    """Nobody's words make a pattern try for minutes."""
    for unit in ("a", "a-", "a@", "token", "1-", "'a', ", "session=", "é"):
        redacted(unit * 20_000)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What processes write whose logs are configured as those of a shop, at the end of the test."""
    stream, root, level = io.StringIO(), logging.getLogger(), logging.getLogger().level
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(root, "handlers", [])
    before = structlog.get_config()
    logs.configure("info", "app1")
    yield stream
    structlog.configure(**before)
    logging.captureWarnings(False)
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_own_lines_are_redacted(written: io.StringIO) -> None:
    structlog.get_logger().warning(
        "for ada@example.com",
        password="hunter2",
        headers={"Cookie": "cart=hunter2", "ada@example.com": ["x", ("token=hunter2",)]},
        error=ValueError("of ada@example.com"),
        card=4242424242424242,
        ms=1.5,
        status=200,
        request=KEY,
    )
    (line,) = lines(written)
    assert line.pop("timestamp")
    assert line == {
        "process": "app1",
        "level": "warning",
        "event": "for *@example.com",
        "password": "*",
        "headers": {"Cookie": "*", "*@example.com": ["x", ["token=*"]]},
        "error": "ValueError('of *@example.com')",
        "card": "*",
        "ms": 1.5,
        "status": 200,
        "request": KEY,
    }


@pytest.mark.parametrize("name", ["uvicorn.error", "sqlalchemy.pool", "saq", "aiosmtplib", "botocore", "asyncio", ""])
def test_libraries_write_the_same_lines(written: io.StringIO, name: str) -> None:
    with structlog.contextvars.bound_contextvars(request="request-1"):
        error = RuntimeError("of ada@example.com, password=hunter2")
        logging.getLogger(name).error("no %s: %r", "bob@example.com", {"token": "hunter2"}, exc_info=error)
    (line,) = lines(written)
    assert (line["process"], line["level"], line["request"]) == ("app1", "error", "request-1")
    assert line["logger"] == (name or "root")
    assert line["event"] == "no *@example.com: {'token': '*'}"
    assert "RuntimeError: of *@example.com, password=*" in line["exception"]
    assert "hunter2" not in written.getvalue()


def test_the_last_words_of_a_process_are_lines() -> None:
    code = """
import warnings
from hypermart import logs
logs.configure("info", "app1")
warnings.warn("of ada@example.com")
raise RuntimeError("mysql+asyncmy://shop:hunter2@db/shop")
"""
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=False)
    warning, last = lines(io.StringIO(done.stderr))
    assert "UserWarning: of *@example.com" in warning["event"]
    assert (done.returncode, last["level"]) == (1, "critical")
    assert last["exception"].endswith("RuntimeError: mysql+asyncmy://*@db/shop")
