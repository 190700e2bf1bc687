"""A sent mail as a test wants to read it."""

from __future__ import annotations

import re
from email.message import EmailMessage
from html import unescape

import msgspec

from hypermart.web.demo.mail import part_of

LINK = re.compile(r'<a\b[^>]*\bhref="(https?:[^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
TAG = re.compile(r"<[^>]+>")


class Mail(msgspec.Struct, frozen=True):
    id: str
    to: str
    """The address alone."""
    subject: str
    text: str
    html: str
    links: dict[str, str]
    """Addresses by the words of the link; the last of those with the same words."""


def parsed(id_: str, message: EmailMessage) -> Mail:
    html = part_of(message, "html")
    to = message["To"].addresses if message["To"] else ()
    return Mail(
        id=id_,
        to=to[0].addr_spec if to else "",
        subject=str(message.get("Subject", "")),
        text=part_of(message, "plain"),
        html=html,
        links={" ".join(unescape(TAG.sub("", words)).split()): unescape(url) for url, words in LINK.findall(html)},
    )
