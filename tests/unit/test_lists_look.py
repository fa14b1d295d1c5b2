"""A look at a list is kept either way: what is believed becomes mailboxes, what is not changes nothing and is told."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.lists.look import Looked, look, with_lists
from agent.lists.read import read
from agent.store import roll
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.schedule import lists
from config.model import MailboxList, Member, Settings
from connectors.errors import Fatal, Retriable
from tests.unit.config_room import ANNA, IMAP, Room
from tests.unit.store_room import NOW


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.fixture
def described(room: Room) -> Settings:
    return room.settings(IMAP + 'mailboxes_from = { csv = "list.csv", most_change = 2 }')


def the_list(described: Settings) -> MailboxList:
    (one,) = described.lists
    return one


def write(room: Room, *names: str) -> None:
    room.write("address\n" + "".join(f"{name}@x.example\n" for name in names), "list.csv")


def looked(database: Database, described: Settings) -> Looked:
    return look(database, the_list(described), read, NOW)


def names(database: Database, described: Settings) -> list[str]:
    return [mailbox.address.partition("@")[0] for mailbox in with_lists(database, described).mailboxes]


def known(database: Database) -> lists.Known:
    with database.read() as connection:
        return lists.known(connection)["hosted"]


def test_who_is_on_the_list_has_a_mailbox(database: Database, room: Room, described: Settings) -> None:
    assert names(database, described) == []
    write(room, "anna", "ben")
    assert looked(database, described) == Looked(connector="hosted")
    assert names(database, described) == ["anna", "ben"]
    write(room, "ben", "eva")
    looked(database, described)
    assert names(database, described) == ["ben", "eva"]


def test_what_the_list_says_of_somebody_is_kept(database: Database, room: Room, described: Settings) -> None:
    room.write(
        "address,aliases,timezone,capture,since\nanna@x.example,a@x.example,Europe/Vienna,subject,365d\n", "list.csv"
    )
    looked(database, described)
    (anna,) = with_lists(database, described).mailboxes
    assert (anna.aliases, anna.timezone, anna.capture) == (("a@x.example",), "Europe/Vienna", "subject")
    assert anna.since is not None


@pytest.mark.parametrize("after", [(), ("anna", "eva", "fay", "gus"), None], ids=["empty", "too many", "gone"])
def test_a_list_that_is_not_believed_changes_nothing(
    database: Database, room: Room, described: Settings, after: Sequence[str] | None
) -> None:
    write(room, "anna", "ben")
    looked(database, described)
    if after is None:
        (room.folder / "list.csv").unlink()
    else:
        write(room, *after)
    assert looked(database, described).doubt is not None
    assert names(database, described) == ["anna", "ben"]
    assert known(database).fault


def test_a_doubt_is_logged_once_without_names_and_gone_with_its_cause(
    database: Database, room: Room, described: Settings
) -> None:
    write(room, "anna", "ben")
    looked(database, described)
    room.write("address\nanna@x.example\nANNA@x.example\nno address\n", "list.csv")
    with capture_logs() as logs:
        looked(database, described)
        looked(database, described)
    (warning,) = logs
    assert warning["log_level"] == "warning"
    assert str(warning["sentence"]).endswith("list.csv has 2 mistakes, the first on line 3")
    assert "anna" not in str(warning).lower()
    write(room, "anna", "ben")
    with capture_logs() as logs:
        looked(database, described)
    assert [each["event"] for each in logs] == ["list taken"]
    assert known(database).fault is None


def test_an_entry_that_can_be_no_mailbox_is_told_once_by_the_key_and_left_out(database: Database, room: Room) -> None:
    calendar = 'calendar = { type = "ics", path = "calendars/{local}" }'
    described = room.settings(IMAP + f'{calendar}\nmailboxes_from = {{ csv = "list.csv" }}')
    write(room, "anna", "..")
    with capture_logs() as logs:
        looked(database, described)
        looked(database, described)
        assert names(database, described) == ["anna"]
    (warning,) = (each for each in logs if each["log_level"] == "warning")
    assert (warning["connector"], warning["key"]) == ("hosted", "connectors.calendar.path")


@pytest.mark.parametrize("error", [Retriable("nobody answers", advice="wait"), Fatal("refused", advice="sign in")])
def test_a_directory_that_fails_changes_nothing(
    database: Database, room: Room, described: Settings, error: Retriable | Fatal
) -> None:
    write(room, "anna")
    looked(database, described)

    def fail(one: MailboxList) -> Sequence[Member]:
        raise error

    doubt = look(database, the_list(described), fail, NOW).doubt
    assert doubt is not None
    assert (doubt.sentence, doubt.advice) == (f"the list cannot be read: {error}", error.advice)
    assert names(database, described) == ["anna"]


def test_the_last_list_is_there_after_a_restart_although_the_directory_is_down(
    database: Database, database_url: str, room: Room, described: Settings
) -> None:
    write(room, "anna")
    looked(database, described)
    (room.folder / "list.csv").unlink()
    again = Database(database_url)
    assert names(again, described) == ["anna"]
    again.close()


def test_a_list_that_the_configuration_names_no_more_is_forgotten(
    database: Database, hasher: Hasher, room: Room, described: Settings
) -> None:
    write(room, "anna")
    looked(database, described)
    roll.settle(database, with_lists(database, described), hasher, NOW)
    assert names(database, described) == ["anna"]
    roll.settle(database, room.settings(IMAP + ANNA), hasher, NOW)
    assert names(database, described) == []
