"""What is too old goes, in steps that may be the last; what is counted stays counted."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from agent.store import feed
from agent.store.database import Database
from agent.store.directory import lookup
from agent.store.hashes import Hasher
from agent.store.mail import refusals
from agent.store.persons import retention, suggested
from agent.store.persons.suggested import Suggested
from agent.store.schedule import clock
from agent.store.tables import locations, message_refs
from agent.upkeep import AGAIN, Upkeep, kept_from
from config.model import Policy
from tests.unit.people_room import add_mail, everything, ids
from tests.unit.store_room import NOW, add_contacts, add_mailbox, add_place, draft

POLICY = Policy(retention_days=100, explain_days=10)


@pytest.fixture
def kept(database: Database, hasher: Hasher) -> None:
    """Mail of 99 and of 101 days ago, and three more that is older."""
    (kim,) = add_contacts(database, hasher, draft("Kim", "kim@acme.example"))
    anna = add_mailbox(database)
    for days in (99, 101, 102, 103, 104):
        people = {"kim@acme.example": "from"}
        at = NOW - timedelta(days=days)
        add_mail(database, hasher, anna, f"m{days}", people, {kim: "kim@acme.example"}, at=at)


def outcomes(database: Database) -> list[tuple[str, str, str | None]]:
    with database.read() as connection:
        query = sa.select(locations.c.uid, locations.c.outcome, locations.c.reason).order_by(locations.c.id)
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


@pytest.mark.usefixtures("kept")
def test_interactions_go_with_their_texts_after_their_days_and_their_places_stay(database: Database) -> None:
    Upkeep(database=database).to_the_end(POLICY, NOW)

    assert ids(database) == ["m99"]
    assert "text of m101" not in everything(database)
    assert outcomes(database) == [("m99", "logged", None)] + [
        (f"m{days}", "skipped", "before-start") for days in (101, 102, 103, 104)
    ]
    with database.read() as connection:
        told = [entry.change for entry in feed.read(connection, 0, 100)]
    assert sorted(one.entity for one in told if one.event == "expired") == ["m101", "m102", "m103", "m104"]


def test_a_refusal_outlives_the_days_that_a_suggestion_is_kept(database: Database, hasher: Hasher) -> None:
    """Whose an address is not is a rule that somebody made, like one never to keep its mail."""
    (kim,) = add_contacts(database, hasher, draft("Kim", "kim@acme.example"))
    then = NOW - timedelta(days=101)
    with database.write() as connection:
        found = [
            Suggested(match_key=key, address=key, name="", contact_id=kim) for key in ("a@x.example", "b@x.example")
        ]
        suggested.note(database, connection, hasher, found, then)
        refusals.refuse(database, connection, "a@x.example", [kim], then)
    Upkeep(database=database).to_the_end(POLICY, NOW)
    with database.read() as connection:
        assert lookup.refused(connection, ["a@x.example", "b@x.example"]) == {"a@x.example": {kim}}
        assert list(suggested.listed(connection)) == []


@pytest.mark.usefixtures("kept")
def test_zero_days_keep_everything(database: Database) -> None:
    Upkeep(database=database).to_the_end(Policy(retention_days=0), NOW)

    assert len(ids(database)) == 5


@pytest.mark.usefixtures("kept")
def test_an_upkeep_cut_off_in_the_middle_is_finished_by_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever step was the last one: each is a whole."""
    monkeypatch.setattr(retention, "INTERACTIONS", 2)
    retention.drop_old(database, NOW - timedelta(days=100), NOW)
    assert len(ids(database)) == 3, "the oldest ones first"
    Upkeep(database=database).to_the_end(POLICY, NOW)

    assert ids(database) == ["m99"]


