"""Ids of interactions: the same for the same message, those of one day together, and never one for two messages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from shutil import copyfile

import pytest

from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.mail import record
from agent.store.mail.record import Collision, PageRows
from agent.sync.rows import interaction_id
from connectors.memory import MemoryMailbox
from tests.machines.told_anew import contacts_first, forward, template
from tests.machines.views import view
from tests.machines.world import ANNA, BOB, DIRECTORY, KIM, Letter, World
from tests.unit.people_room import add_mail
from tests.unit.store_room import NOW, add_mailbox

KEY = b"k" * 16
EAST = timezone(timedelta(hours=14))


def test_mail_of_one_day_lies_together_and_in_the_order_of_days(hasher: Hasher) -> None:
    monday = datetime(2026, 3, 2, 8, tzinfo=UTC)
    same = [interaction_id(hasher, bytes([n]) * 16, 0, monday + timedelta(hours=n)) for n in range(16)]
    later = interaction_id(hasher, KEY, 0, monday + timedelta(days=1))
    assert {id[:4] for id in same} == {same[0][:4]}
    assert max(same) < later


def test_the_zone_of_the_sender_does_not_matter(hasher: Hasher) -> None:
    there = datetime(2026, 3, 3, 1, tzinfo=EAST)
    assert interaction_id(hasher, KEY, 0, there) == interaction_id(hasher, KEY, 0, there.astimezone(UTC))


@pytest.mark.parametrize(
    "date", [None, datetime.min.replace(tzinfo=EAST), datetime.max.replace(tzinfo=timezone(-timedelta(hours=12)))]
)
def test_any_date_gives_32_digits(hasher: Hasher, date: datetime | None) -> None:
    id = interaction_id(hasher, KEY, 0, date)
    assert len(bytes.fromhex(id)) == 16
    assert id != interaction_id(hasher, KEY, 1, date)


def test_a_message_whose_number_another_one_took_meanwhile_is_decided_again(database: Database, hasher: Hasher) -> None:
    """Two workers met two messages of one Message-ID and of other dates: so of other ids, and both the first."""
    add_mail(database, hasher, add_mailbox(database), "m1", {"kim@acme.example": "from"}, {})
    late = {
        "id": "m2", "message_key": hasher.of_id("m1"), "variant": 0, "kind": "email", "direction": "inbound",
        "occurred_at": NOW, "date": NOW, "from_address": "kim@acme.example", "subject": "", "message_id": None,
        "thread_id": None, "capture": "full", "rule": "address", "attachments": [], "flagged_as": [], "asks": None,
        "words": None, "holds_until": None, "promises": None, "recorded_at": NOW,
    }  # fmt: skip
    page = PageRows(interactions=[late], ids={"m2": (hasher.of_id("m1"),)})
    with pytest.raises(Collision), database.write() as connection:
        record.record(database, connection, page, NOW)


def saved(hour: int) -> Letter:
    """What Anna writes to Kim, as her program saves it at that hour: under one Message-ID."""
    date = f"Mon, 02 Mar 2026 {hour:02}:00:00 +0000"
    return Letter(id="m0@mail.example", from_=ANNA, to=KIM, date=date)


@pytest.fixture
def world() -> World:
    """Kim is known; in Anna's mailbox lies one save."""
    world = World(known=[DIRECTORY[0]])
    world.boxes = {address: MemoryMailbox(clock=world.clock) for address in (ANNA, BOB)}
    world.deliver(ANNA, "INBOX", saved(8))
    return world


@pytest.fixture
def database_at(tmp_path: Path) -> Callable[[str], str]:
    """URLs of new databases."""

    def make(name: str) -> str:
        copyfile(template(), tmp_path / name)
        return f"sqlite:///{tmp_path / name}"

    return make


def test_messages_that_share_a_message_id_have_the_same_ids_whichever_is_read_first(
    world: World, database_at: Callable[[str], str]
) -> None:
    world.deliver(ANNA, "INBOX", saved(9))
    found = []
    for tell in (contacts_first, forward):
        process = tell(world, database_at(tell.__name__))
        found.append({kept.facts[1]: kept.id for kept in view(process.database).kept.values()})
        process.close()
    assert len(found[0]) == 2
    assert found[0] == found[1]


def test_the_last_save_of_a_draft_has_the_id_that_it_has_for_who_saw_no_other(
    world: World, database_at: Callable[[str], str]
) -> None:
    """So a restored database finds the reminders about it in the calendar."""
    before = contacts_first(world, database_at("before"))
    world.expunge(world.places()[0])
    world.deliver(ANNA, "INBOX", saved(9))
    before.sync(ANNA)
    restored = contacts_first(world, database_at("restored"))
    assert view(before.database).kept.keys() == view(restored.database).kept.keys()
    assert len(view(before.database).kept) == 1
    before.close()
    restored.close()
