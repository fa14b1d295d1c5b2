"""The change feed is ordered as commits were, can be read again, and refuses a token it never gave."""

import threading
from datetime import timedelta
from pathlib import Path
from shutil import copyfile

import pytest
import sqlalchemy as sa

from agent.store import feed
from agent.store.database import Database
from agent.store.feed import Change, UnknownToken
from agent.store.hashes import Hasher
from agent.store.mail import record
from agent.store.mail.record import PageRows
from agent.store.tables import interactions, thread_members
from connectors.memory import MemoryMailbox
from tests.machines.processes import Process
from tests.machines.told_anew import HASHER, template
from tests.machines.views import view
from tests.machines.world import ANNA, BOB, DIRECTORY, KIM, Letter, World
from tests.unit.people_room import add_mail
from tests.unit.store_room import NOW, add_mailbox


def change(entity: str) -> Change:
    return Change(kind="interaction", event="logged", entity=entity, body={"subject": "Grüße", "n": 1})


def append(database: Database, *entities: str) -> None:
    with database.write() as connection:
        feed.append(database, connection, [change(entity) for entity in entities])


def test_reads_on_after_a_token_without_gap_or_repeat(database: Database) -> None:
    append(database, "a", "b", "c")
    with database.read() as connection:
        first = feed.read(connection, 0, 2)
        rest = feed.read(connection, feed.position(connection, first[-1].token), 10)

    assert [entry.change.entity for entry in (*first, *rest)] == ["a", "b", "c"]
    assert first[0].change == change("a")


def test_the_same_read_again_gives_the_same_rows(database: Database) -> None:
    append(database, "a", "b")
    with database.read() as connection:
        assert feed.read(connection, 0, 10) == feed.read(connection, 0, 10)


@pytest.mark.parametrize("token", ["", "1", "x-y", "1-0", "-1-ff", "99999999999999999999999-1", "2-ffffffffffffffffff"])
def test_refuses_a_token_that_it_never_gave(database: Database, token: str) -> None:
    append(database, "a")
    with database.read() as connection, pytest.raises(UnknownToken, match="from the beginning"):
        feed.position(connection, token)


def test_a_restored_backup_does_not_pass_for_the_feed_that_went_on(database: Database) -> None:
    """The number of a token is given again after a restore, for another change."""
    append(database, "lost with the restore")
    with database.read() as connection:
        (lost,) = feed.read(connection, 0, 1)
    forged = f"{lost.seq}-{int(lost.token.partition('-')[2], 16) + 1:x}"
    with database.read() as connection, pytest.raises(UnknownToken):
        feed.position(connection, forged)


def test_whoever_reads_up_to_a_number_has_seen_everything_below_it(database: Database) -> None:
    """A slow writer that got its number first must not appear behind a quick one's."""
    numbered, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with database.write() as connection:
            feed.append(database, connection, [change("slow")])
            numbered.set()
            go_on.wait(10)

    writers = [threading.Thread(target=slow), threading.Thread(target=append, args=(database, "quick"))]
    writers[0].start()
    assert numbered.wait(10)
    writers[1].start()
    writers[1].join(0.5)
    with database.read() as connection:
        seen_meanwhile = [entry.change.entity for entry in feed.read(connection, 0, 10)]
    go_on.set()
    for writer in writers:
        writer.join(10)

    assert seen_meanwhile == []
    with database.read() as connection:
        assert [entry.change.entity for entry in feed.read(connection, 0, 10)] == ["slow", "quick"]


def test_conversations_that_become_one_are_told_in_one_row_however_many_messages_they_have(
    database: Database, hasher: Hasher
) -> None:
    anna = add_mailbox(database)
    for number in range(3):
        add_mail(database, hasher, anna, f"m{number}", {KIM: "from"}, {})
    with database.write() as connection:
        ids = [(hasher.of_id("m0"), "t-m0"), (hasher.of_id("m1"), "t-m1"), (hasher.of_id("seen by nobody"), "t-none")]
        connection.execute(sa.insert(thread_members), [{"id_hash": one, "thread_id": thread} for one, thread in ids])
        connection.execute(sa.update(interactions).where(interactions.c.id == "m2").values(thread_id="t-m1"))
        for _ in range(2):
            record.record(database, connection, PageRows(tying_ids=[tuple(one for one, _ in ids)]), NOW)
        told = [entry.change for entry in feed.read(connection, 0, 10)]
    assert told == [Change(kind="thread", event="merged", entity="t-m1", body={"into": "t-m0"})]


def test_tells_once_of_a_mail_that_another_copy_dates_earlier(database: Database, hasher: Hasher) -> None:
    add_mail(database, hasher, add_mailbox(database), "m1", {KIM: "from"}, {})
    earlier = NOW - timedelta(days=3)
    with database.write() as connection:
        for _ in range(2):
            record.record(database, connection, PageRows(earlier=[("m1", earlier), ("m1", NOW)]), NOW)
        told = [entry.change for entry in feed.read(connection, 0, 10)]
    body = {"occurred_at": earlier.isoformat()}
    assert told == [Change(kind="interaction", event="updated", entity="m1", body=body)]


def test_tells_of_a_text_that_came_after_its_message_was_logged(tmp_path: Path) -> None:
    """Bob's mailbox keeps subjects alone and is read first; Anna's keeps the text of the same message."""
    world = World()
    world.boxes = {address: MemoryMailbox(clock=world.clock) for address in (ANNA, BOB)}
    letter = Letter(id="m0@mail.example", from_=KIM, to=ANNA, cc=BOB, date=world.date())
    for address in (ANNA, BOB):
        world.deliver(address, "INBOX", letter)
    copyfile(template(), tmp_path / "agent.db")
    process = Process(f"sqlite:///{tmp_path / 'agent.db'}", HASHER, world, "process")
    process.meet(DIRECTORY[0])
    process.sync(BOB)
    process.sync(ANNA)
    assert list(view(process.database).feed.values()) == [("logged", "updated")]
    process.sync(ANNA)
    assert list(view(process.database).feed.values()) == [("logged", "updated")]
    process.close()
