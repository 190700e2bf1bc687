"""The headers of mails: whatever shoppers type, there is one recipient, one subject, and nothing of theirs beside."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermart.errors import Refused
from hypermart.jobs.letters import Letter, recipient, written
from hypermart.jobs.task import Task
from hypermart.ports import Mailbox
from hypermart.qa.clock import START
from hypermart.services import Services
from hypermart.settings import BadSetting, load
from tests.jobs.mails import fine, page


def sent(services: Services, name: str = "Ada", email: str = "ada@example.com", id_: int = 7) -> EmailMessage:
    letter = Letter("mail_order_confirmation", name, email, page(), "http://127.0.0.1:8000/orders/1001?t=x")
    return written(services, Task(id_, START), letter)


def read(mail: EmailMessage) -> EmailMessage:
    return message_from_bytes(mail.as_bytes(), policy=policy.default)


async def test_what_every_mail_says(services: Services) -> None:
    mail = sent(services)
    assert dict(mail.items()) | {"Content-Type": ""} == {
        "From": "Plate & Paper <shop@localhost>",
        "To": "Ada <ada@example.com>",
        "Subject": "Your order 1001 at Plate & Paper",
        "Date": "Mon, 02 Nov 2026 12:00:00 +0000",
        "Message-ID": "<outbox.7@127.0.0.1>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": "",
    }
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert all(part["Content-Transfer-Encoding"] == "quoted-printable" for part in mail.iter_parts())
    raw = mail.as_bytes()
    assert raw.isascii()
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


async def test_a_mail_names_the_request_it_comes_from(services: Services) -> None:
    letter = Letter("mail_order_confirmation", "Ada", "ada@example.com", page(), "http://127.0.0.1:8000/orders/1?t=x")
    assert written(services, Task(7, START, "request-1"), letter)["X-Request-Id"] == "request-1"


async def test_every_attempt_has_the_same_message_id_and_each_row_its_own(services: Services) -> None:
    assert sent(services)["Message-ID"] == sent(services)["Message-ID"] != sent(services, id_=8)["Message-ID"]


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("http://[::1]:8000", "[::1]"),
        (f"https://{'shop.' * 20}example", f"{'shop.' * 20}example"),
    ],
    ids=["idn", "ipv6", "long"],
)
async def test_a_message_id_names_the_shops_host(services: Services, base_url: str, host: str) -> None:
    settings = msgspec.structs.replace(services.settings, base_url=base_url)
    mail = sent(Services(**{**vars(services), "settings": settings}))
    assert f"\r\nMessage-ID: <outbox.7@{host}>\r\n".encode() in mail.as_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "Ada\r\nBcc: all@example.com",
        "Ada\nX-Odd: 1\n\nBody",
        "Ada\u2028Bcc: all@example.com",
        '"Ada" <eve@example.com>, Bob',
        "Größe, Émile (c/o Eve <eve@example.com>); " * 5,
        "=?utf-8?q?Ada=0ABcc=3A_all=40example=2Ecom?=",
        "👩🏽‍🎨 عمر הגל 漢字 " * 20,
        "A" * 3000,
        "",
        "\x00\x1b[31m",
    ],
)
async def test_a_name_adds_no_recipient_and_no_header(services: Services, name: str) -> None:
    plain, mail = sent(services), read(sent(services, name))
    assert [address.addr_spec for address in mail["To"].addresses] == ["ada@example.com"]
    assert mail.keys() == plain.keys()
    assert not mail.defects


@given(name=st.text(max_size=120), local=st.from_regex(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,20}", fullmatch=True))
def test_any_name_and_address_give_one_recipient(name: str, local: str) -> None:
    address = recipient(name.encode("utf-8", "ignore").decode(), f"{local}@example.com")
    mail = EmailMessage(policy=policy.SMTP)
    mail["To"] = address
    raw = mail.as_bytes()
    again = message_from_bytes(raw, policy=policy.default)
    assert again.keys() == ["To"]
    (found,) = again["To"].addresses
    assert found.domain == "example.com"
    assert raw.isascii()
    assert len(re.findall(rb"@", raw)) == 1


@pytest.mark.parametrize(
    ("email", "at"),
    [
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@faß.de", "ada@xn--fa-hia.de"),  # not fass.de, which is somebody else's
        ("ada@例え.jp", "ada@xn--r8jz45g.jp"),
        ("ada@my_host.example", "ada@my_host.example"),
    ],
)
async def test_a_domain_in_any_script(services: Services, email: str, at: str) -> None:
    mail = sent(services, email=email)
    assert mail.as_bytes().isascii()
    assert read(mail)["To"].addresses[0].addr_spec == at


async def test_a_local_part_in_any_script_is_sent_as_utf8(services: Services) -> None:
    mail = sent(services, "Dörte", "dörte@bücher.example")
    assert "<dörte@xn--bcher-kva.example>".encode() in mail.as_bytes()
    await services.mail.send(mail, fine)
    assert isinstance(services.mail, Mailbox)
    ((_, kept),) = await services.mail.newest(5)
    assert str(kept["To"]) == "Dörte <dörte@xn--bcher-kva.example>"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@example.com\r\nBcc: all@example.com",
        "ada@example.com\n",
        "ada@example.com,eve@example.com",
        "Ada <ada@example.com>",
        '"ada eve"@example.com',
        "ada\x00@example.com",
        "ada\u202e@example.com",
        "ada@-ö-.example",
        "ada@a..example",
    ],
)
async def test_what_is_no_address_is_refused_in_one_line(services: Services, email: str) -> None:
    with pytest.raises(Refused) as refused:
        sent(services, email=email)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("shop_name", ['A, B & "C" GmbH', "Größe\nBcc: x@y.example", "店"])
async def test_a_shop_of_any_name(services: Services, shop_name: str) -> None:
    settings = load({"SHOP_NAME": shop_name, "DATA_DIR": str(services.settings.data)})
    mail = read(sent(Services(**{**vars(services), "settings": settings})))
    assert [address.addr_spec for address in mail["From"].addresses] == ["shop@localhost"]
    assert mail["From"].addresses[0].display_name == " ".join(shop_name.split())
    assert mail["Subject"] == f"Your order 1001 at {' '.join(shop_name.split())}"
    assert mail["Bcc"] is None


def test_from_whom_can_be_set() -> None:
    assert load({"MAIL_FROM": "Größe <shop@example.com>"}).mail_from == "Größe <shop@example.com>"


@pytest.mark.parametrize(
    "value", ["shop", "Shop <>", "a@b.example, c@d.example", "A <a@b.example>\nBcc: x@y.example", "<shop@ö.example>"]
)
def test_a_sender_that_cannot_be_used_is_refused(value: str) -> None:
    with pytest.raises(BadSetting, match=r"^MAIL_FROM") as refused:
        load({"MAIL_FROM": value})
    assert "\n" not in str(refused.value)


def test_the_example_account_is_not_for_real_shops() -> None:
    assert load({"MODE": "production"}).shop_bank == ()
    assert any("IBAN" in row for row in load({"MODE": "demo"}).shop_bank)
    assert load({"SHOP_BANK": "Ada; IBAN 1 ;"}).shop_bank == ("Ada", "IBAN 1")
