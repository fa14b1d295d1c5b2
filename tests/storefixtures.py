"""Databases for tests of whatever keeps something: `database` runs a test twice, on SQLite and on PostgreSQL.

A folder's conftest imports the fixtures, all of them: one asks for the other by name.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.migrate import upgrade
from tests.dated import misdated

KEY = b"a key that only tests know, and long enough"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the present schema, to be copied."""
    path = tmp_path_factory.mktemp("store") / "template.db"
    _migrated(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres_template(request: pytest.FixtureRequest) -> str:
    """URL of a PostgreSQL database with the present schema, to be copied."""
    url: str = request.getfixturevalue("postgres").database()
    _migrated(url).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database of the test's own, with the present schema and nothing in it."""
    if request.param == "sqlite":
        path = tmp_path / "crm-agent.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres")
    url = server.copy(request.getfixturevalue("postgres_template"))
    yield url
    server.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database of the test's own. Whatever it did, rows agree about when things were."""
    database = Database(database_url)
    yield database
    assert not misdated(database)
    database.close()


@pytest.fixture
def hasher() -> Hasher:
    """The keyed hashes that belong to `database`."""
    return Hasher(KEY)


def _migrated(url: str) -> Database:
    database = Database(url)
    upgrade(database, Hasher(KEY))
    return database
