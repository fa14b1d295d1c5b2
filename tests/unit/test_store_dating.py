"""Participants and links say when their interaction was, whatever moves it in time or gives it to another contact.

(Every test with a `database` looks at the end whether they do.)
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.directory import contacts
from agent.store.directory.contact_writes import open_directory
from agent.store.hashes import Hasher
from agent.store.mail import corrections, meetings, record
from agent.store.mail.meetings import Found, MeetingRows
from agent.store.mail.record import PageRows
from agent.store.persons import merging
from agent.store.tables import links, participants
from connectors.event import CalendarCursor
from tests.unit.people_room import add_mail
from tests.unit.store_room import NOW, add_contacts, add_mailbox, draft

EARLIER = NOW - timedelta(days=3)
KIM, LEE = "kim@acme.example", "lee@acme.example"


def dates(database: Database) -> set[datetime]:
    """Of all participants and links."""
    with database.read() as connection:
        return {
            at for table in (participants, links) for at in connection.execute(sa.select(table.c.occurred_at)).scalars()
        }


def people(database: Database, hasher: Hasher) -> tuple[str, str]:
    kim, lee = add_contacts(database, hasher, draft("Kim Kunde", KIM), draft("Lee Kunde", LEE))
    return kim, lee


def test_another_copy_of_an_undated_mail_dates_them_earlier_too(database: Database, hasher: Hasher) -> None:
    kim, _ = people(database, hasher)
    add_mail(database, hasher, add_mailbox(database), "m1", {KIM: "from"}, {kim: KIM})
    with database.write() as connection:
        record.record(database, connection, PageRows(earlier=[("m1", EARLIER), ("m1", NOW)]), NOW)
    assert dates(database) == {EARLIER}


def test_whoever_joins_an_interaction_later_is_dated_as_it_is(database: Database, hasher: Hasher) -> None:
    """A page names a message that is there already, of another time than the page would say."""
    kim, lee = people(database, hasher)
    add_mail(database, hasher, add_mailbox(database), "m1", {KIM: "from"}, {kim: KIM}, at=EARLIER)
    with database.write() as connection:
        page = PageRows(links=[link(lee, "to", LEE)], participants=[seat("to", LEE)])
        record.record(database, connection, page, NOW)
    assert dates(database) == {EARLIER}


def test_a_meeting_that_is_moved_takes_them_along(database: Database, hasher: Hasher) -> None:
    kim, _ = people(database, hasher)
    anna = add_mailbox(database)
    for at in (NOW, EARLIER):
        with database.write() as connection:
            meetings.record(database, connection, anna, "calendar", told(hasher, kim, at), NOW)
        assert dates(database) == {at}


def test_a_call_and_mail_given_to_another_contact_are_dated(database: Database, hasher: Hasher) -> None:
    kim, lee = people(database, hasher)
    add_mail(database, hasher, add_mailbox(database), "m1", {KIM: "from"}, {kim: KIM}, at=EARLIER)
    with database.write() as connection:
        found = contacts.load(connection, [kim, lee])
        corrections.add(database, connection, id="c1", kind="call", contact=found[kim], text="", now=EARLIER)
        corrections.move(database, connection, "m1", kim, found[lee], NOW)
    assert dates(database) == {EARLIER}


def test_two_who_were_one_person_are_dated_as_before(database: Database, hasher: Hasher) -> None:
    kim, lee = people(database, hasher)
    add_mail(database, hasher, add_mailbox(database), "m1", {KIM: "from", LEE: "to"}, {kim: KIM, lee: LEE}, at=EARLIER)
    with database.write() as connection:
        writer = open_directory(database, connection, hasher)
        found = contacts.load(connection, [kim, lee])
        merging.merge(writer, found[kim], found[lee], NOW)
        last = merging.last_merge(connection, kim)
        assert last is not None
        merging.unmerge(writer, contacts.load(connection, [kim])[kim], last, NOW)
    assert dates(database) == {EARLIER}


def link(contact: str, role: str, email: str) -> dict[str, object]:
    """A row that does not say when its interaction was."""
    fact = {"rule": "address", "confidence": 1.0, "evidence": [], "origin": "automatic"}
    return {"interaction_id": "m1", "contact_id": contact, "role": role, "email": email, **fact}


def seat(role: str, address: str) -> dict[str, object]:
    """The same of a participant."""
    return {"interaction_id": "m1", "role": role, "address": address, "name": "", "position": 0, "match_key": address}


def told(hasher: Hasher, contact: str, at: datetime) -> Found:
    """A reading of a calendar in which one meeting stands."""
    interaction = {
        "id": "m1", "message_key": hasher.of_id("m1"), "variant": 0, "kind": "meeting", "direction": "outbound",
        "occurred_at": at, "ends_at": at, "date": None, "from_address": "", "subject": None, "message_id": None,
        "thread_id": None, "capture": "full", "rule": "address", "attachments": [], "flagged_as": [],
        "cancelled_at": None, "recorded_at": NOW,
    }  # fmt: skip
    row = MeetingRows(
        href="a",
        rank=0,
        interaction=interaction,
        participants=[seat("attendee", KIM)],
        links=[link(contact, "attendee", KIM)],
    )
    nothing: frozenset[str] = frozenset()
    return Found(
        rows=[row], read=frozenset("a"), private=nothing, gone=nothing, away={}, cursor=CalendarCursor("1"), stamp=0
    )
