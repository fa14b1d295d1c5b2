"""What the doctor asks of the database, on both of them."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.store.database import Database
from agent.store.errors import StoreError
from agent.store.hashes import Hasher
from agent.store.health import key_belongs, try_writing


def test_the_key_belongs_to_the_database_it_was_made_with(database: Database, hasher: Hasher) -> None:
    assert key_belongs(database, hasher)
    assert not key_belongs(database, Hasher(b"another key, which is long enough too"))


def test_trying_to_write_changes_nothing(database: Database) -> None:
    def content() -> list[tuple[object, ...]]:
        with database.read() as connection:
            return [tuple(row) for row in connection.execute(sa.text("SELECT * FROM installation"))]

    before = content()
    try_writing(database)
    assert content() == before
    assert len(before) == 1


def test_a_database_that_takes_no_writes_is_told_in_one_sentence(database: Database, database_url: str) -> None:
    url = database_url
    if database.is_sqlite:
        url = f"sqlite:///file:{Path(database_url.removeprefix('sqlite:///'))}?mode=ro&uri=true"
    else:
        with database.write() as connection:
            name = connection.execute(sa.text("SELECT current_database()")).scalar_one()
            connection.execute(sa.text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    locked = Database(url)
    try:
        with pytest.raises(StoreError, match=r"cannot be written|readonly") as caught:
            try_writing(locked)
    finally:
        locked.close()
    assert len(str(caught.value).splitlines()) == 1
