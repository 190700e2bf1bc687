"""The mailbox of demo shops and tests: what was sent, read in a browser. There is none in production."""

from __future__ import annotations

import re
from email.message import EmailMessage
from html import unescape

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.domain.browse.frame import frame
from hypermart.domain.browse.pages import Frame
from hypermart.errors import NotFound
from hypermart.web.render import HTML, Answer, AnyRequest, Shop

NEWEST = 100
HEADERS = ("From", "To", "Subject", "Date", "Message-ID")
LINK = re.compile(r'<a\b[^>]*\bhref="(https?:[^"]*)"[^>]*>([^<]*)')
ALONE = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The policy of a mail's own page: mails have their styles in the elements, and nothing else of theirs may run."""


class MailRow(msgspec.Struct, frozen=True):
    id: str
    to: str
    subject: str
    date: str


class MailboxPage(msgspec.Struct, frozen=True):
    frame: Frame
    rows: tuple[MailRow, ...]


class MailPage(msgspec.Struct, frozen=True):
    frame: Frame
    id: str
    headers: tuple[tuple[str, str], ...]
    paragraphs: tuple[tuple[str, ...], ...]
    """Of the text part, each in its lines."""
    links: tuple[tuple[str, str], ...]
    """Of the HTML part: the words and the address of each."""
    has_html: bool


@get("/mail", media_type=HTML)
async def list_mails(request: AnyRequest, shop: NamedDependency[Shop]) -> Answer:
    found = await shop.mailbox.newest(NEWEST)
    async with shop.read() as db:
        page = MailboxPage(
            await frame(db), tuple(MailRow(id_, *_said(mail, "To", "Subject", "Date")) for id_, mail in found)
        )
    return shop.page(request, "demo/mailbox.html", page)


@get("/mail/{id_:str}", media_type=HTML)
async def show_mail(request: AnyRequest, id_: FromPath[str], shop: NamedDependency[Shop]) -> Answer:
    mail = await shop.mailbox.read(id_)
    async with shop.read() as db:
        page = mail_page(await frame(db), id_, mail)
    return shop.page(request, "demo/mail.html", page)


@get("/mail/{id_:str}/html", media_type=HTML)
async def show_mail_html(id_: FromPath[str], shop: NamedDependency[Shop]) -> Answer:
    html = part_of(await shop.mailbox.read(id_), "html")
    if not html:
        raise NotFound("mail")
    return Response(html.encode(), media_type=HTML, headers={"content-security-policy": ALONE})


def mail_page(frame: Frame, id_: str, mail: EmailMessage) -> MailPage:
    html, text = part_of(mail, "html"), part_of(mail, "plain")
    headers = tuple(zip(HEADERS, _said(mail, *HEADERS), strict=True))
    paragraphs = tuple(tuple(each.splitlines()) for each in re.split(r"\n{2,}", text.strip()))
    links = tuple((unescape(words).strip(), unescape(url)) for url, words in LINK.findall(html))
    return MailPage(frame, id_, headers, paragraphs, links, bool(html))


def _said(mail: EmailMessage, *names: str) -> tuple[str, ...]:
    return tuple(str(mail.get(name, "")) for name in names)


def part_of(mail: EmailMessage, kind: str) -> str:
    """The html or plain part; '' if there is none."""
    part = mail.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""
