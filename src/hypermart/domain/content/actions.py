"""What can be done to pages of words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
import nh3
from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.content.models import ContentPage

#: No id, class, style or event handler: a text can shape its words and nothing around them.
TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "code"),
    *("strong", "b", "em", "i", "u", "s", "sub", "sup", "small", "a", "abbr", "cite", "q"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href"}, "abbr": {"title"}, "th": {"scope", "colspan", "rowspan"}, "td": {"colspan", "rowspan"}}


def sanitised(html: str) -> str:
    """Words, links and tables of `html`; no script, style, picture, form or htmx attribute."""
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        clean_content_tags={"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "title"},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener nofollow",
    ).strip()


class PageText(msgspec.Struct, frozen=True):
    title: str
    body: str
    """HTML; sanitised when it is written."""
    description: str = ""
    position: int = 0


async def write_page(db: WriteSession, slug: str, text: PageText, at: datetime) -> bool:
    """The page `slug` says this; True if it said something else before."""
    page = await db.scalar(select(ContentPage).where(ContentPage.slug == slug))
    wanted = {**msgspec.structs.asdict(text), "body": sanitised(text.body)}
    if page and all(getattr(page, key) == value for key, value in wanted.items()):
        return False
    if page is None:
        page = ContentPage(slug=slug, updated_at=at)
        db.add(page)
    for key, value in wanted.items():
        setattr(page, key, value)
    page.updated_at = at
    await db.flush()
    return True


async def write_pages(db: WriteSession, pages: Mapping[str, PageText], at: datetime) -> list[str]:
    """The pages say this, by slug; gives those that said something else before."""
    return [slug for slug, text in pages.items() if await write_page(db, slug, text, at)]
