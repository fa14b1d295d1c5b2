"""When the rules are asked, and what may happen to the history meanwhile."""

import re
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.store import feed, tables
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.mail import record, threads
from agent.store.mail.record import PageRows
from agent.store.mail.revise import Relink
from config.model import LateOrder, MeetingFollowUp, Reminders
from tests.unit.overheard import overheard
from tests.unit.reminder_room import Room

WAITING = "Waiting for an answer: Zoë Buyer"


@pytest.fixture
def room(database: Database, hasher: Hasher, tmp_path: Path) -> Room:
    folder = tmp_path / "calendar"
    folder.mkdir()
    return Room(database=database, hasher=hasher, folder=folder)


def looks_for_threads(reads: list[str]) -> bool:
    """Whether somebody asked for all mail of late of this mailbox."""
    return any(re.search(r"participants\.match_key (IN|= ANY)", text) for text in reads)


def test_rules_are_not_asked_again_about_the_same_history(room: Room, database: Database) -> None:
    reads = overheard(database)
    memo: dict[str, str] = {}
    room.contact()
    id = room.wrote()
    for _ in range(2):
        room.tend(memo=memo)
    reads.clear()
    room.tend(memo=memo)
    assert not [text for text in reads if "FROM participants" in text]
    room.flag(id, True)
    room.tend(memo=memo)
    assert [text for text in reads if "FROM participants" in text]
    assert room.titles() == ["Follow up: Zoë Buyer", WAITING]
    room.flag(id, False)
    room.wait(minutes=20)
    room.tend(memo=memo)
    assert room.titles() == [WAITING]


def test_after_new_mail_only_what_it_touches_is_asked_about_and_the_answer_is_the_same(
    room: Room, database: Database
) -> None:
    reads = overheard(database)
    memo: dict[str, object] = {}
    for name in ("zoe", "max", "eva"):
        room.contact(name, name=name.title())
        room.wrote(name, thread=name, subject=f"Offer {name}")
    room.tend(memo=memo)
    assert len(room.shown()) == 3
    assert looks_for_threads(reads)
    reads.clear()
    room.wait(minutes=1)
    room.received("zoe", thread="another", subject="Re: Offer zoe")
    room.tend(memo=memo)
    assert room.titles() == ["Waiting for an answer: Eva", "Waiting for an answer: Max"]
    assert not looks_for_threads(reads)
    room.met("max")
    room.wait(minutes=1)
    room.wrote("zoe", thread="another", asks=True)
    room.tend(memo=memo)
    by_memo = room.states()
    room.tend()
    assert room.states() == by_memo
    assert sorted(room.titles()) == ["Waiting for an answer: Eva", "Waiting for an answer: Zoe"]


@pytest.mark.parametrize("what", ["auto-reply", "bounce", "flag", "no flag"])
def test_after_a_bounce_an_automatic_reply_or_a_flag_only_its_thread_is_asked_about(
    room: Room, database: Database, what: str
) -> None:
    reads = overheard(database)
    memo: dict[str, object] = {}
    for name in ("zoe", "max"):
        room.contact(name, name=name.title())
        id = room.wrote(name, thread=name, asks=name == "zoe", flagged=what == "no flag")
    room.tend(memo=memo)
    before = {one.title: one.due_at for one in room.reminders()}
    reads.clear()
    room.wait(minutes=1)
    room.flag(id, what == "flag") if "flag" in what else room.bounced("zoe", thread="zoe", kind=what)
    room.tend(memo=memo)
    by_memo = room.reminders()
    assert {one.title: one.due_at for one in by_memo if one.state != "not-needed"} != before
    assert not looks_for_threads(reads)
    room.tend()
    assert room.reminders() == by_memo


def test_what_a_page_tells_of_bounces_is_in_the_feed_for_the_rules_alone(room: Room, database: Database) -> None:
    memo: dict[str, object] = {}
    room.contact()
    room.wrote(thread="zoe")
    room.tend(memo=memo)
    bounce = {"message_key": b"k" * 16, "contact_id": "zoe", "kind": "bounce", "thread_id": None, "back_on": None}
    with database.write() as connection:
        shown = feed.read(connection, 0, 100)
        connection.execute(sa.insert(tables.thread_members).values(id_hash=b"h" * 16, thread_id="zoe"))
        page = PageRows(signals=[{**bounce, "occurred_at": room.now}], signal_ids={b"k" * 16: (b"h" * 16,)})
        record.record(database, connection, page, room.now)
        assert feed.read(connection, 0, 100) == shown
    room.tend(memo=memo)
    assert room.titles() == ["Not delivered: Zoë Buyer"]


