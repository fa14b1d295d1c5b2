"""What a read sees, and connections that the server ended while nobody used them."""

import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from agent.store import database as databases
from agent.store.database import Database
from agent.store.errors import StoreError, Unfit
from agent.store.prepared import Prepared
from agent.store.tables import tombstones
from agent.store.tokens import StoredTokens
from tests.servers.postgres import Postgres
from tests.unit.store_room import NOW

EVERYBODY_ELSE = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")


@pytest.fixture
def served(postgres: Postgres, postgres_template: str) -> Iterator[Database]:
    """On PostgreSQL."""
    url = postgres.copy(postgres_template)
    database = Database(url)
    yield database
    database.close()
    postgres.drop(url)


def count(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(tombstones)).scalar_one())


def test_without_the_driver_of_postgresql_the_extra_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Unfit, match=r"pip install 'crm-sync-agent\[postgres\]'"):
        Database("postgresql+psycopg://crm@127.0.0.1/crm")


def end_all(postgres: Postgres, database: Database) -> None:
    """As an administrator or a restart does."""
    server = sa.create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{postgres.port}/postgres")
    with server.connect() as connection:
        connection.execute(EVERYBODY_ELSE, {"name": database.engine.url.database})
    server.dispose()


def test_a_read_sees_one_state_however_many_questions_it_asks(database: Database) -> None:
    with database.read() as reading:
        before = count(reading)
        with database.write() as connection:
            connection.execute(sa.insert(tombstones).values(hash=b"h" * 16, kind="erased", made_at=NOW))
        assert (before, count(reading)) == (0, 0)
    with database.read() as reading:
        assert count(reading) == 1


def test_a_read_of_postgresql_cannot_write(served: Database) -> None:
    with pytest.raises(sa.exc.InternalError, match="read-only"), served.read() as reading:
        reading.execute(sa.delete(tombstones))
    with served.write() as connection:
        connection.execute(sa.delete(tombstones))


def test_connections_that_ended_while_they_rested_are_opened_anew(
    served: Database, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "REST_SECONDS", 0)
    with served.read() as one, served.read() as other:
        assert (count(one), count(other)) == (0, 0)
    end_all(postgres, served)
    with served.read() as one, served.write() as other:
        assert (count(one), count(other)) == (0, 0)


def test_a_connection_that_ended_a_moment_ago_costs_one_try(served: Database, postgres: Postgres) -> None:
    """It is not asked then whether it is alive; all the others are opened anew as well."""
    with served.read() as one, served.read() as other:
        assert (count(one), count(other)) == (0, 0)
    end_all(postgres, served)
    with pytest.raises(StoreError), served.read() as one:
        count(one)
    with served.read() as one, served.read() as other:
        assert (count(one), count(other)) == (0, 0)


def test_a_prepared_question_meets_an_ended_connection_as_any_other(served: Database, postgres: Postgres) -> None:
    question = Prepared(sa.select(tombstones.c.hash))
    with served.read() as one, served.read() as other:
        assert (question.rows(one), question.rows(other)) == ([], [])
    end_all(postgres, served)
    with pytest.raises(StoreError, match="does not answer"), served.read() as one:
        question.rows(one)
    with served.read() as one, served.read() as other:
        assert (question.rows(one), question.rows(other)) == ([], [])


def test_a_token_is_kept_though_the_connections_ended_while_the_provider_answered(
    served: Database, postgres: Postgres
) -> None:
    """The provider has ended the old one by then: who loses the new one has to sign in by hand."""
    cache = StoredTokens(served, b"0123456789abcdef" * 4)
    assert cache.load("anna@ourfirm.example") is None
    end_all(postgres, served)
    cache.save("anna@ourfirm.example", "new")
    assert cache.load("anna@ourfirm.example") == "new"
