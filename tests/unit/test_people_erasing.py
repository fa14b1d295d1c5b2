"""Erased means erased: in every table, in the files, for imports and for mail still to come, also after a restore."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.people.erased_list import noted
from agent.people.erasing import Forgetting, catch_up, erase_address, erase_contact
from agent.people.importing import import_rows
from agent.people.rows import Row
from agent.store import feed
from agent.store.database import Database, sqlite_file
from agent.store.directory import contacts
from agent.store.directory import lookup as directory
from agent.store.errors import Unfit
from agent.store.hashes import Hasher
from agent.store.mail import rewriting, tombstones
from agent.store.persons.erasure import Erased
from agent.store.tables import audit, calendar_items, company_links, reminders, reviews, rulings
from tests.unit.people_room import add_mail, everything, ids, links_of
from tests.unit.store_room import NOW, add_contacts, add_mailbox, draft, queued


@pytest.fixture
def forgetting(database: Database, hasher: Hasher, tmp_path: Path) -> Forgetting:
    return Forgetting(database=database, hasher=hasher, second=tmp_path / "erased.list", now=NOW, who="root")


def erase(forgetting: Forgetting, contact_id: str) -> Erased:
    with forgetting.database.read() as connection:
        contact = contacts.show(connection, contact_id)
    assert contact is not None
    return erase_contact(forgetting, contact)


def test_nothing_in_any_table_names_the_person_afterwards(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    """Contact, mail, review queue, corrections, reminders, their items and the feed; the company of one too."""
    kim, lea = add_contacts(
        database,
        hasher,
        draft("Kim Kunde", "Kim.Kunde@gmail.com", "kim@kunde.example", company="Kunde Consult"),
        draft("Lea Leser", "lea@other.example"),
    )
    anna = add_mailbox(database)
    add_mail(database, hasher, anna, "alone", {"kim@kunde.example": "from"}, {kim: "kim@kunde.example"}, text="I, Kim")
    people = {"kimkunde@gmail.com": "from", "lea@other.example": "to"}
    shared = {kim: "kimkunde@gmail.com", lea: "lea@other.example"}
    add_mail(database, hasher, anna, "shared", people, shared, text="Kim writes to Lea")
    told = {"from": ["kim@kunde.example"], "to": [], "subject": "kim@kunde.example"}
    asked = {"id": "r", "mailbox_id": anna, "message_key": hasher.of_id("doubt"), "state": "open", "rule": "shared"}
    with database.write() as connection:
        doubt = {"address": "x@other.example", "role": "from", "candidates": [], "evidence": [], "envelope": told}
        connection.execute(sa.insert(reviews).values(**asked, **doubt, created_at=NOW))
        said = {"message_key": hasher.of_id("said"), "address": "kim@kunde.example", "made_at": NOW}
        connection.execute(sa.insert(rulings).values(**said, instead_of=""))
        item = {"uid": "u", "place": "p", "mailbox_id": anna, "reminder_id": "rem", "wanted": {"title": "Kim Kunde"}}
        connection.execute(sa.insert(calendar_items).values(**item, written={"title": "Kim Kunde"}, attempts=0))
        due = {"due": "2026-12-01T08:30:00", "planned": "2026-12-01T08:30:00", "timezone": "UTC", "reason": "x"}
        about = {"id": "rem", "rule": "manual", "mailbox_id": anna, "contact_id": kim, "title": "Call Kim Kunde"}
        times = {"created_at": NOW, "changed_at": NOW}
        connection.execute(sa.insert(reminders).values(**about, **due, **times, why="", state="in-calendar"))

    done = erase(forgetting, kim)

    assert done == Erased(interactions=1, shared=1, reviews=1, reminders=1)
    left = everything(database)
    names = ("kim kunde", "kimkunde", "kim.kunde", "kim@kunde", "kunde consult", "i, kim", "kim writes")
    assert [word for word in names if word in left] == []
    assert ids(database) == ["shared"]
    assert links_of(database, lea) == [("shared", "lea@other.example", "automatic")]
    with database.read() as connection:
        left_over = connection.execute(sa.select(calendar_items)).one()
    assert (left_over.intent, left_over.wanted, left_over.written) == ("delete", None, None), "the outbox withdraws it"


def test_what_others_wrote_stays_with_its_text_and_loses_the_person(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    kim, lea = add_contacts(database, hasher, draft("Kim", "kim@acme.example"), draft("Lea", "lea@other.example"))
    people = {"lea@other.example": "from", "kim@acme.example": "cc"}
    linked = {kim: "kim@acme.example", lea: "lea@other.example"}
    add_mail(database, hasher, add_mailbox(database), "m", people, linked, text="Lea's own words")
    erase(forgetting, kim)

    left = everything(database)
    assert "lea's own words" in left
    assert "kim@acme" not in left


def test_a_colleague_at_the_company_keeps_the_mail(forgetting: Forgetting, database: Database, hasher: Hasher) -> None:
    """It is the company's as long as somebody else there takes part; else it goes with the person."""
    kim, _ = add_contacts(
        database,
        hasher,
        draft("Kim", "kim@acme.example", company="Acme"),
        draft("Lea", "lea@acme.example", company="Acme"),
    )
    anna = add_mailbox(database)
    add_mail(database, hasher, anna, "both", {"kim@acme.example": "from", "desk@acme.example": "cc"}, {})
    add_mail(database, hasher, anna, "one", {"kim@acme.example": "from"}, {})
    with database.write() as connection:
        firm = connection.execute(sa.text("SELECT company_id FROM contacts WHERE company_id IS NOT NULL")).scalar()
        for mail in ("both", "one"):
            link = {"interaction_id": mail, "company_id": firm, "domain": "acme.example", "rule": "domain"}
            connection.execute(sa.insert(company_links).values(**link, evidence=["From is kim@acme.example"]))
    erase(forgetting, kim)

    assert ids(database) == ["both"]
    assert "kim@acme" not in everything(database)


