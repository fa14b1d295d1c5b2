"""One person of two and two of one again: no link is lost, none made by hand is written over."""

import pytest
import sqlalchemy as sa

from agent.people.erasing import Forgetting, erase_address
from agent.people.importing import import_rows
from agent.people.rows import Row
from agent.reminders import identity
from agent.store import feed
from agent.store.database import Database
from agent.store.directory import contacts, lookup
from agent.store.directory.contact_writes import open_directory, waiting
from agent.store.hashes import Hasher
from agent.store.mail import corrections, refusals
from agent.store.persons import merging
from agent.store.persons.merging import Merged
from agent.store.tables import calendar_items, links, merges, participants, reminders, rereads, rulings
from agent.store.tables import contacts as people
from tests.unit.people_room import add_mail, everything, links_of
from tests.unit.store_room import NOW, add_contacts, add_mailbox, add_place, draft, queued


def merge(database: Database, hasher: Hasher, kept: str, gone: str) -> Merged:
    with database.write() as connection:
        writer = open_directory(database, connection, hasher)
        people = contacts.load(connection, [kept, gone])
        return merging.merge(writer, people[kept], people[gone], NOW)


def unmerge(database: Database, hasher: Hasher, kept: str) -> Merged:
    with database.write() as connection:
        writer = open_directory(database, connection, hasher)
        last = merging.last_merge(connection, kept)
        assert last is not None
        return merging.unmerge(writer, contacts.load(connection, [kept])[kept], last, NOW)


def told(database: Database, *ids: str) -> dict[str, dict[str, object]]:
    with database.read() as connection:
        return {key: contact.told() for key, contact in contacts.load(connection, ids).items()}


@pytest.fixture
def two(database: Database, hasher: Hasher) -> tuple[str, str]:
    """Kim at her present firm, and Kim at her former one."""
    kim, old = add_contacts(
        database,
        hasher,
        draft("Kim Kunde", "kim@acme.example", company="Acme", stage="customer"),
        draft("K. Kunde", "kk@old.example", company="Old", title="Buyer"),
    )
    return kim, old


def test_every_link_moves_and_every_address_finds_the_one_who_stays(
    database: Database, hasher: Hasher, two: tuple[str, str]
) -> None:
    kim, old = two
    anna = add_mailbox(database)
    add_mail(database, hasher, anna, "m1", {"kk@old.example": "from"}, {old: "kk@old.example"})
    add_mail(database, hasher, anna, "m2", {"kim@acme.example": "from"}, {kim: "kim@acme.example"})
    done = merge(database, hasher, kim, old)

    assert (done.links, done.both) == (1, 0)
    assert [one for one, _, _ in links_of(database, kim)] == ["m1", "m2"]
    with database.read() as connection:
        assert contacts.find(connection, "kk@old.example") == kim
        assert contacts.find(connection, "kim@acme.example") == kim
    one = told(database, kim)[kim]
    assert (one["name"], one["company"], one["title"], one["stage"]) == ("Kim Kunde", "Acme", "Buyer", "customer")


def test_undoing_brings_back_exactly_what_stood(database: Database, hasher: Hasher, two: tuple[str, str]) -> None:
    """Columns, addresses, links, also where both had one."""
    kim, old = two
    anna = add_mailbox(database)
    add_mail(database, hasher, anna, "m1", {"kk@old.example": "from"}, {old: "kk@old.example"})
    both = {kim: "kim@acme.example", old: "kk@old.example"}
    add_mail(database, hasher, anna, "m2", {"kim@acme.example": "from", "kk@old.example": "cc"}, both)
    before = told(database, kim, old), links_of(database, kim), links_of(database, old)
    merge(database, hasher, kim, old)
    assert told(database, old) == {}
    unmerge(database, hasher, kim)

    assert (told(database, kim, old), links_of(database, kim), links_of(database, old)) == before
    with database.read() as connection:
        assert connection.execute(sa.select(merges)).all() == []


def test_what_came_since_the_merge_goes_back_by_its_address(
    database: Database, hasher: Hasher, two: tuple[str, str]
) -> None:
    kim, old = two
    anna = add_mailbox(database)
    merge(database, hasher, kim, old)
    add_mail(database, hasher, anna, "new", {"kk@old.example": "from"}, {kim: "kk@old.example"})
    add_mail(database, hasher, anna, "own", {"kim@acme.example": "from"}, {kim: "kim@acme.example"})
    unmerge(database, hasher, kim)

    assert [one for one, _, _ in links_of(database, old)] == ["new"]
    assert [one for one, _, _ in links_of(database, kim)] == ["own"]


