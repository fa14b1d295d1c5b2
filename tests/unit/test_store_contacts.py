"""Contacts: found, told, added and changed; and mail that was nobody's is looked at again when somebody is added."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from agent.store import feed
from agent.store.database import Database
from agent.store.directory import contacts
from agent.store.directory import lookup as directory
from agent.store.directory.contact_writes import Draft, Writer, open_directory
from agent.store.directory.contacts import Email, Unclear
from agent.store.hashes import Hasher
from agent.store.tables import company_domains, locations, mailboxes
from tests.unit.store_room import NOW, add_contacts, add_mailbox, add_place, draft, queued


def update(database: Database, hasher: Hasher, contact_id: str, new: Draft) -> None:
    with database.write() as connection:
        open_directory(database, connection, hasher).update({contact_id: new})


def events(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        return [(entry.change.event, entry.change.entity) for entry in feed.read(connection, 0, 100)]


def test_is_found_by_any_spelling_of_an_address_and_by_id(database: Database, hasher: Hasher) -> None:
    (jane,) = add_contacts(database, hasher, draft("Jane", "Jane.Doe@gmail.com"))
    with database.read() as connection:
        assert contacts.find(connection, "janedoe+news@googlemail.com") == jane
        assert contacts.find(connection, jane) == jane


def test_an_address_of_two_contacts_is_unclear_and_names_both(database: Database, hasher: Hasher) -> None:
    ids = add_contacts(database, hasher, draft("Jane", "office@acme.example"), draft("John", "office@acme.example"))
    with database.read() as connection:
        unclear = contacts.find(connection, "office@acme.example")

    assert unclear == Unclear(asked="office@acme.example", ids=tuple(sorted(ids)))
    assert all(one in unclear.sentence for one in ids)


@pytest.mark.parametrize("asked", ["nobody@acme.example", "0123456789abcdef", ""])
def test_who_is_not_there_is_unclear(database: Database, asked: str) -> None:
    with database.read() as connection:
        assert contacts.find(connection, asked) == Unclear(asked=asked)


def test_tells_everything_that_was_written(database: Database, hasher: Hasher) -> None:
    new = Draft(
        name="Jane Doe",
        emails=(Email(address="old@acme.example", valid_to=NOW.date()), Email(address="J@Acme.example", primary=True)),
        phones=("+49 30 1234",),
        company="Acme",
        title="Buyer",
        owner="Anna@OurFirm.example",
        stage="customer",
        fields={"birthday": "1980-02-03"},
        external_ids={"erp": "4711"},
    )
    (jane,) = add_contacts(database, hasher, new)
    with database.read() as connection:
        told = contacts.load(connection, [jane])[jane].told()

    assert told == {
        "id": jane,
        "name": "Jane Doe",
        "emails": [
            {"address": "J@Acme.example", "primary": True, "from": None, "to": None},
            {"address": "old@acme.example", "primary": False, "from": None, "to": "2026-11-21"},
        ],
        "phones": ["+49 30 1234"],
        "company": "Acme",
        "title": "Buyer",
        "owner": "Anna@OurFirm.example",
        "stage": "customer",
        "fields": {"birthday": "1980-02-03"},
        "external_ids": {"erp": "4711"},
        "created_by": "add",
    }


def test_lists_every_contact_once(database: Database, hasher: Hasher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "BATCH", 3)
    ids = add_contacts(database, hasher, *(draft(f"N{i}", f"n{i}@acme.example") for i in range(10)))
    with database.read() as connection:
        assert sorted(contact.id for contact in contacts.listing(connection)) == sorted(ids)


def test_the_same_person_gets_the_same_id_after_a_restore(database: Database, hasher: Hasher) -> None:
    """Reminders and followers of the feed name people by it."""
    (before,) = add_contacts(database, hasher, draft("Jane  Doe", "jane@acme.example"))
    with database.write() as connection:
        connection.execute(sa.text("DELETE FROM contacts"))
    (after,) = add_contacts(database, hasher, draft("jane doe", "Jane@acme.example"))

    assert after == before


def test_namesakes_without_address_stay_two_people(database: Database, hasher: Hasher) -> None:
    first = add_contacts(database, hasher, draft("Jane"), draft("Jane"))
    (third,) = add_contacts(database, hasher, draft("Jane"))

    assert len({*first, third}) == 3


def test_one_company_however_its_name_is_spelled(database: Database, hasher: Hasher) -> None:
    jane, john = add_contacts(database, hasher, draft("Jane", company="Acme  Ltd"), draft("John", company="ACME ltd"))
    with database.read() as connection:
        known = contacts.load(connection, [jane, john])

    assert known[jane].company_id == known[john].company_id
    assert known[jane].company == known[john].company


def test_an_update_replaces_what_stood_there(database: Database, hasher: Hasher) -> None:
    (jane,) = add_contacts(database, hasher, draft("Jane", "jane@acme.example", company="Acme", title="Buyer"))
    update(database, hasher, jane, draft("Jane Roe", "roe@globex.example", company="Globex"))
    with database.read() as connection:
        now = contacts.load(connection, [jane])[jane]

    assert (now.name, now.company, now.title, now.created_by) == ("Jane Roe", "Globex", "", "add")
    assert [email.address for email in now.emails] == ["roe@globex.example"]


def test_a_company_that_lost_its_only_address_loses_the_domain(database: Database, hasher: Hasher) -> None:
    (jane,) = add_contacts(database, hasher, draft("Jane", "jane@acme.example", company="Typo"))
    update(database, hasher, jane, draft("Jane", "jane@acme.example", company="Acme"))
    with database.read() as connection:
        assert directory.look_up(connection, [], ["acme.example"]).companies["acme.example"].name == "Acme"


def test_a_domain_stays_while_another_contact_bears_it_out(database: Database, hasher: Hasher) -> None:
    jane, _ = add_contacts(
        database,
        hasher,
        draft("Jane", "jane@acme.example", company="Acme"),
        draft("John", "john@acme.example", company="Acme"),
    )
    update(database, hasher, jane, draft("Jane", "jane@gmail.com"))
    with database.read() as connection:
        assert directory.look_up(connection, [], ["acme.example"]).companies["acme.example"].name == "Acme"


def test_a_stated_domain_is_written_over_a_seen_one(database: Database, hasher: Hasher) -> None:
    (jane,) = add_contacts(database, hasher, draft("Jane", "jane@acme.example", company="Acme"))
    update(database, hasher, jane, draft("Jane", "jane@acme.example", company="Acme", company_domain="acme.example"))
    with database.read() as connection:
        assert connection.execute(sa.select(company_domains.c.stated)).scalars().all() == [True]


def test_the_feed_tells_added_and_updated(database: Database, hasher: Hasher) -> None:
    jane, john = add_contacts(database, hasher, draft("Jane", "jane@acme.example"), draft("John"))
    update(database, hasher, jane, draft("Jane Roe", "jane@acme.example"))

    assert events(database) == [("added", jane), ("added", john), ("updated", jane)]
    with database.read() as connection:
        assert feed.read(connection, 0, 9)[-1].change.body["name"] == "Jane Roe"


def test_no_address_is_taken_that_could_match_nobody(database: Database, hasher: Hasher) -> None:
    with pytest.raises(ValueError, match="match key"):
        add_contacts(database, hasher, draft("Jane", "not an address"))
    with database.read() as connection:
        assert list(contacts.listing(connection)) == []


def test_mail_that_was_nobodys_or_in_doubt_is_queued_when_somebody_is_added(database: Database, hasher: Hasher) -> None:
    anna, ben = add_mailbox(database), add_mailbox(database, "ben@ourfirm.example")
    nobodys = add_place(database, anna, "1", "skipped", reason="no-contact")
    doubted = add_place(database, ben, "1", "review")
    add_place(database, anna, "2", "skipped", reason="private")
    add_place(database, anna, "3", "logged")
    add_place(database, anna, "4", "skipped", reason="no-contact", gone_at=NOW)
    add_contacts(database, hasher, draft("Jane", "jane@acme.example"))

    assert queued(database) == [nobodys, doubted]
    add_contacts(database, hasher, draft("John", "john@acme.example"))
    assert queued(database) == [nobodys, doubted]


def test_a_contact_without_address_queues_nothing(database: Database, hasher: Hasher) -> None:
    add_place(database, add_mailbox(database), "1", "skipped", reason="no-contact")
    (jane,) = add_contacts(database, hasher, draft("Jane"))
    assert queued(database) == []

    update(database, hasher, jane, draft("Jane Roe"))
    assert queued(database) == []
    update(database, hasher, jane, draft("Jane Roe", "jane@acme.example"))
    assert len(queued(database)) == 1


def test_a_company_that_gets_a_domain_queues(database: Database, hasher: Hasher) -> None:
    (jane,) = add_contacts(database, hasher, draft("Jane", "jane@gmail.com", company="Acme"))
    add_place(database, add_mailbox(database), "1", "skipped", reason="no-contact")
    new = draft("Jane", "jane@gmail.com", company="Acme", company_domain="acme.example")
    update(database, hasher, jane, new)

    assert len(queued(database)) == 1


def test_healthy_mailboxes_get_the_next_turn_and_failing_ones_keep_waiting(database: Database, hasher: Hasher) -> None:
    later = NOW + timedelta(days=36500)
    healthy = add_mailbox(database, next_due=later)
    failing = add_mailbox(database, "ben@ourfirm.example", next_due=later, last_error="no answer", failures=3)
    idle = add_mailbox(database, "cleo@ourfirm.example", next_due=later)
    for mailbox in (healthy, failing):
        add_place(database, mailbox, "1", "skipped", reason="no-contact")
    add_contacts(database, hasher, draft("Jane", "jane@acme.example"))

    with database.read() as connection:
        due = {row.id: row.next_due for row in connection.execute(sa.select(mailboxes))}
    assert due[healthy] < later
    assert due[failing] == due[idle] == later


def test_no_decision_slips_between_an_added_contact_and_a_commit_under_way(database: Database, hasher: Hasher) -> None:
    """A worker that decided before the contact was there either sees the change or is seen by it."""
    mailbox = add_mailbox(database)
    first = add_place(database, mailbox, "1", "skipped", reason="no-contact")
    recording, go_on = threading.Event(), threading.Event()

    def worker() -> None:
        with database.write() as connection:
            connection.execute(sa.update(mailboxes).where(mailboxes.c.id == mailbox).values(lease_epoch=1))
            row = dict(connection.execute(sa.select(locations).where(locations.c.id == first)).one()._mapping)
            connection.execute(sa.insert(locations), row | {"id": first + 1, "uid": "2"})
            recording.set()
            go_on.wait(10)

    threads = [
        threading.Thread(target=worker),
        threading.Thread(target=add_contacts, args=(database, hasher, draft("Jane", "jane@acme.example"))),
    ]
    threads[0].start()
    assert recording.wait(10)
    threads[1].start()
    threads[1].join(0.5)
    go_on.set()
    for thread in threads:
        thread.join(10)

    assert queued(database) == [first, first + 1]


def test_two_imports_at_once_agree_on_companies(database: Database, hasher: Hasher) -> None:
    def one(name: str) -> None:
        for number in range(5):
            add_contacts(database, hasher, draft(f"{name}{number}", f"{name}{number}@acme.example", company="Acme"))

    threads = [threading.Thread(target=one, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    with database.read() as connection:
        known = list(contacts.listing(connection))
    assert len(known) == 15
    assert len({contact.company_id for contact in known}) == 1


def test_unknown_ids_are_left_out_of_an_update(database: Database, hasher: Hasher) -> None:
    with database.write() as connection:
        writer: Writer = open_directory(database, connection, hasher)
        writer.update({"0123": draft("Nobody")})
    assert events(database) == []
