"""The PostgreSQL of the lab hands out databases that know nothing of one another."""

import psycopg
import pytest

from tests.servers.postgres import Postgres


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def test_each_database_is_fresh_and_a_copy_has_what_was_there(postgres: Postgres) -> None:
    one, two = postgres.database(), postgres.database()
    with connect(one) as connection:
        connection.execute("CREATE TABLE mail (id int)")
    with connect(postgres.copy(one)) as connection:
        assert connection.execute("SELECT count(*) FROM mail").fetchone() == (0,)
    with connect(two) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT count(*) FROM mail")


def test_a_restart_breaks_connections_and_keeps_data() -> None:
    with Postgres() as server:
        url = server.database()
        with connect(url) as old:
            old.execute("CREATE TABLE mail (id int)")
            server.restart()
            with pytest.raises(psycopg.OperationalError):
                old.execute("SELECT 1")
        with connect(url) as new:
            assert new.execute("SELECT count(*) FROM mail").fetchone() == (0,)
