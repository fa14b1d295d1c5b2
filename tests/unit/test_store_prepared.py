"""Queries that are compiled once say the same as those that are made anew, on both databases."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from agent.store import bulk
from agent.store.database import Database
from agent.store.errors import StoreError
from agent.store.prepared import VALUES, Prepared
from agent.store.tables import interactions
from tests.unit.store_room import NOW
from tests.unit.test_store_bulk import AWKWARD, interaction

ALL = sa.select(
    *(interactions.c[name] for name in ("id", "occurred_at", "holds_until", "asks", "ends_at", "message_key"))
)
SINCE = ALL.where(interactions.c.id.in_(VALUES), interactions.c.occurred_at >= sa.bindparam("since"))
AMONG = Prepared(SINCE.where(interactions.c.kind == "email"))
AFTER = Prepared(ALL.where(interactions.c.occurred_at > sa.bindparam("since")).limit(3))


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as connection:
        rows = [interaction(number, text) for number, text in enumerate(AWKWARD)]
        database.insert_new(connection, interactions, rows)
    return database


@pytest.mark.parametrize("more", [0, bulk.CHUNK])
def test_rows_among_words_come_as_the_tables_types_say(filled: Database, more: int) -> None:
    ids = [f"{number}{text}" for number, text in enumerate(AWKWARD)]
    with filled.read() as connection:
        expected = {tuple(row) for row in connection.execute(ALL)}
        found = AMONG.among(connection, [*ids, *ids, *(f"none{number}" for number in range(more))], since=NOW)
        assert (len(found), set(found)) == (len(expected), expected)
        assert AMONG.among(connection, ids, since=NOW + timedelta(seconds=1)) == []
        assert AMONG.among(connection, [], since=NOW) == []
    assert {(row[1], row[2]) for row in found} == {(NOW, None), (NOW, date(2026, 12, 24))}


def test_rows_without_a_list_are_limited_as_told(filled: Database) -> None:
    with filled.read() as connection:
        assert len(AFTER.rows(connection, since=NOW - timedelta(days=1))) == 3
        assert AFTER.rows(connection, since=NOW) == []


def test_a_fault_of_a_prepared_question_is_told_as_any_other(database: Database) -> None:
    nowhere = sa.select(sa.table("nowhere", sa.column("id")).c.id)
    with pytest.raises((StoreError, sa.exc.ProgrammingError)) as usual, database.read() as connection:
        connection.execute(nowhere)
    with pytest.raises((StoreError, sa.exc.ProgrammingError)) as found, database.read() as connection:
        Prepared(nowhere).rows(connection)
    assert type(found.value) is type(usual.value)
    assert "nowhere" in str(found.value)
    with database.read() as connection:
        assert AFTER.rows(connection, since=NOW) == []


def test_prepared_questions_alone_see_one_state(filled: Database) -> None:
    """They begin the snapshot where nothing else was asked before."""
    with filled.read() as reading:
        before = len(AFTER.rows(reading, since=NOW - timedelta(days=1)))
        with filled.write() as connection:
            connection.execute(sa.delete(interactions))
        assert (before, len(AFTER.rows(reading, since=NOW - timedelta(days=1)))) == (3, 3)


def test_a_prepared_change_meets_the_rows_it_names_and_no_others(filled: Database) -> None:
    ids = [f"{number}{text}" for number, text in enumerate(AWKWARD)]
    shorter = sa.update(interactions).values(words=sa.bindparam("count"))
    one = Prepared(shorter.where(interactions.c.id == sa.bindparam("of")))
    some = Prepared(shorter.where(interactions.c.id.in_(VALUES)))
    with filled.write() as connection:
        assert one.change(connection, of=ids[0], count=107) == 1
        assert one.change(connection, of="nobody", count=107) == 0
        some.change_among(connection, [*ids[1:3], *ids[1:3], "nobody"], count=108)
        some.change_among(connection, [], count=109)
    with filled.read() as connection:
        found = connection.execute(sa.select(interactions.c.id).where(interactions.c.words == 108)).scalars()
        assert set(found) == {*ids[1:3]}
        assert connection.execute(sa.select(interactions.c.words).where(interactions.c.words == 109)).all() == []
