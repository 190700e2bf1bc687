"""Pages of words: about, delivery, returns, privacy, accessibility."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, Label, LongText, Slug, exact


class ContentPage(Base):
    __tablename__ = "content_pages"

    id: Mapped[Id]
    slug: Mapped[Slug] = mapped_column(exact(190), unique=True)
    title: Mapped[Label]
    body: Mapped[LongText]
    """Sanitised HTML."""
    description: Mapped[LongText] = mapped_column(default="")
    position: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[At]

    def cache_keys(self) -> Iterable[str]:
        return "menu", f"content:{self.slug}"
