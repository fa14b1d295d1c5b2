"""Statements straight to the driver: what SQLAlchemy does around each takes longer than most of those of a pass.

Called by `agent.store.prepared` and for the lock of the feed. Connections, transactions and the errors that come out
stay SQLAlchemy's.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor, DBAPIModule

Parameters = Sequence[object] | Mapping[str, object]


def rows(connection: sa.Connection, sql: str, parameters: Parameters) -> Sequence[tuple[Any, ...]]:
    """What a question finds, as the driver hands it out."""
    with _cursor(connection, sql) as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def change(connection: sa.Connection, sql: str, parameters: Parameters) -> int:
    """Carries out a change; how many rows it met."""
    with _cursor(connection, sql) as cursor:
        cursor.execute(sql, parameters)
        return cursor.rowcount


@contextmanager
def _cursor(connection: sa.Connection, sql: str) -> Iterator[DBAPICursor]:
    """In a transaction of the connection, as SQLAlchemy begins one with the first statement."""
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        yield cursor
    except connection.dialect.loaded_dbapi.Error as error:
        raise _fault(connection, sql, error) from error
    finally:
        cursor.close()


def _fault(connection: sa.Connection, sql: str, error: DBAPIModule.Error) -> sa.exc.DBAPIError:
    """The error that SQLAlchemy would raise. What was asked with stays out of it."""
    dialect = connection.dialect
    ended = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if ended:
        with suppress(sa.exc.DBAPIError):  # it is to meet the end itself: then it opens all others anew
            connection.exec_driver_sql("SELECT 1")
    told = sa.exc.DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error, connection_invalidated=ended, dialect=dialect
    )
    assert isinstance(told, sa.exc.DBAPIError)  # noqa: S101 - tells mypy what errors of a driver become
    return told
