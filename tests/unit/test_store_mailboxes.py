"""The schedule follows the configuration, and says of every mailbox how it stands."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from agent.store import leases, roll
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.leases import Failed
from agent.store.owner import this_process
from agent.store.schedule import mailboxes, standing
from agent.store.tables import cursors, folders
from agent.store.tables import mailboxes as table
from agent.store.unit import LeaseLost, fenced
from config.model import Mailbox, Policy, Settings
from config.secrets import Secret
from tests.unit.store_room import NOW, add_mailbox, add_place, configured, settings

SOON = timedelta(minutes=1)


def settle(database: Database, hasher: Hasher, *read: Mailbox) -> None:
    roll.settle(database, settings(*read), hasher, NOW)


def row(database: Database, address: str = "anna@ourfirm.example") -> "sa.Row[tuple[object, ...]]":
    with database.read() as connection:
        return connection.execute(sa.select(table).where(table.c.address == address)).one()


def state(database: Database) -> standing.State:
    with database.read() as connection:
        (one,) = standing.states(connection, NOW)
    return one


def test_a_new_mailbox_is_due_at_once_and_named_by_its_normalised_address(database: Database, hasher: Hasher) -> None:
    settle(database, hasher, configured("Anna@OurFirm.example"))
    with database.read() as connection:
        assert [due.address for due in mailboxes.due(connection, NOW, 10)] == ["anna@ourfirm.example"]
        assert list(mailboxes.ids(connection)) == ["anna@ourfirm.example"]


def test_newcomers_wait_for_approval_where_the_policy_says_so(database: Database, hasher: Hasher) -> None:
    waiting = Settings(mailboxes=(configured(),), policy=Policy(newcomers="wait"))
    roll.settle(database, waiting, hasher, NOW)
    with database.read() as connection:
        assert mailboxes.due(connection, NOW, 10) == []
    assert (state(database).state, state(database).approved) == ("new", False)
    assert state(database).advice == "`crm-agent mailboxes approve anna@ourfirm.example` reads it"


def test_who_was_approved_is_due_and_stays_approved_under_the_same_policy(database: Database, hasher: Hasher) -> None:
    waiting = Settings(mailboxes=(configured(), configured("ben@ourfirm.example")), policy=Policy(newcomers="wait"))
    roll.settle(database, waiting, hasher, NOW)
    assert mailboxes.approve(database, "Anna@OurFirm.example", NOW)
    assert not mailboxes.approve(database, "nobody@ourfirm.example", NOW)
    roll.settle(database, waiting, hasher, NOW)
    with database.read() as connection:
        assert [due.address for due in mailboxes.due(connection, NOW, 10)] == ["anna@ourfirm.example"]


def test_nobody_leaves_while_a_list_was_never_read(database: Database, hasher: Hasher) -> None:
    """A mailbox that was named by hand may stand on the list that is named instead, or a list may have a new name."""
    settle(database, hasher, configured(), configured("ben@ourfirm.example"))
    unread = settings(configured()).model_copy(update={"unresolved": ("hosted-mail",)})
    roll.settle(database, unread, hasher, NOW)
    with database.read() as connection:
        assert sorted(mailboxes.ids(connection)) == ["anna@ourfirm.example", "ben@ourfirm.example"]
    settle(database, hasher, configured())
    with database.read() as connection:
        assert list(mailboxes.ids(connection)) == ["anna@ourfirm.example"]


def test_nobody_waits_any_more_once_newcomers_are_read(database: Database, hasher: Hasher) -> None:
    roll.settle(database, Settings(mailboxes=(configured(),), policy=Policy(newcomers="wait")), hasher, NOW)
    settle(database, hasher, configured())
    assert state(database).approved
    with database.read() as connection:
        assert len(mailboxes.due(connection, NOW, 10)) == 1


def test_settling_the_same_configuration_again_changes_nothing(database: Database, hasher: Hasher) -> None:
    settle(database, hasher, configured())
    before = row(database)
    settle(database, hasher, configured())

    assert row(database) == before


def test_a_span_is_fixed_to_a_date_once(database: Database, hasher: Hasher) -> None:
    settle(database, hasher, configured(since=timedelta(days=365)))
    assert row(database).since == date(2025, 11, 21)

    later = NOW + timedelta(days=30)
    roll.settle(database, settings(configured(since=timedelta(days=365), host="new.example")), hasher, later)
    assert row(database).since == date(2025, 11, 21)


@pytest.mark.parametrize(
    ("configured_since", "floor"),
    [(date(2020, 1, 1), date(2020, 1, 1)), (timedelta(days=30), date(2026, 10, 22)), (None, None)],
)
def test_a_floor_written_anew_applies(
    database: Database, hasher: Hasher, configured_since: date | timedelta | None, floor: date | None
) -> None:
    settle(database, hasher, configured(since=date(2025, 1, 1)))
    settle(database, hasher, configured(since=configured_since))
    with database.read() as connection:
        assert mailboxes.since(connection, row(database).id) == floor


@pytest.mark.parametrize("problem", ["stopped", "needs-sign-in"])
def test_changed_settings_lift_what_stopped_a_mailbox(database: Database, hasher: Hasher, problem: str) -> None:
    settle(database, hasher, configured())
    stop(database, problem)
    settle(database, hasher, configured())
    assert state(database).state == problem

    settle(database, hasher, configured(host="new.example"))
    assert (row(database).problem, row(database).next_due, row(database).failures) == (None, NOW, 0)


def stop(database: Database, problem: str) -> None:
    with database.write() as connection:
        connection.execute(sa.update(table).values(problem=problem, next_due=mailboxes.NEVER, failures=2))


def test_a_new_password_lifts_a_refused_one(
    database: Database, hasher: Hasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = configured(secret=Secret(env="ANNA_PASSWORD"))
    monkeypatch.setenv("ANNA_PASSWORD", "old")
    settle(database, hasher, mailbox)
    stop(database, "needs-sign-in")
    monkeypatch.setenv("ANNA_PASSWORD", "new")
    settle(database, hasher, mailbox)

    assert row(database).problem is None
    assert "new" not in str(row(database))


def test_changed_settings_end_the_lease_of_whoever_works_with_the_old_ones(database: Database, hasher: Hasher) -> None:
    settle(database, hasher, configured())
    lease = leases.take(database, row(database).id, this_process(), 60, NOW)
    assert lease
    settle(database, hasher, configured(host="new.example"))

    with pytest.raises(LeaseLost), fenced(database, lease):
        pytest.fail("a commit with old settings passed")
    with pytest.raises(LeaseLost):
        leases.record_failure(database, lease, Failed(sentence="old host"), next_due=NOW, failures=1)


def test_who_leaves_the_configuration_is_not_read_any_more_and_keeps_history(
    database: Database, hasher: Hasher
) -> None:
    settle(database, hasher, configured(), configured("ben@ourfirm.example"))
    anna = row(database).id
    add_place(database, anna, "1", "logged")
    lease = leases.take(database, anna, this_process(), 60, NOW)
    assert lease
    with database.write() as connection:
        folder = connection.execute(sa.select(folders.c.id)).scalar_one()
        connection.execute(sa.insert(cursors), {"folder_id": folder, "lane": "forward", "cursor": "{}", "done": False})
    settle(database, hasher, configured("ben@ourfirm.example"))

    with database.read() as connection:
        assert [due.address for due in mailboxes.due(connection, NOW, 10)] == ["ben@ourfirm.example"]
        assert connection.execute(sa.select(cursors)).all() == []
        assert connection.execute(sa.select(folders)).all() != []
    assert not leases.renew(database, lease, 60, NOW)


def test_who_comes_back_is_read_again(database: Database, hasher: Hasher) -> None:
    settle(database, hasher, configured())
    settle(database, hasher)
    settle(database, hasher, configured())
    with database.read() as connection:
        assert len(mailboxes.due(connection, NOW, 10)) == 1


def test_the_longest_waiting_come_first_and_no_more_than_asked_for(database: Database) -> None:
    for hours, name in ((1, "c"), (3, "a"), (2, "b")):
        add_mailbox(database, f"{name}@ourfirm.example", next_due=NOW - timedelta(hours=hours))
    add_mailbox(database, "later@ourfirm.example", next_due=NOW + timedelta(seconds=1))
    with database.read() as connection:
        assert [due.address[0] for due in mailboxes.due(connection, NOW, 10)] == ["a", "b", "c"]
        assert [due.address[0] for due in mailboxes.due(connection, NOW, 2)] == ["a", "b"]


def test_a_mailbox_at_rest_is_not_due_and_resuming_makes_it_so(database: Database) -> None:
    add_mailbox(database)
    assert mailboxes.pause(database, "Anna@ourfirm.example")
    assert state(database).state == "paused"
    with database.read() as connection:
        assert mailboxes.due(connection, NOW, 10) == []

    assert mailboxes.resume(database, "anna@ourfirm.example", NOW)
    with database.read() as connection:
        assert len(mailboxes.due(connection, NOW, 10)) == 1


def test_nobody_pauses_a_mailbox_that_is_not_there(database: Database) -> None:
    assert not mailboxes.pause(database, "nobody@ourfirm.example")


def test_a_sign_in_lifts_what_stopped_a_mailbox_but_not_its_rest(database: Database) -> None:
    add_mailbox(database, problem="needs-sign-in", next_due=mailboxes.NEVER, paused=True)
    mailboxes.lift(database, "anna@ourfirm.example", NOW)

    assert row(database).problem is None
    assert state(database).state == "paused"


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ({}, "new"),
        ({"last_success": NOW}, "ok"),
        ({"last_success": NOW, "last_error": "no answer", "failures": 1}, "waiting"),
        ({"lease_owner": "x", "lease_until": NOW + SOON}, "syncing"),
        ({"lease_owner": "x", "lease_until": NOW - SOON, "last_success": NOW}, "ok"),
        ({"problem": "stopped", "last_error": "wrong CA"}, "stopped"),
        ({"problem": "needs-sign-in", "last_error": "refused"}, "needs-sign-in"),
        ({"paused": True, "problem": "stopped"}, "paused"),
    ],
)
def test_says_how_a_mailbox_stands(database: Database, columns: dict[str, Any], shown: str) -> None:
    add_mailbox(database, **columns)
    assert state(database).state == shown


def test_tells_lag_and_counts_of_what_lies_on_the_server(database: Database) -> None:
    anna = add_mailbox(database, last_success=NOW, caught_up_at=NOW - timedelta(seconds=90))
    for uid, outcome in enumerate(["logged", "logged", "skipped", "review", "quarantined", "pending"]):
        add_place(database, anna, str(uid), outcome)
    add_place(database, anna, "gone", "logged", gone_at=NOW)

    assert state(database).told() == {
        "address": "anna@ourfirm.example",
        "connector": "hosted-mail",
        "state": "ok",
        "lag_seconds": 90,
        "last_success": NOW,
        "last_error": None,
        "advice": None,
        "folders": 1,
        "stopped_folders": [],
        "calendar_error": None,
        "logged": 2,
        "skipped": 1,
        "review": 1,
        "quarantined": 1,
        "pending": 1,
    }


def test_enlisted_mailboxes_are_completed_by_the_next_settling(database: Database, hasher: Hasher) -> None:
    read = configured(since=date(2025, 1, 1))
    roll.enlist(database, settings(read), NOW)
    roll.enlist(database, settings(read), NOW)
    assert row(database).since is None
    settle(database, hasher, read)
    assert row(database).since == date(2025, 1, 1)


def test_two_daemons_that_start_together_settle_the_same_table(database: Database, hasher: Hasher) -> None:
    read = [configured(f"{number}@ourfirm.example") for number in range(20)]
    start, failed = threading.Barrier(4), []

    def daemon() -> None:
        start.wait(10)
        try:
            settle(database, hasher, *read)
        except sa.exc.SQLAlchemyError as error:
            failed.append(error)

    threads = [threading.Thread(target=daemon) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failed == []
    with database.read() as connection:
        assert len(mailboxes.ids(connection)) == 20
