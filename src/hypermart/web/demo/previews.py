"""Every mail as it would read, from sample data and without sending one. There is none in production."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.domain.browse.frame import frame
from hypermart.domain.browse.pages import Frame
from hypermart.errors import NotFound
from hypermart.templating import one_line
from hypermart.web.demo.mail import ALONE, mail_page
from hypermart.web.demo.samples import TO, Sample, samples
from hypermart.web.render import HTML, Answer, AnyRequest, Shop


class PreviewRow(msgspec.Struct, frozen=True):
    id: str
    subject: str


class PreviewsPage(msgspec.Struct, frozen=True):
    frame: Frame
    rows: tuple[PreviewRow, ...]


@get("/mail/previews", media_type=HTML)
async def list_previews(request: AnyRequest, shop: NamedDependency[Shop]) -> Answer:
    rows = tuple(PreviewRow(each.id, _part(shop, each, "subject.txt")) for each in samples(shop.settings))
    async with shop.read() as db:
        page = PreviewsPage(await frame(db), rows)
    return shop.page(request, "demo/previews.html", page)


@get("/mail/previews/{id_:str}", media_type=HTML)
async def show_preview(request: AnyRequest, id_: FromPath[str], shop: NamedDependency[Shop]) -> Answer:
    sample = _sample(shop, id_)
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = shop.settings.mail_from, TO
    mail["Subject"] = one_line(_part(shop, sample, "subject.txt"))
    mail.set_content(_part(shop, sample, "body.txt"))
    mail.add_alternative(_part(shop, sample, "body.html"), subtype="html")
    async with shop.read() as db:
        page = mail_page(await frame(db), f"previews/{id_}", mail)
    return shop.page(request, "demo/mail.html", page)


@get("/mail/previews/{id_:str}/html", media_type=HTML)
async def show_preview_html(id_: FromPath[str], shop: NamedDependency[Shop]) -> Answer:
    html = _part(shop, _sample(shop, id_), "body.html")
    return Response(html.encode(), media_type=HTML, headers={"content-security-policy": ALONE})


def _sample(shop: Shop, id_: str) -> Sample:
    for sample in samples(shop.settings):
        if sample.id == id_:
            return sample
    raise NotFound("preview")


def _part(shop: Shop, sample: Sample, name: str) -> str:
    return shop.render(f"email/{sample.template}/{name}", sample.view, link=sample.link).decode()
