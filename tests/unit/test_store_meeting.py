"""Workers, importers and settlers of several mailboxes meet on the same rows without holding each other up for ever."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from agent.store import leases, roll
from agent.store.database import Database
from agent.store.directory.contact_writes import open_directory
from agent.store.hashes import Hasher
from agent.store.mail import places
from agent.store.owner import this_process
from agent.store.unit import fenced
from tests.unit.store_room import NOW, add_mailbox, add_place, configured, queued, settings


def _import(database: Database, hasher: Hasher) -> None:
    with database.write() as connection:
        open_directory(database, connection, hasher)


def _settle(database: Database, hasher: Hasher) -> None:
    roll.settle(database, settings(configured("anna@ourfirm.example"), configured("bob@ourfirm.example")), hasher, NOW)


@pytest.mark.parametrize("who", [_import, _settle])
def test_a_page_queues_mail_of_a_mailbox_that_somebody_waits_with(
    database: Database, hasher: Hasher, who: Callable[[Database, Hasher], None]
) -> None:
    """The other one has locked the first mailbox's row and waits for the second one's, which the page holds."""
    anna, bob = add_mailbox(database), add_mailbox(database, "bob@ourfirm.example")
    place = add_place(database, anna, "1", "skipped", reason="no-contact")
    lease = leases.take(database, bob, this_process(), 60, NOW)
    assert lease is not None
    failed: list[BaseException] = []

    def other() -> None:
        try:
            who(database, hasher)
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failed.append(error)

    meeting = threading.Thread(target=other)
    with fenced(database, lease) as connection:
        meeting.start()
        _until_it_waits(database, connection)
        places.queue(database, connection, anna, [place], "thread")
    meeting.join(30)
    assert not failed
    assert queued(database) == [place]


def _until_it_waits(database: Database, connection: sa.Connection) -> None:
    """On PostgreSQL until another session waits for a lock; SQLite has one writer at a time anyhow."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    while not database.is_sqlite and not connection.execute(waiting).scalar_one():
        connection.execute(sa.text("SELECT pg_stat_clear_snapshot(), pg_sleep(0.02)"))
