"""The migrations make exactly the tables that the code names, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from agent.store.database import Database
from agent.store.tables import metadata


def test_a_migrated_database_has_the_tables_that_the_code_names(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