def test_a_conversation_that_took_in_a_reminders_own_is_asked_about_under_its_new_name(
    room: Room, database: Database
) -> None:
    memo: dict[str, object] = {}
    room.contact()
    room.wrote(thread="new")
    room.tend(memo=memo)
    with database.write() as connection:
        threads.merge(connection, {"new": "old"})
    room.wait(minutes=1)
    room.wrote(thread="another", subject="Something else", asks=False)
    with database.write() as connection:  # the room writes mail column by column, a sync at once
        connection.execute(sa.delete(tables.changes).where(tables.changes.c.event == "updated"))
    room.tend(memo=memo)
    assert room.titles() == [WAITING]


def test_conversations_that_a_page_joins_are_asked_about_at_once(room: Room, database: Database) -> None:
    """Mail in doubt joins them: nothing new is logged, and whoever waited for an answer has it."""
    memo: dict[str, object] = {}
    room.contact()
    room.wrote(thread="we")
    room.wait(minutes=1)
    room.received(thread="they", subject="Delivery")
    room.wrote(thread="elsewhere", subject="Another offer")
    room.tend(memo=memo)
    waiting = room.titles()
    hashes = {name: name.encode().ljust(16) for name in ("we", "they")}
    with database.write() as connection:
        members = [{"id_hash": one, "thread_id": name} for name, one in hashes.items()]
        connection.execute(sa.insert(tables.thread_members), members)
        record.record(database, connection, PageRows(tying_ids=[tuple(hashes.values())]), room.now)
        # the room, which watches each column, would tell of every message
        connection.execute(sa.delete(tables.changes).where(tables.changes.c.event == "updated"))
    room.tend(memo=memo)
    by_memo = room.titles()
    room.tend()
    assert room.titles() == by_memo
    assert (len(waiting), len(by_memo)) == (2, 1)


def test_a_meeting_is_followed_up_once_somebody_writes_to_who_was_there(room: Room) -> None:
    """Meetings are remembered, and asked about again when one of theirs is."""
    memo: dict[str, object] = {}
    room.mailbox = room.mailbox.model_copy(update={"reminders": Reminders(meeting_follow_up=MeetingFollowUp())})
    for name in ("zoe", "max"):
        room.contact(name, name=name.title())
        room.met(name)
    room.wait(hours=2)
    room.tend(memo=memo)
    assert room.titles() == ["Follow up the meeting: Max", "Follow up the meeting: Zoe"]
    room.wait(minutes=1)
    room.wrote("zoe", thread="another", asks=False)
    room.tend(memo=memo)
    assert room.titles() == ["Follow up the meeting: Max"]


def test_a_question_is_open_again_once_its_answer_turns_out_to_be_somebody_elses(room: Room) -> None:
    memo: dict[str, object] = {}
    room.contact()
    room.contact("max", name="Max")
    room.wrote()
    room.wait(minutes=1)
    answer = room.received("zoe", thread="another", subject="Re: Order 12")
    room.tend(memo=memo)
    assert room.titles() == []
    moved = feed.Change(kind="interaction", event="moved", entity=answer, body={})
    with room.database.write() as connection:
        of_answer = tables.links.c.interaction_id == answer
        connection.execute(sa.update(tables.links).where(of_answer).values(contact_id="max"))
        feed.append(room.database, connection, [moved])
    room.tend(memo=memo)
    assert room.titles() == [WAITING]


def test_a_question_is_open_again_once_a_new_decision_gives_its_answer_to_another(room: Room) -> None:
    """The address was somebody else's on that day, say: at once, for a page tells who lost what."""
    memo: dict[str, object] = {}
    for name in ("zoe", "max"):
        room.contact(name, name=name.title())
    room.wrote()
    room.wait(minutes=1)
    answer = room.received("zoe", thread="another", subject="Re: Order 12")
    room.tend(memo=memo)
    assert room.titles() == []
    link: dict[str, object] = {
        "interaction_id": answer,
        "contact_id": "max",
        "role": "from",
        "email": "max@buyer.example",
    }
    link |= {"rule": "address", "confidence": 1.0, "evidence": [], "origin": "automatic"}
    again = Relink(rule="address", keys=frozenset({"zoe@buyer.example"}))
    with room.database.write() as connection:
        record.record(room.database, connection, PageRows(relinked={answer: again}, links=[link]), room.now)
        told = [entry.change for entry in feed.read(connection, 0, 100)]
    assert [(one.event, one.body) for one in told if one.entity == answer][-1] == ("updated", {"contacts": ["max"]})
    room.tend(memo=memo)
    assert room.titles() == ["Waiting for an answer: Zoe"]


