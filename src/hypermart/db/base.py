"""The declarative base and the column types both dialects share. Knows no noun."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, String, Text, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time in Python, DATETIME(6) without zone in the database."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name == "mysql" else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value and value.replace(tzinfo=UTC)


def exact(length: int) -> String:
    """Text compared byte by byte (slugs, SKUs, codes), where plain text folds case and accents on MySQL."""
    return String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_0900_bin"), "mysql")


#: SQLite gives row ids only to INTEGER keys.
big = BigInteger().with_variant(Integer, "sqlite")
long_text = Text().with_variant(mysql.MEDIUMTEXT(), "mysql")

Id = Annotated[int, mapped_column(big, primary_key=True)]
Slug = Annotated[str, mapped_column(exact(190))]
Label = Annotated[str, mapped_column(String(255))]
LongText = Annotated[str, mapped_column(long_text)]
Minor = Annotated[int, mapped_column(big)]
At = Annotated[datetime, mapped_column(UtcDateTime)]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)

    def cache_keys(self) -> Iterable[str]:
        """Surrogate keys of the public pages that show this row; collected when it is flushed."""
        return ()
