"""From a view and an address to a mail: both its parts, and headers that nothing typed by a shopper breaks out of."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import idna
import msgspec

from hypermart.emails import is_email
from hypermart.errors import Refused
from hypermart.jobs.task import Task
from hypermart.services import Services
from hypermart.templating import environment, one_line

#: Of a name in a header. Longer ones are hardly names, and the address is what counts.
LONGEST_NAME = 60
#: They mean something in a header: mail programs disagree about them even where they are quoted, and `=?` begins
#: what is decoded, perhaps to one of the others.
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,"=?]')
_templates = lru_cache(maxsize=4)(environment)


class Letter(msgspec.Struct, frozen=True):
    """What a mail is made of: templates/email/`template`, which know `view` as `page`."""

    template: str
    name: str
    """Of the recipient; may be empty."""
    email: str
    view: Any
    link: str
    """The page that the mail leads to, with the shop's origin."""


def written(services: Services, task: Task, letter: Letter) -> EmailMessage:
    """The mail that `task` owes. Every attempt gives the same Message-ID. Refuses what is no address."""
    settings, to = services.settings, recipient(letter.name, letter.email)
    mail = EmailMessage(policy=SMTP if to.username.isascii() else SMTPUTF8)
    mail["From"] = settings.mail_from
    mail["To"] = to
    mail["Subject"] = one_line(_part(services, letter, "subject.txt"))
    mail["Date"] = services.clock.now()
    mail["Message-ID"] = f"<outbox.{task.id}@{_host(settings.base_url)}>"
    mail["Auto-Submitted"] = "auto-generated"
    if task.request:
        mail["X-Request-Id"] = task.request
    mail.set_content(_part(services, letter, "body.txt"), cte="quoted-printable")
    mail.add_alternative(_part(services, letter, "body.html"), subtype="html", cte="quoted-printable")
    return mail


def recipient(name: str, email: str) -> Address:
    """As it stands in the To header. A domain in any script is written in ASCII, as the mail system knows it."""
    if not is_email(email) or one_line(email) != email:
        raise Refused("the address of the order is not an e-mail address")
    local, _, domain = email.rpartition("@")
    return Address(one_line(_SPECIALS.sub(" ", name))[:LONGEST_NAME].strip(), local, _ascii(domain))


def _part(services: Services, letter: Letter, name: str) -> str:
    template = _templates(services.settings).get_template(f"email/{letter.template}/{name}")
    return template.render(page=letter.view, link=letter.link)


def _ascii(domain: str) -> str:
    """By the rules of 2008: those of 2003, which Python brings, send mail for faß.de to fass.de, which is others'."""
    try:
        return domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise Refused(f"the e-mail address has a domain that cannot be: {type(error).__name__}") from None


def _host(base_url: str) -> str:
    host = _ascii(urlsplit(base_url).hostname or "localhost")
    return f"[{host}]" if ":" in host else host
