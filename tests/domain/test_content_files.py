"""`hypermart import pages FOLDER`: what a folder says, what may be wrong with it, and what the shop then shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from hypermart.app import create_app
from hypermart.cli import main
from hypermart.db.outbox import Outbox
from hypermart.domain.content.files import LARGEST, BadPages, read_pages
from hypermart.services import opened
from hypermart.settings import Settings
from tests.parts.server import free_port, serving

TERMS = "<title>Terms &amp; more of $shop</title>\n<p onclick='x()'>$shop asks for $5.<script>alert(1)</script></p>\n"
RETURNS = '<title>Returns</title>\n<meta name="description" content="Of &quot;prints&quot;">\n<p>30 days.</p>\n'
Command = Callable[[Path], tuple[int, list[str], list[str]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "10-terms.html").write_text(TERMS)
    (folder / "2-returns.html").write_text(RETURNS, encoding="utf-8-sig")
    (folder / "notes.txt").write_text("no page")
    return folder


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Its exit code, and what it said on stdout and stderr."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("DATA_DIR", str(settings.data))
    monkeypatch.setenv("SECRET_KEY", settings.secret_key)
    monkeypatch.setenv("SHOP_NAME", "Prints & Co")

    def run(folder: Path) -> tuple[int, list[str], list[str]]:
        code = main(["import", "pages", str(folder)])
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err.splitlines()

    return run


def test_names_say_address_and_place(folder: Path) -> None:
    pages = read_pages(folder, "Prints & Co")
    assert list(pages) == ["returns", "terms"]
    assert [(page.title, page.description, page.position) for page in pages.values()] == [
        ("Returns", 'Of "prints"', 1),
        ("Terms & more of Prints & Co", "", 2),
    ]


def write(name: str, content: bytes | str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (write("terms.html", TERMS), "is a second page terms"),
        (write("Our Terms.html", TERMS), "has no name for an address"),
        (write("a" * 191 + ".html", TERMS), "has no name for an address"),
        (write("x.html", "<p>words</p>"), "has no title"),
        (write("x.html", "<title> </title>"), "has 0 characters"),
        (write("x.html", f"<title>{'x' * 256}</title>"), "has 256 characters"),
        (write("x.html", "<title>é</title>".encode("latin-1")), "is not UTF-8"),
        (write("x.html", b"<title>x</title>" + b" " * LARGEST), "is larger than 1 MB"),
        (lambda folder: (folder / "x.html").mkdir(), "cannot be read: Is a directory"),
        (lambda folder: [file.unlink() for file in folder.iterdir()], "there is no page in"),
        (lambda folder: folder.rename(folder.with_name("elsewhere")), "is no folder"),
    ],
    ids=[
        "two",
        "name",
        "long name",
        "no title",
        "empty title",
        "long title",
        "latin-1",
        "large",
        "folder",
        "none",
        "no folder",
    ],
)
def test_what_cannot_be_read_is_one_line(folder: Path, spoil: Callable[[Path], Any], reason: str) -> None:
    spoil(folder)
    with pytest.raises(BadPages, match=reason) as raised:
        read_pages(folder, "Prints")
    assert "\n" not in str(raised.value)


def test_pages_are_written_once_and_purged(folder: Path, command: Command, settings: Settings) -> None:
    assert command(folder) == (0, ["/pages/returns: written", "/pages/terms: written"], [])
    assert asyncio.run(purged(settings)) == [{"keys": ["content:returns", "content:terms", "menu"]}]
    (folder / "2-returns.html").write_text(RETURNS.replace("30", "14"))
    assert command(folder) == (0, ["/pages/returns: written", "/pages/terms: unchanged"], [])
    with serving(create_app(settings), free_port()) as base:
        terms = httpx.get(f"{base}/pages/terms").text
        assert "<p>Prints &amp; Co asks for $5.</p>" in terms
        assert ">Terms &amp; more of Prints &amp; Co</h1>" in terms
        assert "14 days." in httpx.get(f"{base}/pages/returns").text


def test_a_bad_page_writes_none(folder: Path, command: Command, settings: Settings) -> None:
    (folder / "x.html").write_text("<p>words</p>")
    code, said, wrong = command(folder)
    assert (code, said, len(wrong)) == (2, [], 1)
    assert asyncio.run(purged(settings)) == []


async def purged(settings: Settings) -> list[dict[str, Any]]:
    async with opened(settings) as services, services.db.fresh() as db:
        rows = await db.execute(select(Outbox.args).where(Outbox.job == "purge_pages").order_by(Outbox.id))
        return list(rows.scalars())
