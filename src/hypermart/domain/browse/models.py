"""The search index: what the search engine of the dialect matches on. Filled by actions.index_products()."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import Base, LongText, exact


class SearchText(Base):
    """The words of one listed product, folded and marked by search.py. FULLTEXT on MySQL; SQLite mirrors it in FTS5."""

    __tablename__ = "search_texts"

    product_id: Mapped[int] = mapped_column(
        ForeignKey("listings.product_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    words: Mapped[LongText]
    """Title, byline, brand, tags, attributes and SKUs."""


class SearchWord(Base):
    """The vocabulary for "did you mean": each folded word that some product uses."""

    __tablename__ = "search_words"

    word: Mapped[str] = mapped_column(exact(64), primary_key=True)
