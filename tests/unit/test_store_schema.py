"""The migrations make exactly the tables that the code names, on both databases."""

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from agent.store.database import Database
from agent.store.tables import metadata


def test_a_migrated_database_has_the_tables_that_the_code_names(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_what_points_to_rows_that_go_by_the_thousand_is_found_by_an_index() -> None:
    """A row that goes is looked for where others point to it: without an index, at every one of them."""
    few = {"gaps", "removed_sightings", "reviews", "rulings"}  # point to mailboxes and contacts too, which seldom go
    pointing = {(table, key) for table in metadata.sorted_tables for key in table.foreign_keys}
    unfound = {
        f"{table.name}.{key.parent.name}"
        for table, key in pointing
        if key.parent.name not in _first_columns(table)
        and not (table.name in few and key.column.table.name in ("mailboxes", "contacts"))
    }
    assert unfound == set()


def _first_columns(table: sa.Table) -> set[str]:
    """Columns by which rows of this table are found."""
    unique = [tuple(one.columns) for one in table.constraints if isinstance(one, sa.UniqueConstraint)]
    indexes = [tuple(one.columns) for one in table.indexes]
    return {columns[0].name for columns in (*indexes, *unique, tuple(table.primary_key.columns)) if columns}
