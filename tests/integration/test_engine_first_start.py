"""Several copies that start together on an empty database make it once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.store.database import Database
from agent.store.migrate import schema_state
from agent.store.tables import installation
from tests.storefixtures import KEY

ROOT = Path(__file__).parents[2]

_START = """
import sys
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.migrate import require_current

require_current(Database(sys.argv[1]), Hasher(sys.argv[2].encode()))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    server = request.getfixturevalue("postgres")
    url = server.database()
    yield url
    server.drop(url)


def test_copies_that_start_together_make_one_installation(empty_url: str) -> None:
    command = [sys.executable, "-c", _START, empty_url, KEY.decode()]
    copies = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [copy.wait(60) for copy in copies] == [0, 0, 0]

    database = Database(empty_url)
    with database.read() as connection:
        assert len(connection.execute(sa.select(installation)).all()) == 1
    assert schema_state(database) == "current"
    database.close()
