"""The database fails, or is set back: what stands in it is always true, and nothing is logged twice."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.bootstrap import House
from agent.engine.runner import Ending
from agent.store import feed
from tests.acceptance.scenarios.harness import Desk, both
from tests.acceptance.scenarios.letters import ANNA, KIM, letter, letters
from tests.servers.dovecot import DovecotUser

SPOIL = {
    "sqlite": (
        "CREATE TABLE spoiled (who TEXT REFERENCES contacts (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TRIGGER spoil AFTER {when} BEGIN INSERT INTO spoiled VALUES ('nobody'); END",
    ),
    "postgresql": (
        "CREATE TABLE spoiled (who TEXT REFERENCES contacts (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO spoiled VALUES ('nobody'); RETURN NULL; END $$",
        "CREATE TRIGGER spoil AFTER {when} FOR EACH ROW EXECUTE FUNCTION spoil()",
    ),
}
"""Every statement of a transaction succeeds, and its COMMIT fails: a foreign key that is checked last of all."""

HEAL = {"sqlite": ("DROP TRIGGER spoil",), "postgresql": ("DROP TRIGGER spoil ON {table}",)}


def _say(house: House, words: tuple[str, ...], **names: str) -> None:
    with house.database.write() as connection:
        for word in words:
            connection.exec_driver_sql(word.format(**names))


@both
@pytest.mark.parametrize("table", ["locations", "interactions", "changes"])
def test_scenario_11_a_commit_that_fails_leaves_neither_rows_nor_cursor(
    desk: Desk, user: DovecotUser, table: str
) -> None:
    """All statements of a page succeed and the commit fails: nothing of the page is there, and it is read again."""
    desk.read(user)
    desk.sync()
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(20)))
    before = desk.folder("INBOX")
    with desk.open() as house:
        dialect = house.database.engine.dialect.name
        _say(house, SPOIL[dialect], when=f"INSERT ON {table}")
        (ended,) = desk.attempt(house)
        assert ended.ended.ending is Ending.FAILED
        assert isinstance(ended.ended.error, sa.exc.IntegrityError)
        assert (desk.folder("INBOX").forward, desk.folder("INBOX").history) == (before.forward, before.history)
        assert [desk.count(name) for name in ("interactions", "locations", "texts", "links", "thread_members")] == [
            0
        ] * 5
        assert desk.feed() == []
        _say(house, HEAL[dialect], table=table)
    desk.sync()
    assert len(desk.history()) == 20
    assert [event for event, _ in desk.feed()] == ["logged"] * 20
    desk.complete()


def test_scenario_11_history_begins_again_where_its_commit_failed(desk: Desk, user: DovecotUser) -> None:
    """The same on the very first pass, in the middle of the history."""
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(150, from_="news@nowhere.example")))
    first = [user.append("INBOX", letter(subject=f"Letter {number}")) for number in range(5)]
    desk.read(user)
    with desk.open() as house:
        _say(house, SPOIL["sqlite"], when="INSERT ON interactions")
        (ended,) = desk.attempt(house)
        assert ended.ended.ending is Ending.FAILED
        assert (desk.count("interactions"), desk.count("locations")) == (0, 0)
        _say(house, HEAL["sqlite"])
    desk.sync()
    assert len(desk.history()) == len(first)
    desk.complete()


def test_scenario_45_a_database_of_yesterday_logs_nothing_twice(
    make_desk: Callable[[], Desk], user: DovecotUser, tmp_path: Path
) -> None:
    """The backup of yesterday is put back: today's mail is logged again under the same ids, and nothing doubles."""
    desk = make_desk()
    desk.know("Kim Kunde", KIM, company="Customer AG")
    user.create("Archive")
    uids = [user.append("INBOX", letter(subject=f"Yesterday {number}")) for number in range(5)]
    desk.read(user)
    desk.sync()
    file = Path(str(sa.make_url(desk.settings.store.url).database))
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(tmp_path / "backup.db")) as target:
        source.backup(target)
    user.move(uids[0], "INBOX", "Archive")
    user.append("INBOX", letter(subject="Today"))
    user.append("Sent", letter(subject="Sent today", from_=ANNA, to=KIM))
    desk.sync()
    last = _last_token(desk)
    before = {(one.id, one.subject, one.folders) for one in desk.history()}
    for leftover in (f"{file}-wal", f"{file}-shm"):
        Path(leftover).unlink(missing_ok=True)
    (tmp_path / "backup.db").rename(file)
    desk.sync()
    assert {(one.id, one.subject, one.folders) for one in desk.history()} == before
    assert len(desk.history()) == 7
    with desk.open() as house, house.database.read() as connection, pytest.raises(feed.UnknownToken):
        feed.position(connection, last)
    desk.complete()


def _last_token(desk: Desk) -> str:
    """What a follower of the feed came to last, before the backup was put back."""
    with desk.open() as house, house.database.read() as connection:
        return feed.read(connection, 0, 1000)[-1].token
