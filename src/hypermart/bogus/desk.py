"""What the handlers of the bogus gateway are given: the bank, its courier, the faults, and the way to a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Response

from hypermart.bogus.bank import Bank, Payment
from hypermart.bogus.callbacks import Courier
from hypermart.bogus.faults import Faults
from hypermart.money import Money

Page: TypeAlias = Response[str]
CSP = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"


@dataclass(frozen=True)
class Setup:
    journal: Path
    """The file that is the bank's memory."""
    templates: Path
    url: str
    """Where browsers reach the bank, without a trailing slash."""
    hook: str
    """Where the shop takes callbacks."""
    secret: bytes
    """Shared with the shop: opens the API to it and signs the callbacks."""
    now: Callable[[], datetime]


class Desk:
    def __init__(self, setup: Setup, bank: Bank, courier: Courier) -> None:
        self.setup, self.bank, self.courier, self.faults = setup, bank, courier, Faults()
        loader = FileSystemLoader(setup.templates)
        self._templates = Environment(
            loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        self._templates.globals["base"] = urlsplit(setup.url).path

    def pay_url(self, ref: str) -> str:
        return f"{self.setup.url}/pay/{ref}"

    def page(self, template: str, payment: Payment | None, *, status: int = 200, **extra: Any) -> Page:
        """A page about `payment`. Its forms may lead to the shop that the payment came from, and to nobody else."""
        amount = Money(payment.amount, payment.currency).format("en") if payment else ""
        payee = urlsplit(payment.return_url).netloc if payment else ""
        view = {"payment": payment, "amount": amount, "payee": payee, "status": status, **extra}
        body = self._templates.get_template(template).render(view)
        policy = f"{CSP} {origin(payment.return_url)}" if payment else CSP
        headers = {"content-security-policy": policy, "cache-control": "no-store"}
        return Response(body, media_type=MediaType.HTML, status_code=status, headers=headers)


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def see_other(url: str) -> Page:
    return Response(
        "", media_type=MediaType.HTML, status_code=303, headers={"location": url, "cache-control": "no-store"}
    )