def test_orders_of_one_buyer_change_at_once_what_is_expected_of_the_others(room: Room) -> None:
    memo: dict[str, object] = {}
    room.mailbox = room.mailbox.model_copy(update={"reminders": Reminders(late_order=LateOrder())})
    for name in ("zoe", "max"):
        room.contact(name, owner=room.mailbox.address)
        room.bought(*(date(2026, 2, 16) - timedelta(days=10 * number) for number in range(5)), contact=name)
    room.tend(memo=memo)
    assert len(room.titles()) == 2  # both are late by a day or two
    room.bought(*(date(2026, 2, 25) - timedelta(days=number**3) for number in range(9)), contact="max")
    imported = feed.Change(kind="purchases", event="imported", entity="max", body={})
    with room.database.write() as connection:
        feed.append(room.database, connection, [imported])
    room.tend(memo=memo)
    by_memo = room.reminders()
    room.tend()
    assert room.reminders() == by_memo
    assert room.titles() == []  # gaps differ more than they seemed to


@pytest.mark.parametrize("what", ["interactions", "contacts"])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_what_is_taken_out_while_the_rules_are_asked_is_no_reason_any_more(
    room: Room, monkeypatch: pytest.MonkeyPatch, what: str, at: int
) -> None:
    """Another worker withdraws the mail, or a contact is merged away, before one of the transactions of a run."""
    room.contact()
    room.wrote()
    write, left = room.database.write, [at]

    def after_another(*, durable: bool = False) -> AbstractContextManager[sa.Connection]:
        left[0] -= 1
        if left[0] == 0:
            with write() as connection:
                connection.execute(sa.text(f"DELETE FROM {what}"))  # noqa: S608  # names of our own tables
        return write(durable=durable)

    monkeypatch.setattr(room.database, "write", after_another)
    room.tend()
    room.tend()
    assert set(room.states().values()) <= {"not-needed"}
    assert room.shown() == []


@pytest.mark.parametrize("by", ["a person", "another worker"])
def test_what_others_did_to_reminders_is_seen_after_the_next_mail(room: Room, by: str) -> None:
    """How reminders stood is remembered too: a person's decision and another worker's pass are told by the feed."""
    memo: dict[str, object] = {}
    for number in range(8):
        room.contact(f"c{number}", name=f"Buyer {number}")
        room.wrote(f"c{number}", thread=f"t{number}", subject=f"Offer {number}")
    room.tend(memo=memo)
    assert "3 more follow-ups" in room.titles()
    if by == "a person":
        bundled = {one.title for one in room.reminders()} - set(room.titles())
        room.dismiss(min(bundled))
    else:
        room.wait(minutes=1)
        room.received("c0", thread="t0")
        room.tend()
    room.wait(minutes=1)
    room.contact("new", name="Somebody new")
    room.wrote("new", thread="new", subject="Something else")
    room.tend(memo=memo)
    by_memo = room.reminders(), sorted(room.titles())
    room.tend()
    assert (room.reminders(), sorted(room.titles())) == by_memo
    assert "3 more follow-ups" in room.titles()  # one less, and the new one


def test_only_reminders_that_changed_are_read_after_new_mail(room: Room, database: Database) -> None:
    memo: dict[str, object] = {}
    reads = overheard(database)
    room.contact()
    room.wrote()
    for number in range(2):
        reads.clear()
        room.contact(f"c{number}", name=f"Buyer {number}")
        room.wrote(f"c{number}", thread=f"another{number}", subject=f"Offer {number}")
        room.tend(memo=memo)
    of_all = [text for text in reads if re.search(r"reminders\.state = .* OR reminders\.rule = ", text)]
    assert not of_all
    assert len(room.reminders()) == 3
