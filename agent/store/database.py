"""Opens the database and hands out transactions. SQLite in WAL mode, or PostgreSQL; the same rows in both.

Called by `agent.bootstrap`. Promises: one writer at a time in this process on SQLite, a read sees one snapshot,
and nothing is half written. Writers that belong to a mailbox go through `agent.store.unit`.
"""

import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from agent.store import bulk, driver
from agent.store.errors import StoreError as StoreError
from agent.store.errors import Unfit
from config.personal import is_loopback

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

Row = Mapping[str, object]

BUSY_SECONDS = 30
REST_SECONDS = 5
"""After which a connection to a server is asked whether it still is one."""
IN_MEMORY = "sqlite://"
FEED_LOCK = 0x43524D01
"""Advisory lock that puts feed rows in commit order on PostgreSQL; any constant of our own."""
_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""Of PostgreSQL, where each statement would see another state otherwise. SQLite gives one to each transaction."""
_ALONE = "SELECT pg_advisory_xact_lock(%s)"


class Database:
    """One database, shared by all threads of the process."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._reading = self.engine if self.is_sqlite else self.engine.execution_options(**_SNAPSHOT)
        self._in_memory = url == IN_MEMORY  # one connection, so readers wait for the writer too
        self._writer = threading.RLock()
        self._plans: dict[tuple[sa.Table, tuple[str, ...]], bulk.Plan] = {}

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A snapshot. Raises StoreError if the database is out of reach."""
        alone = self._writer if self._in_memory else nullcontext()
        with alone, _reachable(), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sa.Connection]:
        """One transaction, committed at the end. durable: on disk before it returns (intents of remote writes)."""
        if not self.is_sqlite:
            with _reachable(), self.engine.begin() as connection:
                yield connection
            return
        with self._writer, _reachable(), self.engine.connect() as connection:
            connection.info["write"] = True
            try:
                _set_durability(connection, durable=durable)
                with connection.begin():
                    yield connection
            finally:
                connection.info["write"] = False

    def give_up(self, connection: sa.Connection) -> None:
        """Ends a transaction of `write` without a trace: what it would do is known now. Nothing may follow in it."""
        transaction = connection.get_transaction()
        if transaction is not None:
            transaction.rollback()

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """SQLite's own connection outside any transaction, while no writer of this process is at work."""
        with self._writer, self.engine.connect() as connection:
            yield _driver(connection)

    def insert_new(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        """Inserts those rows whose key is not there yet. Rows go in the order given: sort them where workers meet.

        All rows name the same columns.
        """
        if rows:
            bulk.execute(connection, self._plan(table, rows[0], connection.dialect), rows)

    def insert_and_tell(
        self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row], key: str
    ) -> frozenset[object]:
        """The same, and says which were new by the values of their `key`."""
        plan = self._plan(table, rows[0], connection.dialect)
        if not self.is_sqlite:
            return frozenset(bulk.execute(connection, bulk.returning(plan, key), rows).scalars())
        # there is one writer: nobody comes between asking and inserting
        there = [one for (one,) in bulk.among(connection, bulk.values_of(table.c[key]), [row[key] for row in rows])]
        fresh = frozenset(row[key] for row in rows).difference(there)
        if fresh and bulk.execute(connection, plan, [row for row in rows if row[key] in fresh]).rowcount < len(fresh):
            stored = bulk.among(connection, bulk.values_of(table.c[key]), sorted(fresh))
            return frozenset(one for (one,) in stored)  # another key of the others was taken
        return fresh

    def _plan(self, table: sa.Table, row: Row, dialect: sa.Dialect) -> bulk.Plan:
        shape = table, tuple(row)
        if shape not in self._plans:
            self._plans[shape] = bulk.plan(self.ignoring(table), shape[1], dialect)
        return self._plans[shape]

    def ignoring(self, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
        """An INSERT that passes over rows whose key is there already."""
        return self.insert(table).on_conflict_do_nothing()

    def insert(self, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
        """An INSERT of this database's dialect."""
        if self.is_sqlite:
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # takes a tenth of the program's start

        return postgresql.insert(table)

    def serialise(self, connection: sa.Connection) -> None:
        """Holds every other writer that calls this until the commit. SQLite has one writer at a time anyhow."""
        transaction = connection.get_transaction()
        if self.is_sqlite or (transaction is not None and connection.info.get("alone") is transaction):
            return
        driver.rows(connection, _ALONE, (FEED_LOCK,))
        connection.info["alone"] = connection.get_transaction()  # there are no savepoints that could let it go

    def close(self) -> None:
        """Lets go of all connections."""
        self.engine.dispose()


def sqlite_file(url: str) -> Path | None:
    """The file behind an SQLite URL; None for PostgreSQL and for memory."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return None
    return Path(parsed.database)


def _engine(url: str) -> sa.Engine:
    try:
        engine = sa.create_engine(url, json_serializer=bulk.json_text, **_options(url))
    except ModuleNotFoundError as error:
        raise Unfit(_missing(error)) from error
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError) as error:
        raise Unfit(f"store.url cannot be used: {error}; write sqlite:///file.db or postgresql+psycopg://…") from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "do_connect", _make_private)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    else:
        sa.event.listen(engine, "connect", _prepare_postgresql)
        sa.event.listen(engine, "checkin", _rest)
        sa.event.listen(engine, "checkout", partial(_wake, engine.dialect))
    return engine


def _missing(error: ModuleNotFoundError) -> str:
    """PostgreSQL's driver is an extra; those of other databases nobody should install."""
    if error.name == "psycopg":
        return "PostgreSQL cannot be used: its driver is missing: pip install 'crm-sync-agent[postgres]'"
    return f"store.url cannot be used: {error}; write sqlite:///file.db or postgresql+psycopg://…"


def _options(url: str) -> dict[str, Any]:
    if url == IN_MEMORY:  # one connection that all threads share, in turn
        return {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
    return {"pool_size": 10, "max_overflow": 20, "connect_args": _trust(sa.make_url(url))}


def _trust(url: sa.URL) -> dict[str, str]:
    """Off this machine the server must prove who it is, unless somebody says otherwise (libpq, 32.19: SSL Support)."""
    if "sslmode" in url.query or "PGSSLMODE" in os.environ:
        return {}
    named = url.host or url.query.get("host", "")
    hosts = named.split(",") if isinstance(named, str) else named
    near = all(not host or host.startswith("/") or is_loopback(host) for host in hosts)
    return {} if near else {"sslmode": "verify-full"}


def _make_private(_: object, __: object, arguments: Sequence[str], ___: object) -> None:
    """Makes a new file for its owner alone: customers' mail is in it. WAL files take their rights from it."""
    with suppress(OSError):  # it is there already, or SQLite says what is wrong
        if not arguments[0].startswith(("file:", ":memory:")):
            os.close(os.open(arguments[0], os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - tells mypy what the dialect guarantees
    connection.isolation_level = None  # transactions begin where we say, see _begin_sqlite
    for pragma in (
        "journal_mode = WAL",
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "foreign_keys = ON",
        "secure_delete = ON",
        "temp_store = MEMORY",  # sorting must not leave subjects in a temporary file
        "cache_size = -8000",
        "wal_autocheckpoint = 4000",  # 16 MB: pages that one commit after the other touches are copied once
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """All our queries look up some rows by an index: what its planner weighs for large ones makes them slower.

    It would compile some for seconds, start workers for a few milliseconds, and read a whole table rather than a
    thousand rows of it, as disks with arms had it.
    """
    cursor = connection.cursor()
    for setting in ("jit = off", "max_parallel_workers_per_gather = 0", "random_page_cost = 1.1"):
        cursor.execute(f"SET {setting}")
    cursor.close()
    connection.commit()


def _rest(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info["rests_since"] = time.monotonic()


def _wake(dialect: sa.Dialect, connection: DBAPIConnection, entry: ConnectionPoolEntry, _: object) -> None:
    """Asks whether the server is still there, where it may have gone since: a question costs a pass a millisecond."""
    if time.monotonic() - entry.info.get("rests_since", math.inf) < REST_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise sa.exc.InvalidatePoolError from error  # SQLAlchemy opens others


def _set_durability(connection: sa.Connection, *, durable: bool) -> None:
    """SQLite takes this outside a transaction only, so it goes past SQLAlchemy, which would begin one."""
    _driver(connection).execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - tells mypy what the dialect guarantees
    return driver


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("write") else "BEGIN")


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise _unreachable(_first_line(error)) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # faults of statements are faults of the program
            raise
        raise Unfit(
            f"the database cannot be read: {_first_line(error)}; check store.url, or restore a backup"
        ) from error


def _unreachable(reason: str) -> StoreError:
    if reason in _UNFIT:
        return Unfit(_UNFIT[reason])
    if any(mark in reason for mark in _UNPROVEN):
        return Unfit(
            f"the database's server does not prove who it is: {reason}; name its authority, "
            "?sslmode=verify-full&sslrootcert=/path/ca.pem in store.url, or write another sslmode"
        )
    return StoreError(_PASSING.get(reason, f"the database does not answer: {reason}"))


_UNFIT = {
    "unable to open database file": (
        "the database file cannot be opened: check store.url, and that the service may write its folder"
    ),
    "attempt to write a readonly database": (
        "the database file cannot be written: let the user of the service write it and its folder"
    ),
}
_UNPROVEN = ("root certificate file", "certificate verify failed", "does not support SSL", "does not match host name")
"""What libpq says then."""
_PASSING = {
    "database is locked": (
        f"the database does not answer: another program has held it for {BUSY_SECONDS} s; end that one, or try again"
    ),
    "disk I/O error": "the disk does not take what the database writes: see whether it is full or broken",
    "database or disk is full": "the disk is full where the database lies: make room; nothing is half written",
}
"""What SQLite says, in words for people and with what to do. The first kind does not pass by waiting."""


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if error.orig else "no reason given"
