"""Looks at the way of mails: whether the server takes mails from the shop, as far as can be told without one."""

from __future__ import annotations

import ssl
from typing import Any

from aiosmtplib import SMTPException, SMTPResponseException

from hypermart.adapters.smtp import OURS, SmtpMail
from hypermart.doctor.case import Case
from hypermart.doctor.finding import Finding, Findings, note, ok, problem, told
from hypermart.services import mail_opened
from hypermart.settings import HEADERS


async def look(case: Case) -> Findings:
    sender = _sender(case)
    domain = sender.rpartition("@")[2]
    if case.is_earnest and (domain == "localhost" or "." not in domain):
        words = f"mails come from {sender}, which nobody can answer and many servers refuse"
        yield problem("mail", words, "Set MAIL_FROM='Your Shop <shop@your-domain>'")
    async with mail_opened(case.settings) as mail:
        if isinstance(mail, SmtpMail):
            yield await _server(mail, sender)
        elif case.is_earnest:
            words = "mails are files in a folder of this machine: no customer gets one"
            yield problem("mail", words, "Set MAIL_URL=smtps://USER:PASSWORD@HOST")
        else:
            yield note("mail", f"mails are files ({case.settings.mail_url}), shown at /mail")


def _sender(case: Case) -> str:
    header: Any = HEADERS("from", case.settings.mail_from)
    return str(header.addresses[0].addr_spec)


async def _server(mail: SmtpMail, sender: str) -> Finding:
    try:
        is_tls = await mail.try_as(sender)
    except (SMTPException, OSError) as error:
        return problem("mail", f"{mail.place} does not take our mails: {told(error)}", _fix(error, sender))
    if is_tls:
        return ok("mail", f"{mail.place} takes mails from {sender}, over TLS")
    fix = "Use smtps:// or smtp+starttls:// unless it is on your own network"
    return note("mail", f"{mail.place} takes mails from {sender}, but they go there in the clear", fix)


def _fix(error: BaseException, sender: str) -> str:
    if isinstance(error, SMTPResponseException) and error.code in OURS:
        return "Check user and password in MAIL_URL"
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return "Use the name that its certificate has; of an authority of your own: SSL_CERT_FILE (docs/mail.md)"
    if "STARTTLS" in str(error).upper():
        return "Try smtps://HOST (port 465) in MAIL_URL, or have the server offer STARTTLS"
    if "AUTH" in str(error).upper():
        return "The server offers no login: take USER:PASSWORD out of MAIL_URL, or use its port for sending (465, 587)"
    if isinstance(error, SMTPResponseException):
        return f"Check MAIL_FROM: the server must be allowed to send as {sender}"
    return "Check host and port in MAIL_URL, and whether your provider closes the port"
