"""Pages of words out of a folder of HTML files."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path
from string import Template

from hypermart.domain.content.actions import PageText
from hypermart.errors import Refused

NAME = re.compile(r"(?:(\d{1,4})-)?([a-z0-9]+(?:-[a-z0-9]+)*)\.html")
HEAD = re.compile(r'\s*<title>([^<]+)</title>\s*(?:<meta name="description" content="([^"]*)">)?')
LARGEST, LONGEST_TITLE, LONGEST_SLUG = 1_000_000, 255, 190
"""Bytes; characters."""


class BadPages(Refused):
    """Nothing was read; the message is one line with the fix."""


def read_pages(folder: Path, shop_name: str) -> dict[str, PageText]:
    """By slug, in the order of the menu: `4-terms.html` is the page `terms`. Raises BadPages.

    A file begins with its title and may go on with a description, `<meta name="description" content="...">`; the rest
    is its text. `$shop` is the name of the shop.
    """
    if not folder.is_dir():
        raise BadPages(f"{folder} is no folder: name the one that holds the pages, like terms.html")
    found: dict[str, PageText] = {}
    for position, (slug, file) in enumerate(_named(folder.glob("*.html")), start=1):
        if slug in found:
            raise BadPages(f"{file} is a second page {slug}: keep one of them")
        found[slug] = _page(file, position, shop_name)
    if not found:
        raise BadPages(f"there is no page in {folder}: put files like terms.html there")
    return found


def _named(files: Iterable[Path]) -> list[tuple[str, Path]]:
    rows = []
    for file in files:
        match = NAME.fullmatch(file.name)
        if match is None or len(match[2]) > LONGEST_SLUG:
            raise BadPages(f"{file} has no name for an address: use small letters, digits and hyphens, like terms.html")
        rows.append((int(match[1] or 0), match[2], file))
    return [(slug, file) for _, slug, file in sorted(rows)]


def _page(file: Path, position: int, shop_name: str) -> PageText:
    try:
        if file.stat().st_size > LARGEST:
            raise BadPages(f"{file} is larger than {LARGEST // 1_000_000} MB: make it shorter")
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadPages(f"{file} is not UTF-8: save it so") from None
    except OSError as error:
        raise BadPages(f"{file} cannot be read: {error.strerror}") from None
    head = HEAD.match(text)
    if head is None:
        raise BadPages(f"{file} has no title: begin it with <title>...</title>")
    title, description = (_named_for(html.unescape(part or ""), shop_name).strip() for part in head.groups())
    if not 0 < len(title) <= LONGEST_TITLE:
        raise BadPages(f"the title of {file} has {len(title)} characters: write 1 to {LONGEST_TITLE}")
    return PageText(title, _named_for(text[head.end() :], html.escape(shop_name)), description, position)


def _named_for(text: str, shop_name: str) -> str:
    return Template(text).safe_substitute(shop=shop_name)