@pytest.mark.parametrize("hand", ["kept", "gone"])
def test_a_link_made_by_hand_is_never_written_over(
    database: Database, hasher: Hasher, two: tuple[str, str], hand: str
) -> None:
    kim, old = two
    by_hand = kim if hand == "kept" else old
    people = {"kim@acme.example": "from", "kk@old.example": "cc"}
    add_mail(database, hasher, add_mailbox(database), "m", people, {kim: "kim@acme.example", old: "kk@old.example"})
    with database.write() as connection:
        query = sa.text("UPDATE links SET origin = 'manual', confidence = 0.5 WHERE contact_id = :who")
        connection.execute(query, {"who": by_hand})
    merge(database, hasher, kim, old)

    ((_, address, origin),) = links_of(database, kim)
    assert (address, origin) == ("kim@acme.example" if hand == "kept" else "kk@old.example", "manual")


def test_a_link_made_by_hand_since_then_stays_when_the_merge_is_undone(
    database: Database, hasher: Hasher, two: tuple[str, str]
) -> None:
    kim, old = two
    add_mail(database, hasher, add_mailbox(database), "m", {"kk@old.example": "from"}, {old: "kk@old.example"})
    merge(database, hasher, kim, old)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE links SET origin = 'manual'"))
    unmerge(database, hasher, kim)

    assert links_of(database, kim) == [("m", "kk@old.example", "manual")]


def test_merges_are_undone_in_turn(database: Database, hasher: Hasher) -> None:
    """The last one first, also where one was merged that others had been merged into."""
    a, b, c = add_contacts(
        database, hasher, draft("A", "a@x.example"), draft("B", "b@x.example"), draft("C", "c@x.example")
    )
    before = told(database, a, b, c)
    merge(database, hasher, b, c)
    merge(database, hasher, a, b)
    assert [one["address"] for one in told(database, a)[a]["emails"]] == [  # type: ignore[attr-defined]  # a list
        "a@x.example",
        "b@x.example",
        "c@x.example",
    ]
    assert unmerge(database, hasher, a).contact_id == b
    assert unmerge(database, hasher, b).contact_id == c
    assert told(database, a, b, c) == before


def test_the_file_that_made_two_of_one_is_imported_again_without_harm(
    database: Database, hasher: Hasher, two: tuple[str, str]
) -> None:
    """Both rows mean the one who stays; the former name's row overwrites nothing, however often it comes."""
    kim, old = two
    merge(database, hasher, kim, old)
    rows = [
        Row(line=2, name="Kim Kunde", emails=("kim@acme.example",), company="Acme", title="Head of buying"),
        Row(line=3, name="K. Kunde", emails=("kk@old.example",), company="Old", title="Buyer"),
    ]
    import_rows(database, hasher, rows, created_by="import")
    again, _ = import_rows(database, hasher, rows, created_by="import")

    assert [one.outcome.value for one in again.results] == ["unchanged", "unchanged"]
    with database.read() as connection:
        (only,) = contacts.listing(connection)
    assert (only.id, only.title, only.emails[0].address) == (kim, "Head of buying", "kim@acme.example")


def test_two_holders_of_one_address_become_one_and_the_doubt_is_looked_at_again(
    database: Database, hasher: Hasher
) -> None:
    a, b = add_contacts(database, hasher, draft("A", "office@x.example"), draft("B", "office@x.example"))
    place = add_place(database, add_mailbox(database), "7", "review")
    with database.write() as connection:
        connection.execute(sa.text("DELETE FROM rereads"))
    merge(database, hasher, a, b)

    assert queued(database) == [place]
    with database.read() as connection:
        assert waiting(connection) == {"review": 1}
        assert contacts.find(connection, "office@x.example") == a


def test_a_name_that_came_by_the_merge_is_found_by_mail_and_goes_with_it(database: Database, hasher: Hasher) -> None:
    """Full names and initials are looked for under keys of the name that stands."""
    nameless, jane = add_contacts(
        database, hasher, draft("", "kim@acme.example", company="Acme"), draft("Jane Doe", "jane@acme.example")
    )
    merge(database, hasher, nameless, jane)
    assert by_name(database) == {nameless}
    unmerge(database, hasher, nameless)
    assert by_name(database) == {jane}


def by_name(database: Database) -> set[str]:
    with database.read() as connection:
        named = lookup.named(connection, ["doe jane"])
        initials = connection.execute(sa.select(people.c.id).where(people.c.short_key == "j doe")).scalars()
        found = {one.contact_id for one in named["doe jane"]}
        assert set(initials) == found
        return found


