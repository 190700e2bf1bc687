"""Search words: how text is folded, how each dialect's engine matches, and what was probably meant. It never ranks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeAlias

from rapidfuzz.distance import DamerauLevenshtein
from rapidfuzz.process import extractOne
from sqlalchemy import (
    ColumnElement,
    Dialect,
    Select,
    String,
    TypeDecorator,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql import functions
from sqlalchemy.sql.compiler import SQLCompiler

from hypermart.db.session import AnySession
from hypermart.domain.browse.models import SearchText, SearchWord

#: Stands before every stored word, because FULLTEXT drops stop words and words under three letters.
MARK = "zq"
MAX_TERMS = 8
#: One part in so many is most: where both ways take about as long on MySQL (docs/performance.md).
MOST = 3
#: Products at either end of the shop that are looked at to tell what is most.
SAMPLE = 200
#: (word, whether longer words that begin with it match too)
Terms: TypeAlias = tuple[tuple[str, bool], ...]
Words: TypeAlias = ColumnElement[str] | InstrumentedAttribute[str]

_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> list[str]:
    """The words of `text` without case, accents and punctuation: "L'été à Sète" -> l ete a sete."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return [word[:64] for word in _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))]


def marked(words: Iterable[str]) -> str:
    """`words` as they stand in search_texts.words."""
    return " ".join(MARK + word for word in words)


def terms(query: str) -> Terms:
    """What a query asks for: all its words; the last one, and any of three letters or more, as a beginning."""
    words = fold(query)[:MAX_TERMS]
    return tuple((word, len(word) > 2 or place == len(words) - 1) for place, word in enumerate(words))


class _Terms(TypeDecorator[Terms]):
    """Terms in the dialect's query language. Words are letters and digits only, so nothing needs escaping."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Terms | None, dialect: Dialect) -> str:
        sign = "+" if dialect.name == "mysql" else ""
        return " ".join(f"{sign}{MARK}{word}{'*' if is_prefix else ''}" for word, is_prefix in value or ())


class Matches(functions.GenericFunction[bool]):
    """Whether the words of a search text contain all terms of the parameter, by the engine's index."""

    inherit_cache = True
    name = "matches"

    def __init__(self, parameter: str) -> None:
        super().__init__(SearchText.product_id, SearchText.words, bindparam(parameter, type_=_Terms()))


@compiles(Matches, "sqlite")
def _fts5(element: Matches, compiler: SQLCompiler, **kw: Any) -> str:
    product_id, _, query = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{product_id} IN (SELECT rowid FROM search_fts WHERE search_fts MATCH {query})"


@compiles(Matches, "mysql")
def _fulltext(element: Matches, compiler: SQLCompiler, **kw: Any) -> str:
    _, words, query = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"MATCH ({words}) AGAINST ({query} IN BOOLEAN MODE)"


def matches() -> ColumnElement[bool]:
    """Search texts with all of `terms`, by the engine's index: fast as long as few have them."""
    return Matches("terms")


def contains(count: int, words: Words = SearchText.words) -> list[ColumnElement[bool]]:
    """The same by reading all words: search texts like each of `count` patterns()."""
    return [(literal(" ") + words + literal(" ")).like(bindparam(f"pattern{number}")) for number in range(count)]


def patterns(terms: Terms) -> dict[str, str]:
    """Words are letters and digits only, so nothing needs escaping."""
    ends = (MARK + word + ("" if is_prefix else " ") for word, is_prefix in terms)
    return {f"pattern{number}": f"% {end}%" for number, end in enumerate(ends)}


async def is_in_most(db: AnySession, terms: Terms) -> bool:
    """Whether so many search texts have all of `terms` that reading them all is faster than looking each one up.

    Judged by the oldest and the newest products: counting what matches takes as long as finding it, and either way
    finds the same.
    """
    return bool((await db.execute(_is_in_most(len(terms)), patterns(terms))).scalar())


@lru_cache(maxsize=MAX_TERMS)
def _is_in_most(count: int) -> Select[bool]:
    oldest, newest = (
        select(SearchText.words).order_by(place).limit(SAMPLE).subquery()
        for place in (SearchText.product_id, SearchText.product_id.desc())
    )
    sample = union_all(select(oldest.c.words), select(newest.c.words)).subquery()
    found = func.sum(case((and_(*contains(count, sample.c.words)), 1), else_=0))
    return select(found * MOST > func.count()).select_from(sample)


async def did_you_mean(db: AnySession, query: str) -> str:
    """`query` with each word that no product uses replaced by the nearest one that some does; "" if none is near."""
    words = fold(query)[:MAX_TERMS]
    near = select(SearchWord.word).where(or_(*(_is_near(word) for word in words)))
    vocabulary = list((await db.execute(near)).scalars())
    meant = [_nearest(word, vocabulary) for word in words]
    return " ".join(meant) if all(meant) and meant != words else ""


def _is_near(word: str) -> ColumnElement[bool]:
    """Of about the same length, and with the first letter or the last two; the distance itself is counted later."""
    is_alike = or_(SearchWord.word.startswith(word[0]), SearchWord.word.endswith(word[-2:]))
    return and_(func.char_length(SearchWord.word).between(len(word) - 2, len(word) + 2), is_alike)


def _nearest(word: str, vocabulary: list[str]) -> str:
    """The word itself if it is in use (or too short to be in the vocabulary); "" if nothing is near."""
    if len(word) < 3:
        return word
    best = extractOne(word, vocabulary, scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=0.65)
    return best[0] if best else ""
