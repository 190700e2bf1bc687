"""What stands around every public page: departments, collections, pages of words. One statement."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import literal, null, select, union_all

from hypermart.db.session import AnySession
from hypermart.domain.browse.pages import CategoryRow, Frame, LinkRow
from hypermart.domain.browse.statements import Compound
from hypermart.domain.catalog.models import Category, Collection
from hypermart.domain.content.models import ContentPage

_ALL: Compound = union_all(
    select(literal(0), Category.position, Category.id, Category.parent_id, Category.slug, Category.title),
    select(literal(1), Collection.position, Collection.id, null(), Collection.slug, Collection.title),
    select(literal(2), ContentPage.position, ContentPage.id, null(), ContentPage.slug, ContentPage.title),
)


async def frame(db: AnySession) -> Frame:
    children: dict[int | None, list[tuple[int, str, str]]] = defaultdict(list)
    links: tuple[list[LinkRow], list[LinkRow]] = ([], [])
    for kind, _, id_, parent_id, slug, title in sorted((await db.execute(_ALL)).all(), key=lambda row: row[:3]):
        if kind == 0:
            children[parent_id].append((id_, slug, title))
        else:
            links[kind - 1].append(LinkRow(slug, title))

    def branch(parent: int | None) -> tuple[CategoryRow, ...]:
        return tuple(CategoryRow(id_, slug, title, branch(id_)) for id_, slug, title in children.get(parent, ()))

    return Frame(branch(None), tuple(links[0]), tuple(links[1]))


def trail(frame: Frame, category_id: int | None) -> tuple[CategoryRow, ...]:
    """The categories from the root to `category_id`; empty if it is in no department."""

    def search(rows: tuple[CategoryRow, ...]) -> tuple[CategoryRow, ...]:
        for row in rows:
            if row.id == category_id:
                return (row,)
            if below := search(row.children):
                return (row, *below)
        return ()

    return search(frame.departments)
