"""The whole state of an installation as a person could compare it: rows without clocks, calendars without versions."""

import re
import sqlite3
from collections import Counter
from pathlib import Path

Rows = dict[str, list[tuple[str, ...]]]

_CLOCKS = {
    *("recorded_at", "decided_at", "created_at", "changed_at", "made_at", "at", "gone_at", "first_at", "next_try"),
    *("flags_read_at", "compared_at", "read_at", "next_due", "last_attempt", "last_success", "caught_up_at"),
    *("lease_owner", "lease_epoch", "lease_until", "retry_at"),
    "unread",  # whether a calendar item is younger than the last reading: a resumed pass reads once more
}
_VERSIONS = {"etag", "attempts", "sealed", "settings_digest"}
_NUMBERS = {"seq"}
_LEFT_OUT = {"installation", "alembic_version", "sqlite_sequence", "audit"}
_PLACES = {"calendars": {"cursor", "place", "described"}, "calendar_items": {"place"}, "chores": {"since"}}
"""The calendar's cursor, digest and address differ with each calendar; a folder's cursor is compared. When something
was last looked at is a clock, and not the `since` of a mailbox.
"""


def rows(database: Path) -> Rows:
    """Every table's rows, sorted; a location is named by where it lies, not by its number."""
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    found = {table: _table(connection, table) for table in tables if table not in _LEFT_OUT}
    connection.close()
    return found


def _table(connection: sqlite3.Connection, table: str) -> list[tuple[str, ...]]:
    if table == "rereads":
        query = "select l.uid, l.folder_id from rereads r join locations l on l.id = r.location_id"
        return sorted(tuple(map(str, row)) for row in connection.execute(query))
    found = []
    for row in connection.execute(f"select * from {table}"):  # noqa: S608  # table names of our own schema
        hidden = _CLOCKS | _VERSIONS | _NUMBERS | ({"id"} if table in ("locations", "gaps") else set())
        hidden |= _PLACES.get(table, set())
        found.append(tuple(f"{name}={_plain(row[name])}" for name in row.keys() if name not in hidden))  # noqa: SIM118  # a Row iterates over values
    return sorted(found)


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def calendar(texts: list[str]) -> list[str]:
    """Items as they read, without the moments they were written."""
    stamp = re.compile(r"^(DTSTAMP|CREATED|LAST-MODIFIED|SEQUENCE)[:;].*\r?\n", re.MULTILINE)
    return sorted(stamp.sub("", text) for text in texts)


def differences(one: Rows, other: Rows) -> list[str]:
    """What stands in one state only, or more often there, for a readable failure."""
    return [
        f"{table}: {sign} {row}"
        for table in sorted(one.keys() | other.keys())
        for sign, left, right in (("-", one, other), ("+", other, one))
        for row in (Counter(left.get(table, ())) - Counter(right.get(table, ()))).elements()
    ]