def test_mail_in_doubt_between_two_of_a_name_is_looked_at_again_once_they_are_one(
    database: Database, hasher: Hasher
) -> None:
    """It was kept for their company, with a question that has only one answer now."""
    kim, other = add_contacts(
        database,
        hasher,
        draft("Kim Kunde", "kim@acme.example", company="Acme"),
        draft("Kim Kunde", "kk@acme.example", company="Acme"),
    )
    anna = add_mailbox(database)
    add_mail(database, hasher, anna, "m1", {"new@acme.example": "from"}, {})
    with database.write() as connection:
        connection.execute(sa.update(participants).values(name="Kim Kunde"))
        connection.execute(sa.delete(rereads))
    merge(database, hasher, kim, other)
    with database.read() as connection:
        assert waiting(connection) == {"logged": 1}


def test_reminders_keep_their_state_and_their_items(database: Database, hasher: Hasher, two: tuple[str, str]) -> None:
    """What was dismissed for one does not come back for the other: it bears the name the rules will give it."""
    kim, old = two
    anna = add_mailbox(database)
    name = add_reminder(database, hasher, anna, old, "dismissed")
    with database.write() as connection:
        item = {"uid": "u", "place": "p", "mailbox_id": anna, "reminder_id": name, "attempts": 0}
        connection.execute(sa.insert(calendar_items).values(item))
    merge(database, hasher, kim, old)
    new = identity.name(hasher.hash, "flagged", "anna@ourfirm.example", kim, "reason")
    with database.read() as connection:
        assert connection.execute(sa.select(reminders.c.id, reminders.c.state)).all() == [(new, "dismissed")]
        assert connection.execute(sa.select(calendar_items.c.reminder_id)).scalar() == new
    unmerge(database, hasher, kim)
    with database.read() as connection:
        assert connection.execute(sa.select(reminders.c.id, reminders.c.contact_id)).all() == [(name, old)]


def test_the_feed_tells_by_which_id_a_reminder_was_known_and_which_one_was_a_second_one(
    database: Database, hasher: Hasher, two: tuple[str, str]
) -> None:
    kim, old = two
    anna = add_mailbox(database)
    theirs = add_reminder(database, hasher, anna, old, "in-calendar")
    second = add_reminder(database, hasher, anna, old, "in-calendar", reason="both")
    add_reminder(database, hasher, anna, kim, "in-calendar", reason="both")
    merge(database, hasher, kim, old)
    new = identity.name(hasher.hash, "flagged", "anna@ourfirm.example", kim, "reason")
    with database.read() as connection:
        told = [entry.change for entry in feed.read(connection, 0, 100) if entry.change.kind == "reminder"]
    assert [(one.event, one.entity, one.body.get("was")) for one in told] == [
        ("moved", new, theirs),
        ("not-needed", second, None),
    ]


def add_reminder(
    database: Database, hasher: Hasher, mailbox_id: int, contact: str, state: str, *, reason: str = "reason"
) -> str:
    name = identity.name(hasher.hash, "flagged", "anna@ourfirm.example", contact, reason)
    row = {"id": name, "rule": "flagged", "mailbox_id": mailbox_id, "contact_id": contact, "reason": reason}
    row |= {"title": "t", "why": "", "planned": "2026-12-01T08:30:00", "due": "2026-12-01T08:30:00", "timezone": "UTC"}
    with database.write() as connection:
        connection.execute(sa.insert(reminders).values(**row, state=state, created_at=NOW, changed_at=NOW))
    return name


def test_what_people_said_of_a_message_moves_and_comes_back(
    database: Database, hasher: Hasher, two: tuple[str, str]
) -> None:
    kim, old = two
    with database.write() as connection:
        for address, instead_of, contact in (("x@y.example", "", old), ("", old, kim)):
            row = {"message_key": b"k" * 16, "address": address, "instead_of": instead_of}
            connection.execute(sa.insert(rulings).values(**row, contact_id=contact, made_at=NOW))
    merge(database, hasher, kim, old)
    assert old not in {cell for row in _rulings(database) for cell in row}
    unmerge(database, hasher, kim)

    assert set(_rulings(database)) == {("x@y.example", "", old), ("", old, kim)}


def test_whoever_is_erased_leaves_nothing_in_a_merge_of_others(
    database: Database, hasher: Hasher, two: tuple[str, str]
) -> None:
    """Somebody had said of their address whose it is and whose not: the merge remembers that for its undoing."""
    kim, old = two
    with database.write() as connection:
        row = {"message_key": b"k" * 16, "address": "X@y.example", "contact_id": old, "made_at": NOW}
        connection.execute(sa.insert(rulings).values(**row))
        refusals.refuse(database, connection, "x@y.example", [old], NOW)
    merge(database, hasher, kim, old)
    assert "x@y.example" in everything(database)
    erase_address(Forgetting(database=database, hasher=hasher, second=None, now=NOW, who="root"), "x@y.example")
    assert "x@y.example" not in everything(database)
    unmerge(database, hasher, kim)


