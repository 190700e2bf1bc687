"""Which texts can be e-mail addresses."""

from __future__ import annotations

import pytest

from hypermart.emails import is_email

FINE = [
    "a@b.co",
    "Ada.Lovelace@Example.COM",
    "ada.lovelace+shop@example.com",
    "用户@例子.广告",
    "zoë@faß.de",
    "o'hara@example.ie",
    "x" * 64 + "@example.com",
]
WRONG = [
    "",
    "a",
    "a@b",
    "@b.co",
    "a@.co",
    "a@b..co",
    "a b@c.de",
    "a@b.de, c@d.de",
    "a@b@c.de",
    "<a@b.de>",
    "a\x00@b.de",
    "a\u202e@b.de",
    "a@b\u200b.de",
    "a@-b-.de\n",
    "x" * 65 + "@example.com",
    "a@" + "x" * 64 + ".com",
    "a@" + "x." * 130 + "com",
]


@pytest.mark.parametrize("text", FINE)
def test_an_address(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize("text", WRONG)
def test_no_address(text: str) -> None:
    assert not is_email(text)
