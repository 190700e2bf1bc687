"""The mailbox of demo shops: what was sent can be read there, safely; a production shop has none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import EmailMessage

import httpx
import msgspec
import pytest

from hypermart.app import create_app
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from hypermart.settings import Settings
from tests.jobs.mails import fine
from tests.parts.visitor import visiting

HTML = '<!doctype html><html lang="en"><title>x</title><p style="color:green"><a href="http://shop.test/orders/1?t=a&amp;b">Order</a>'


def mail(id_: str = "1", html: str = HTML, subject: str = "Your order 1001") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "Plate & Paper <shop@localhost>", "Ada <ada@example.com>"
    message["Subject"], message["Message-ID"] = subject, f"<{id_}@example.com>"
    message.set_content("Hello\nAda <b>\n\nhttp://shop.test/orders/1?t=a&b\n")
    if html:
        message.add_alternative(html, subtype="html")
    return message


@pytest.fixture
async def http(services: Services, clock: QaClock) -> AsyncIterator[httpx.AsyncClient]:
    async with visiting(create_app(services.settings, clock=clock)) as client:
        yield client


async def sent(services: Services, *mails: EmailMessage) -> str:
    """The address of the last one."""
    for each in mails:
        await services.mail.send(each, fine)
    (path,) = (services.settings.data / "mail").glob("*.eml") if len(mails) == 1 else (None,)
    return f"/mail/{path.stem}" if path else ""


async def test_an_empty_mailbox_says_so(http: httpx.AsyncClient) -> None:
    answer = await http.get("/mail")
    assert answer.status_code == 200
    assert "No mail has been sent yet." in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_mails_are_listed(http: httpx.AsyncClient, services: Services) -> None:
    await sent(services, mail("1"), mail("2", subject="<b>Odd</b> 👩🏽‍🎨"), mail("3", subject=""))
    text = (await http.get("/mail")).text
    assert text.count('<li><p><a href="/mail/') == 3
    for words in ("Your order 1001", "&lt;b&gt;Odd&lt;/b&gt; 👩🏽‍🎨", "No subject", "Ada &lt;ada@example.com&gt;"):
        assert words in text


async def test_a_mail_is_read(http: httpx.AsyncClient, services: Services) -> None:
    path = await sent(services, mail())
    answer = await http.get(path, headers={"host": "evil.example"})
    assert answer.headers["cache-control"] == "no-store"
    for words in ("&lt;1@example.com&gt;", "Ada &lt;b&gt;", f'href="{path}/html"', "shop@localhost"):
        assert words in answer.text
    assert answer.text.count('<a href="http://shop.test/orders/1?t=a&amp;b">') == 1
    assert "evil.example" not in answer.text


async def test_the_html_part_is_a_page_of_its_own_that_can_do_nothing(
    http: httpx.AsyncClient, services: Services
) -> None:
    answer = await http.get(await sent(services, mail()) + "/html")
    assert answer.text.replace("\r\n", "\n").strip() == HTML
    (policy,) = answer.headers.get_list("content-security-policy")
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline';")
    assert "script-src" not in policy
    assert "allow-" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_other_pages_keep_the_strict_policy(http: httpx.AsyncClient, services: Services) -> None:
    path = await sent(services, mail())
    for other in ("/mail", path, "/livez", "/mail/0000"):
        (policy,) = (await http.get(other)).headers.get_list("content-security-policy")
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy


@pytest.mark.parametrize("path", ["/mail/x", f"/mail/{'0' * 32}", f"/mail/{'0' * 32}/html", "/mail/..%2f..%2fsecret"])
async def test_what_is_not_there_is_404(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


async def test_a_mail_without_html_has_no_such_page(http: httpx.AsyncClient, services: Services) -> None:
    path = await sent(services, mail(html=""))
    assert f"{path}/html" not in (await http.get(path)).text
    assert (await http.get(f"{path}/html")).status_code == 404


async def test_a_broken_file_is_no_500(http: httpx.AsyncClient, services: Services) -> None:
    folder = services.settings.data / "mail"
    folder.mkdir()
    odd = {"a": b"\xff\xfe not a mail\r\nContent-Type: text/plain; charset=no-such\r\n\r\n\xff"}
    odd["b"] = b"Content-Type: text/html\r\nDate: now\r\n\r\n<p>\xff"
    for letter, content in odd.items():
        (folder / f"{letter * 32}.eml").write_bytes(content)
    for path in ("/mail", *(f"/mail/{letter * 32}" for letter in odd), f"/mail/{'b' * 32}/html"):
        assert (await http.get(path)).status_code == 200, path


async def test_a_production_shop_has_no_mailbox(settings: Settings, clock: QaClock, services: Services) -> None:
    path = await sent(services, mail())
    real = msgspec.structs.replace(settings, mode="production", gateway_url="none:")
    async with visiting(create_app(real, clock=clock)) as client:
        for each in ("/mail", path, f"{path}/html"):
            assert (await client.get(each)).status_code == 404