def test_imports_refuse_every_spelling_of_the_erased(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    (kim,) = add_contacts(database, hasher, draft("Kim", "k.im@gmail.com"))
    erase(forgetting, kim)
    plan, _ = import_rows(database, hasher, [Row(line=7, emails=("KIM+x@googlemail.com",))], created_by="import")

    assert [(one.line, one.outcome.value) for one in plan.results] == [(7, "refused")]


def test_an_address_of_two_stays_the_others(forgetting: Forgetting, database: Database, hasher: Hasher) -> None:
    """It is no tombstone, or the other one's mail would be lost; the erased one is refused by name and address."""
    kim, lea = add_contacts(
        database, hasher, draft("Kim Kunde", "office@acme.example"), draft("Lea", "office@acme.example")
    )
    erase(forgetting, kim)
    rows = [
        Row(line=number, name=name, emails=("office@acme.example",)) for number, name in enumerate(["kim kunde", "Lea"])
    ]
    plan, _ = import_rows(database, hasher, rows, created_by="import")

    assert [one.outcome.value for one in plan.results] == ["refused", "unchanged"]
    with database.read() as connection:
        assert tombstones.erased_keys(connection, hasher, ["office@acme.example"]) == frozenset()
        assert contacts.find(connection, "office@acme.example") == lea


def test_somebody_who_is_no_contact_can_be_forgotten(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    (lea,) = add_contacts(database, hasher, draft("Lea", "lea@other.example"))
    people = {"lea@other.example": "from", "Zoe@Elsewhere.example": "cc"}
    add_mail(database, hasher, add_mailbox(database), "m", people, {lea: "lea@other.example"})
    done = erase_address(forgetting, "zoe@elsewhere.example")

    assert (done.interactions, done.shared) == (0, 1)
    assert "elsewhere" not in everything(database)
    with database.read() as connection:
        assert tombstones.erased_keys(connection, hasher, ["zoe@elsewhere.example"])


def test_the_audit_says_when_and_by_whom_but_not_what(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    (kim,) = add_contacts(database, hasher, draft("Kim", "kim@acme.example"))
    erase(forgetting, kim)
    with database.read() as connection:
        (row,) = connection.execute(sa.select(audit)).all()

    assert (row.at, row.who, row.what, row.entity) == (NOW, "root", "erased", "")


def test_the_feed_says_who_and_what_went_and_forgets_what_it_told(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    (kim,) = add_contacts(database, hasher, draft("Kim", "kim@acme.example"))
    add_mail(database, hasher, add_mailbox(database), "m", {"kim@acme.example": "from"}, {kim: "kim@acme.example"})
    erase(forgetting, kim)
    with database.read() as connection:
        told = [entry.change for entry in feed.read(connection, 0, 10)]

    assert [(one.kind, one.event, one.entity, one.body) for one in told] == [
        ("contact", "added", kim, {}),
        ("interaction", "erased", "m", {}),
        ("contact", "erased", kim, {}),
    ]


def test_a_longer_address_that_ends_alike_keeps_its_evidence(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    kim, joe = add_contacts(database, hasher, draft("Kim", "kim@acme.example"), draft("Joe", "joakim@acme.example"))
    people = {"joakim@acme.example": "from", "kim@acme.example": "to"}
    linked = {kim: "kim@acme.example", joe: "joakim@acme.example"}
    add_mail(database, hasher, add_mailbox(database), "m", people, linked)
    erase(forgetting, kim)

    assert "it names joakim@acme.example" in everything(database)


def test_a_doubt_that_names_the_person_is_asked_anew(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    """The message waits for a re-read of its header, which decides without the person."""
    from tests.unit.store_room import add_place

    kim, lea = add_contacts(database, hasher, draft("Kim", "o@acme.example"), draft("Lea", "o@acme.example"))
    place = add_place(database, add_mailbox(database), "5", "review")
    with database.write() as connection:
        connection.execute(sa.text("DELETE FROM rereads"))
        key = hasher.of_id("doubt")
        connection.execute(sa.text("UPDATE locations SET message_key = :key"), {"key": key})
        both = [{"id": one, "email": "o@acme.example", "name": "", "score": 0.5} for one in (kim, lea)]
        row = {"id": "r", "mailbox_id": 1, "message_key": key, "state": "open", "address": "o@acme.example"}
        rest = {"role": "from", "rule": "shared", "candidates": both, "evidence": [], "envelope": {}, "created_at": NOW}
        mailbox = connection.execute(sa.text("SELECT id FROM mailboxes")).scalar()
        connection.execute(sa.insert(reviews).values(**{**row, "mailbox_id": mailbox}, **rest))
    erase(forgetting, kim)

    assert queued(database) == [place]


def test_a_restored_database_learns_whom_it_must_forget(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    """The list beside the key is not in the backup of the database."""
    (kim,) = add_contacts(database, hasher, draft("Kim", "kim@acme.example"))
    erase(forgetting, kim)
    with database.write() as connection:  # yesterday's state again
        connection.execute(sa.text("DELETE FROM tombstones"))
    add_contacts(database, hasher, draft("Kim", "kim@acme.example"))

    assert catch_up(forgetting) > 0
    assert "kim@acme" not in everything(database)
    assert catch_up(forgetting) == 0, "and once is enough"


def test_an_erasure_killed_after_its_first_step_is_finished_by_the_next_start(
    forgetting: Forgetting, database: Database, hasher: Hasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.store.persons import erasure

    (kim,) = add_contacts(database, hasher, draft("Kim", "kim@acme.example"))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(erasure, "_tell", die)
    with pytest.raises(KeyboardInterrupt):
        erase(forgetting, kim)
    monkeypatch.undo()
    assert "kim@acme" in everything(database), "the transaction was given up"

    catch_up(forgetting)
    assert "kim@acme" not in everything(database)


def test_without_its_second_list_nothing_is_erased(database: Database, hasher: Hasher, tmp_path: Path) -> None:
    """A backup would bring the person back, and nobody would know."""
    (kim,) = add_contacts(database, hasher, draft("Kim", "kim@acme.example"))
    nowhere = Forgetting(database=database, hasher=hasher, second=tmp_path / "no" / "list", now=NOW, who="root")
    with pytest.raises(Unfit, match="nothing was erased"):
        erase(nowhere, kim)

    assert "kim@acme" in everything(database)


def test_a_torn_line_of_the_list_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "erased.list"
    path.write_text(f"{'ab' * 16} 2026-11-21\n{'cd' * 16} 2026-11-21\n{'ef' * 5}")

    assert noted(path) == {b"\xab" * 16, b"\xcd" * 16}


def test_no_byte_of_the_erased_stays_in_the_files(forgetting: Forgetting, database: Database, hasher: Hasher) -> None:
    """After the files were written anew; of PostgreSQL that nothing is owed any more."""
    (kim,) = add_contacts(database, hasher, draft("Kim Quartzenbauer", "kim@hidden-planet.example"))
    add_mail(
        database, hasher, add_mailbox(database), "m", {"kim@hidden-planet.example": "from"}, {kim: "x"}, text="pst"
    )
    erase(forgetting, kim)
    assert rewriting.is_owed(database)
    assert rewriting.rewrite(database)

    assert not rewriting.is_owed(database)
    file = sqlite_file(str(database.engine.url))
    if file is not None:
        held = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
        assert [word for word in (b"Quartzenbauer", b"hidden-planet", b"text of m", b"pst") if word in held] == []


def test_files_are_written_anew_later_while_somebody_reads(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    if not database.is_sqlite:
        pytest.skip("readers of PostgreSQL wait for the table")
    (kim,) = add_contacts(database, hasher, draft("Kim", "kim@acme.example"))
    other = Database(str(database.engine.url))
    with other.read() as reader:
        reader.execute(sa.text("SELECT * FROM contacts")).all()
        erase(forgetting, kim)
        with database.alone() as driver:
            driver.execute("PRAGMA busy_timeout = 50")
        assert not rewriting.rewrite(database)
    other.close()

    assert rewriting.is_owed(database)
    assert rewriting.rewrite(database)


def test_a_bundle_that_named_the_person_is_withdrawn_and_the_others_get_another(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    kim, lea = add_contacts(database, hasher, draft("Kim", "kim@acme.example"), draft("Lea", "lea@acme.example"))
    anna = add_mailbox(database)
    base = {"mailbox_id": anna, "why": "", "planned": "2026-12-01T08:30:00", "due": "2026-12-01T08:30:00"}
    base |= {"timezone": "UTC", "state": "in-calendar", "created_at": NOW - timedelta(days=1), "changed_at": NOW}
    rows = [
        {
            "id": "bundle",
            "rule": "bundle",
            "reason": "2026-12-01/1",
            "title": "2 more",
            "why": "• Call Kim\n• Call Lea",
        },
        {"id": "k", "rule": "flagged", "reason": "k", "title": "Call Kim", "contact_id": kim, "bundle_id": "bundle"},
        {"id": "l", "rule": "flagged", "reason": "l", "title": "Call Lea", "contact_id": lea, "bundle_id": "bundle"},
    ]
    with database.write() as connection:
        for row in rows:
            connection.execute(sa.insert(reminders).values(**{**base, **row}))
        item = {"uid": "u", "place": "p", "mailbox_id": anna, "reminder_id": "bundle", "attempts": 0}
        connection.execute(sa.insert(calendar_items).values(**item, written={"description": "• Call Kim"}))
    erase(forgetting, kim)

    assert "call kim" not in everything(database)
    with database.read() as connection:
        state = {row.id: (row.state, row.bundle_id) for row in connection.execute(sa.select(reminders))}
        intent = connection.execute(sa.select(calendar_items.c.intent)).scalar_one()
    assert state["bundle"][0] == "dismissed"
    assert state["l"][1] not in (None, "bundle")
    assert intent == "delete"


def test_a_page_decided_before_an_erasure_is_decided_again(
    forgetting: Forgetting, database: Database, hasher: Hasher
) -> None:
    """Also where the person was no contact and nothing else changed: else the page would bring them back."""
    with database.read() as connection:
        before = directory.stamp(connection)
    erase_address(forgetting, "zoe@elsewhere.example")
    with database.read() as connection:
        assert directory.changed_since(connection, before)
