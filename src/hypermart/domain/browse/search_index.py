"""Writes the search index: the folded words of each listed product, and the vocabulary for "did you mean"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Select, delete, select

from hypermart.db.bulk import chunks, insert_many, update_many
from hypermart.db.session import WriteSession
from hypermart.domain.browse.models import SearchText, SearchWord
from hypermart.domain.browse.search import fold, marked
from hypermart.domain.catalog.models import (
    Attribute,
    Category,
    CategoryProduct,
    Listing,
    Product,
    ProductAttribute,
    ProductTag,
    Variant,
)

SHORTEST, LONGEST = 3, 64
"""Letters of a word that can be suggested."""


async def index_products(db: WriteSession, product_ids: Iterable[int]) -> None:
    """The index holds these products as they are listed now, and forgets those that are not."""
    await db.flush()
    table = SearchText.__table__
    for ids in chunks(sorted(set(product_ids))):
        wanted = {id_: marked(words) for id_, words in (await _words(db, ids)).items()}
        rows = await db.execute(select(table).where(table.c.product_id.in_(ids)))
        present = {row.product_id: row.words for row in rows}
        if gone := [id_ for id_ in present if id_ not in wanted]:
            await db.execute(delete(SearchText).where(SearchText.product_id.in_(gone)))  # purged by relist
        texts = [{"product_id": id_, "words": words} for id_, words in wanted.items()]
        await insert_many(db, SearchText, [text for text in texts if text["product_id"] not in present])
        changed = [text for text in texts if present.get(text["product_id"], text["words"]) != text["words"]]
        await update_many(db, SearchText, changed, key="product_id")
        await _learn(db, {word for words in wanted.values() for word in words.split()})


async def _learn(db: WriteSession, marked_words: set[str]) -> None:
    """Words are only added: a stale one costs a useless suggestion, never a wrong result."""
    words = {word for word in (each[2:] for each in marked_words) if is_suggestible(word)}
    for piece in chunks(sorted(words)):
        known = set(await db.scalars(select(SearchWord.word).where(SearchWord.word.in_(piece))))
        await insert_many(db, SearchWord, [{"word": word} for word in piece if word not in known])


def is_suggestible(word: str) -> bool:
    return SHORTEST <= len(word) <= LONGEST and word.isalpha()


async def _words(db: WriteSession, ids: list[int]) -> dict[int, list[str]]:
    """product id -> its words in the order of their source, each once."""
    texts: dict[int, list[str]] = defaultdict(list)
    for statement in _sources(ids):
        for product_id, *parts in await db.execute(statement):
            texts[product_id] += (part for part in parts if part)
    listed = await db.scalars(select(Listing.product_id).where(Listing.product_id.in_(ids)))
    return {id_: list(dict.fromkeys(word for text in texts[id_] for word in fold(text))) for id_ in listed}


def _sources(ids: list[int]) -> Iterator[Select[*tuple[Any, ...]]]:
    """Each selects (product id, text, ...)."""
    yield (
        select(Listing.product_id, Listing.title, Listing.byline, Product.brand, Product.kind)
        .join(Product, Product.id == Listing.product_id)
        .where(Listing.product_id.in_(ids))
    )
    yield (
        select(CategoryProduct.product_id, Category.title)
        .join(Category, Category.id == CategoryProduct.category_id)
        .where(CategoryProduct.product_id.in_(ids))
        .order_by(CategoryProduct.product_id, Category.id)
    )
    yield (
        select(ProductTag.product_id, ProductTag.tag)
        .where(ProductTag.product_id.in_(ids))
        .order_by(ProductTag.product_id, ProductTag.tag)
    )
    yield (
        select(ProductAttribute.product_id, ProductAttribute.value)
        .join(Attribute, Attribute.id == ProductAttribute.attribute_id)
        .where(ProductAttribute.product_id.in_(ids), Attribute.type.in_(("text", "number")))
        .order_by(ProductAttribute.product_id, Attribute.position, Attribute.id)
    )
    yield (
        select(Variant.product_id, Variant.sku, Variant.option1, Variant.option2, Variant.option3)
        .where(Variant.product_id.in_(ids))
        .order_by(Variant.product_id, Variant.position, Variant.id)
    )
