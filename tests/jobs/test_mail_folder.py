"""The mailbox in a folder: whole files, one for each Message-ID, read back as they were sent."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from pathlib import Path

import pytest

from hypermart.adapters.mail import MailFolder
from hypermart.errors import NotFound


def mail(id_: str, text: str = "Hello") -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"], message["Subject"] = f"<{id_}@example.com>", f"Mail {id_}"
    message.set_content(text, cte="quoted-printable")
    return message


ODD = [
    "= at the end =\n.\n..\nFrom here\n",
    "trailing blank \ntab\t\n\n\n",
    "a" * 2000 + "\n",
    "é€漢👩🏽‍🎨" * 300 + "\n",
    "=C3=A9 is no é\n",
    "-- \nsignature\n",
]


@pytest.mark.parametrize("text", ODD)
async def test_a_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    box = MailFolder(tmp_path / "mail")
    await box.keep(mail("1", text))
    ((id_, _),) = await box.newest(5)
    assert (await box.read(id_)).get_content().replace("\r\n", "\n") == text


async def test_the_newest_comes_first(tmp_path: Path) -> None:
    box = MailFolder(tmp_path / "mail")
    assert await box.newest(5) == []
    for id_ in "abc":
        await box.keep(mail(id_))
        await asyncio.sleep(0.02)
    assert [str(found["Subject"]) for _, found in await box.newest(2)] == ["Mail c", "Mail b"]


async def test_one_file_for_a_message_id_however_many_send_it_at_once(tmp_path: Path) -> None:
    box = MailFolder(tmp_path / "mail")
    await asyncio.gather(*(box.keep(mail("same")) for _ in range(20)), box.keep(mail("other")))
    assert len(list((tmp_path / "mail").iterdir())) == 2
    assert sorted(str(found["Subject"]) for _, found in await box.newest(5)) == ["Mail other", "Mail same"]


@pytest.mark.parametrize("id_", ["", "0" * 32, "../secret", "..%2fsecret", "0" * 31 + "/", "A" * 32, "0" * 32 + "\n"])
async def test_what_is_not_there_is_not_found(tmp_path: Path, id_: str) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "secret.eml").write_text("Subject: secret\n\n")
    with pytest.raises(NotFound):
        await MailFolder(tmp_path / "mail").read(id_)
