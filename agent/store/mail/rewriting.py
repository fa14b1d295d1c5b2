"""Makes the database's own files forget what its tables forgot: no byte of a deleted row stays in them.

Owed after an erasure, as a chore in the transaction that erased; so whoever is killed in between leaves it to the next
run. On SQLite: the write-ahead log goes into the file, and the file is written anew. On PostgreSQL: the tables are
written anew; its own log and its backups keep to the server's rules, which are the administrator's.
"""

import sqlite3
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from agent.store.database import Database, sqlite_file
from agent.store.errors import StoreError
from agent.store.tables import chores, metadata

REWRITE = "rewrite"
"""The chore's name."""

IN_MEMORY_UP_TO = 256 * 1024 * 1024
"""Bytes of a database that is written anew in memory; a larger one by way of a file, which SQLite takes away again."""


def owe(database: Database, connection: sa.Connection, now: datetime) -> None:
    """Notes that the files are to be written anew, in the transaction that deletes."""
    database.insert_new(connection, chores, [{"name": REWRITE, "since": now}])


def is_owed(database: Database) -> bool:
    """Whether rows went since the files were last written anew."""
    with database.read() as connection:
        query = sa.select(chores.c.name).where(chores.c.name == REWRITE)
        return connection.execute(query).first() is not None


def rewrite(database: Database) -> bool:
    """Writes the files anew if that is owed. False where others kept it from it: then it stays owed."""
    if not is_owed(database):
        return True
    try:
        _rewrite_sqlite(database) if database.is_sqlite else _rewrite_postgresql(database)
    except (sqlite3.OperationalError, DBAPIError, StoreError):  # others read or write just now, or the disk is full
        return False
    with database.write() as connection:
        connection.execute(sa.delete(chores).where(chores.c.name == REWRITE))
    return True


def _rewrite_sqlite(database: Database) -> None:
    """Readers may hold back the log; it is asked again behind the rewriting."""
    with database.alone() as driver:
        file = sqlite_file(str(database.engine.url))
        if file is not None and file.stat().st_size > IN_MEMORY_UP_TO:
            driver.execute("PRAGMA temp_store = FILE")
        try:
            driver.execute("VACUUM")
        finally:
            driver.execute("PRAGMA temp_store = MEMORY")
        (busy, _, _) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError("somebody reads an older state of the database")


def _rewrite_postgresql(database: Database) -> None:
    """Each table by itself, so that nobody waits for more than one."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SET lock_timeout = '30s'"))
        for table in metadata.sorted_tables:
            connection.execute(sa.text(f"VACUUM (FULL) {table.name}"))
        connection.execute(sa.text("RESET lock_timeout"))
