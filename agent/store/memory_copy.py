"""A copy of the database in memory: a dry run works on it for real, and nothing it does reaches the disk."""

import sqlalchemy as sa

from agent.store.database import IN_MEMORY, Database
from agent.store.tables import changes, metadata, texts

_LEFT_OUT = {changes.name, texts.name}
"""Large, and no decision reads them."""


def copy_to_memory(database: Database) -> Database:
    """All tables that decisions rest on, read in one snapshot."""
    copy = Database(IN_MEMORY)
    with copy.write() as target:
        target.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        metadata.create_all(target)
        with database.read() as source:
            for table in metadata.sorted_tables:
                if table.name not in _LEFT_OUT:
                    _copy(source, target, table)
    return copy


def _copy(source: sa.Connection, target: sa.Connection, table: sa.Table) -> None:
    for some in source.execute(sa.select(table)).mappings().partitions(5000):
        target.execute(sa.insert(table), [dict(row) for row in some])