@pytest.mark.parametrize("theirs", ["manual", "automatic"])
def test_undoing_brings_back_what_was_linked_to_both_by_hand_or_not(
    database: Database, hasher: Hasher, two: tuple[str, str], theirs: str
) -> None:
    kim, old = two
    ours = "automatic" if theirs == "manual" else "manual"
    anna = add_mailbox(database)
    add_mail(database, hasher, anna, "m", {"kim@acme.example": "from"}, {kim: "kim@acme.example"}, origin=ours)
    with database.write() as connection:
        link = {"interaction_id": "m", "contact_id": old, "role": "from", "email": "kk@old.example", "rule": "address"}
        more = {"confidence": 1.0, "evidence": [], "origin": theirs, "occurred_at": NOW}
        connection.execute(sa.insert(links).values(**link, **more))
    before = links_of(database, kim), links_of(database, old)
    merge(database, hasher, kim, old)
    unmerge(database, hasher, kim)
    assert (links_of(database, kim), links_of(database, old)) == before


def test_mail_that_was_taken_from_the_two_since_is_not_given_back(
    database: Database, hasher: Hasher, two: tuple[str, str]
) -> None:
    kim, old = two
    (lea,) = add_contacts(database, hasher, draft("Lea", "lea@other.example"))
    add_mail(database, hasher, add_mailbox(database), "m", {"kk@old.example": "from"}, {old: "kk@old.example"})
    merge(database, hasher, kim, old)
    with database.write() as connection:
        corrections.move(database, connection, "m", kim, contacts.load(connection, [lea])[lea], NOW)
    unmerge(database, hasher, kim)
    assert [len(links_of(database, one)) for one in (kim, old, lea)] == [0, 0, 1]


def _rulings(database: Database) -> list[tuple[str, str, str]]:
    with database.read() as connection:
        query = sa.select(rulings.c.address, rulings.c.instead_of, rulings.c.contact_id)
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def test_the_feed_tells_followers_whom_to_follow(database: Database, hasher: Hasher, two: tuple[str, str]) -> None:
    kim, old = two
    merge(database, hasher, kim, old)
    with database.read() as connection:
        *_, merged, updated = (entry.change for entry in feed.read(connection, 0, 100))

    assert (merged.event, merged.entity, merged.body) == ("merged", old, {"into": kim})
    assert (updated.event, updated.entity) == ("updated", kim)


def test_whoever_is_erased_after_a_merge_leaves_nothing_of_both(
    database: Database, hasher: Hasher, two: tuple[str, str]
) -> None:
    """What the merge kept for its undoing goes too."""
    from agent.people.erasing import Forgetting, erase_contact

    kim, old = two
    merge(database, hasher, kim, old)
    with database.read() as connection:
        one = contacts.show(connection, kim)
    assert one is not None
    erase_contact(Forgetting(database=database, hasher=hasher, second=None, now=NOW, who="root"), one)

    assert [word for word in ("kk@old", "kim@acme", "k. kunde") if word in everything(database)] == []


def test_an_address_that_was_theirs_until_a_day_lets_later_mail_go(database: Database, hasher: Hasher) -> None:
    """An import that says until when has what is kept under it looked at again, but for what was given by hand."""
    (kim,) = add_contacts(database, hasher, draft("Kim", "kim@acme.example"))
    anna = add_mailbox(database)
    add_mail(database, hasher, anna, "auto", {"kim@acme.example": "from"}, {kim: "kim@acme.example"})
    add_mail(database, hasher, anna, "hand", {"kim@acme.example": "from"}, {kim: "kim@acme.example"}, origin="manual")
    with database.write() as connection:
        connection.execute(sa.text("DELETE FROM rereads"))
    row = Row(line=2, name="Kim", emails=("kim@acme.example",), valid_to="2026-06-30")
    import_rows(database, hasher, [row], created_by="import")

    with database.read() as connection:
        uids = sa.text("SELECT uid FROM locations JOIN rereads ON rereads.location_id = locations.id")
        assert connection.execute(uids).scalars().all() == ["auto"]
        (email,) = contacts.show(connection, kim).emails  # type: ignore[union-attr]  # it is there
    assert str(email.valid_to) == "2026-06-30"
