"""Rows and questions a page at a time: whatever a mail holds arrives as it was, in both databases."""

from datetime import date

import pytest
import sqlalchemy as sa

from agent.store import arrays, bulk
from agent.store.database import Database
from agent.store.tables import contacts, folders, interactions, locations
from tests.unit.store_room import NOW, add_mailbox

AWKWARD = [
    "",
    "NULL",
    "null",
    '"',
    "\\",
    "\\N",
    "{}",
    "a,b",
    "{a,b}",
    "'",
    "%s",
    "%",
    "\n\t\r",
    "é😀\u202e",
    "\\x00",
    "?",
]
"""Words that mean something in arrays, in SQL or to a driver."""


def interaction(number: int, text: str) -> dict[str, object]:
    return {
        "id": f"{number}{text}", "message_key": bytes([number, 0, 255, 92, 34]), "variant": 0, "kind": "email",
        "direction": "inbound", "occurred_at": NOW, "date": None, "from_address": text, "subject": text or None,
        "message_id": None, "thread_id": None, "capture": "full", "rule": "address", "attachments": [{"name": text}],
        "flagged_as": [text], "asks": None if number % 2 else True, "words": number,
        "holds_until": date(2026, 12, 24) if number % 2 else None, "promises": None, "ends_at": NOW,
        "cancelled_at": NOW if number % 3 else None, "recorded_at": NOW,
    }  # fmt: skip


def test_rows_arrive_as_they_were(database: Database) -> None:
    rows = [interaction(number, text) for number, text in enumerate(AWKWARD)]
    with database.write() as connection:
        database.insert_new(connection, interactions, rows)
    with database.read() as connection:
        found = {row["id"]: dict(row) for row in connection.execute(sa.select(interactions)).mappings()}
    assert found == {row["id"]: row for row in rows}


def test_tells_which_rows_were_new(database: Database) -> None:
    first, second = [interaction(1, "a")], [interaction(1, "a"), interaction(2, "b")]
    with database.write() as connection:
        assert database.insert_and_tell(connection, interactions, first, "id") == {"1a"}
        assert database.insert_and_tell(connection, interactions, second, "id") == {"2b"}
        assert database.insert_and_tell(connection, interactions, second, "id") == set()
        assert connection.execute(sa.select(sa.func.count()).select_from(interactions)).scalar_one() == 2


def test_days_and_truth_values_arrive_as_they_were(database: Database) -> None:
    mailbox = add_mailbox(database)
    with database.write() as connection:
        database.insert_new(connection, folders, [{"mailbox_id": mailbox, "key": "a", "name": "a", "role": None,
            "absent": False, "renumberings": 0, "breaks": 0, "before_start": 0}])  # fmt: skip
        place = {"mailbox_id": mailbox, "folder_id": 1, "validity": "1", "uid": "7", "outcome": "logged",
            "flagged": True, "flag_due": date(2026, 12, 24), "decided_at": NOW}  # fmt: skip
        database.insert_new(connection, locations, [place, {**place, "uid": "8", "flagged": False, "flag_due": None}])
        rows = connection.execute(sa.select(locations.c.flagged, locations.c.flag_due, locations.c.decided_at)).all()
    assert [tuple(row) for row in rows] == [
        (True, date(2026, 12, 24), place["decided_at"]),
        (False, None, place["decided_at"]),
    ]


@pytest.mark.parametrize("count", [1, bulk.CHUNK + 1])
def test_finds_what_is_there_however_much_is_asked(database: Database, count: int) -> None:
    rows = [interaction(number, text) for number, text in enumerate(AWKWARD)]
    asked = [*(str(row["id"]) for row in rows), *(f"missing {number}" for number in range(count))]
    with database.write() as connection:
        database.insert_new(connection, interactions, rows)
        by_id = {one for (one,) in bulk.among(connection, bulk.values_of(interactions.c.id), asked)}
        keys = [bytes(str(row["message_key"]), "ascii") for row in rows] + [row["message_key"] for row in rows]
        by_key = {bytes(one) for (one,) in bulk.among(connection, bulk.values_of(interactions.c.message_key), keys)}
        nobody = list(bulk.among(connection, bulk.values_of(contacts.c.id), ["", "x"]))
    assert by_id == {row["id"] for row in rows}
    assert by_key == {row["message_key"] for row in rows}
    assert nobody == []


def test_an_empty_column_is_an_empty_array() -> None:
    assert arrays.words([]) == arrays.octets([]) == arrays.bare([]) == "{}"