@pytest.mark.usefixtures("kept")
def test_the_daemon_takes_a_few_steps_after_a_pass_and_rests_once_nothing_is_left(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "INTERACTIONS", 1)
    monkeypatch.setattr("agent.upkeep.STEPS", 1)
    upkeep, counts = Upkeep(database=database), []
    for _ in range(6):
        upkeep.after_pass(POLICY, NOW)
        counts.append(len(ids(database)))

    assert counts == [4, 3, 2, 1, 1, 1]
    assert upkeep.next_look == NOW + AGAIN


@pytest.mark.usefixtures("kept")
def test_a_look_planned_by_a_clock_that_was_ahead_is_not_waited_for(database: Database) -> None:
    upkeep = Upkeep(database=database, next_look=NOW + timedelta(days=2000))
    upkeep.after_pass(POLICY, NOW)
    assert len(ids(database)) == 1


def test_hashes_of_skipped_mail_go_after_their_days_and_the_counts_stay(
    database: Database, hasher: Hasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of what it refers to, unless another place of the message is younger."""
    monkeypatch.setattr(retention, "PLACES", 2)
    anna = add_mailbox(database)
    for uid, days, outcome in (("1", 11, "skipped"), ("2", 9, "skipped"), ("3", 11, "review"), ("4", 11, "skipped")):
        place = add_place(database, anna, uid, outcome, reason="no-contact")
        key = hasher.of_id("both" if uid in "24" else uid)
        with database.write() as connection:
            values = {"message_key": key, "decided_at": NOW - timedelta(days=days)}
            connection.execute(sa.update(locations).where(locations.c.id == place).values(values))
            database.insert_new(connection, message_refs, [{"ref": hasher.of_id("root"), "message_key": key}])
    Upkeep(database=database).to_the_end(POLICY, NOW)

    with database.read() as connection:
        keys = connection.execute(sa.select(locations.c.uid, locations.c.message_key).order_by(locations.c.id)).all()
        referring = connection.execute(sa.select(message_refs.c.message_key)).scalars().all()
    assert [(row.uid, row.message_key is None) for row in keys] == [
        ("1", True),
        ("2", False),
        ("3", False),
        ("4", True),
    ]
    assert set(referring) == {hasher.of_id("both"), hasher.of_id("3")}


def test_nothing_is_kept_from_is_the_floor_of_reading_too() -> None:
    assert kept_from(POLICY, NOW) == NOW - timedelta(days=100)
    assert kept_from(Policy(retention_days=0), NOW) is None


YEARS = timedelta(days=4000)


@pytest.mark.usefixtures("kept")
def test_a_clock_that_went_years_ahead_deletes_nothing_before_it_has_held_for_a_day(database: Database) -> None:
    """Neither the daemon nor a `sync` that is given again: history that a wrong clock deletes would be lost."""
    young = Policy(retention_days=200, explain_days=10)
    Upkeep(database=database).to_the_end(young, NOW)
    for hours in (0, 1, 23):
        Upkeep(database=database).to_the_end(young, NOW + YEARS + timedelta(hours=hours))
    assert len(ids(database)) == 5

    Upkeep(database=database).to_the_end(young, NOW + YEARS + timedelta(hours=24))
    assert ids(database) == []


@pytest.mark.usefixtures("kept")
def test_a_clock_that_was_set_back_is_believed_again_at_once(database: Database) -> None:
    for now in (NOW, NOW + YEARS, NOW + timedelta(hours=1)):
        Upkeep(database=database).to_the_end(Policy(retention_days=200, explain_days=10), now)
    assert len(ids(database)) == 5

    Upkeep(database=database).to_the_end(POLICY, NOW + timedelta(hours=2))
    assert ids(database) == ["m99"]


def test_mail_is_read_down_to_the_same_day_while_a_clock_is_on_trial(database: Database) -> None:
    """By the wrong year's floor new mail would be older than anything is kept, and passed over."""
    Upkeep(database=database).to_the_end(POLICY, NOW)
    assert clock.reckoned(database, NOW + YEARS) == NOW
    assert clock.reckoned(database, NOW + timedelta(days=30)) == NOW + timedelta(days=30)
