"""The migrations lead from nothing to exactly the models, on both dialects."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData, inspect, text

from hypermart.db import migrate
from hypermart.db.session import Database
from hypermart.settings import Settings
from hypermart.tables import metadata

#: Search engines' own objects: no model describes them, and the two dialects have different ones.
SEARCH_TABLES = ("search_fts",)
SEARCH_INDEXES = ("ft_search_texts_words",)


#: Alembic cannot compare it; that one cart has one live attempt is tested by trying (tests/domain/test_attempts.py).
COMPUTED = "live_cart_id"


def is_ours(_: object, name: str | None, kind: str, *__: object) -> bool:
    if kind == "column":
        return name != COMPUTED
    if kind == "table":
        return not (name or "").startswith(SEARCH_TABLES)
    return kind != "index" or name not in SEARCH_INDEXES


def is_other_default(*defaults: Any) -> bool:
    """MySQL tells `false` as '0'."""
    there, models = defaults[3], defaults[5]
    words = {"false": "0", "true": "1"}
    there, models = (words.get(str(value).strip("'\"").lower(), str(value).strip("'\"")) for value in (there, models))
    return bool(there != models)


def differences(connection: Connection, models: MetaData = metadata) -> list[Any]:
    options = {"include_object": is_ours, "compare_type": True, "compare_server_default": is_other_default}
    found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), models)
    return found


async def test_migrations_give_exactly_the_models(database: Database) -> None:
    async with database.writer.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_column_that_no_migration_knows_is_seen(database: Database) -> None:
    models = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(models)
    models.tables["products"].append_column(Column("colour", models.tables["products"].c.title.type))
    async with database.writer.connect() as connection:
        found = await connection.run_sync(lambda sync: differences(sync, models))
    assert [change[0] for change in found] == ["add_column"]


async def test_migrating_twice_changes_nothing(database: Database, settings: Settings) -> None:
    folder = settings.root / "migrations"
    assert await migrate.current(database.writer) == migrate.newest(folder)

    async def everything() -> dict[str, list[str]]:
        async with database.writer.connect() as connection:
            return await connection.run_sync(
                lambda sync: {
                    table: sorted(column["name"] for column in inspect(sync).get_columns(table))
                    for table in sorted(inspect(sync).get_table_names())
                }
            )

    before = await everything()
    await migrate.upgrade(database.writer, folder)
    assert await everything() == before
    assert await migrate.current(database.writer) == migrate.newest(folder)


async def test_the_search_engine_of_the_dialect_is_there(database: Database) -> None:
    statement = (
        "SHOW INDEX FROM search_texts WHERE Index_type = 'FULLTEXT'"
        if database.writer.dialect.name == "mysql"
        else "SELECT * FROM sqlite_master WHERE name = 'search_fts'"
    )
    async with database.writer.connect() as connection:
        assert len((await connection.execute(text(statement))).all()) == 1
