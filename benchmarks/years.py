"""Three years of a firm's history, made by the database itself: 5,000,000 messages in minutes.

Each message is a function of its number, in statements that both databases understand. Numbers of one contact differ
by a multiple of the contacts; three of them in a row are a thread: we ask, they answer, we thank. Of a hundred
messages one is flagged, one met an automatic reply, and after one there was a meeting.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from agent.store import tables
from agent.store.columns import microseconds
from agent.store.database import Database

SPAN = timedelta(days=1095)
_CHUNK = 250_000
"""Messages of one transaction."""
_FACTOR, _PRIME = 2_654_435_761, 4_294_967_291
"""Times the one and modulo the other, neighbours are far apart (multiplicative hashing)."""
_ASKING = 30
"""Of a hundred messages."""
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_FILLED = (
    *(tables.interactions, tables.participants, tables.links, tables.locations),
    *(tables.meeting_places, tables.signals),
)

Value = sa.ColumnElement[Any]
Part = tuple[sa.Table, Mapping[str, Any], Value | None]
"""A table, what its columns hold, and of which messages, None for all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Years:
    """Contacts `c0`, `c1` … and mailboxes `sales0@ourfirm.example` … of the rows 1 … with a folder each are there."""

    database: Database
    contacts: int
    people: int
    now: datetime

    def fill(self, messages: int) -> None:
        """Indexes come last: made at once they cost a fraction of what they do row by row."""
        with self.database.write() as connection:
            made = self._indexes(connection)
            for name in made:
                connection.execute(sa.text(f"DROP INDEX {name}"))
        for start in range(0, messages, _CHUNK):
            self.record(range(start, min(start + _CHUNK, messages)))
        for definition in made.values():
            with self.database.write() as connection:
                connection.execute(sa.text(definition))
        self._settle()

    def _indexes(self, connection: sa.Connection) -> dict[str, str]:
        """Name -> definition as the migrations made it: their conditions on PostgreSQL stand there alone."""
        ours = {str(index.name) for table in _FILLED for index in table.indexes}
        catalogue = (
            "SELECT name, sql FROM sqlite_master"
            if self.database.is_sqlite
            else ("SELECT indexname, indexdef FROM pg_indexes")
        )
        return {name: definition for name, definition in connection.execute(sa.text(catalogue)) if name in ours}

    def _settle(self) -> None:
        """As a database of years is: its planner knows it, and on PostgreSQL every row was looked after."""
        if self.database.is_sqlite:
            with self.database.write() as connection:
                connection.execute(sa.text("ANALYZE"))
            return
        with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))

    def record(self, numbers: range, at: datetime | None = None) -> None:
        """The messages of these numbers. at: when they came; None for each at its own time of the three years."""
        counted = _counted(numbers)
        with self.database.write() as connection:
            if not self.database.is_sqlite:  # references are right by construction
                connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            for table, columns, of in self._parts(_Message(counted.c.number, self, at)):
                row = sa.select(*(_as(table.c[name], value) for name, value in columns.items()))
                row = row.select_from(counted) if of is None else row.select_from(counted).where(of)
                connection.execute(sa.insert(table).from_select(list(columns), row))

    def _parts(self, one: "_Message") -> Iterator[Part]:
        shared = {"kind": "email", "capture": "full", "rule": "address", "attachments": [], "flagged_as": []}
        mail = {"message_key": sa.cast(one.id, sa.LargeBinary), "thread_id": one.thread, "asks": one.asks, "words": 40}
        mail |= {"subject": "Offer " + one.thread, "direction": one.direction, "occurred_at": one.at}
        yield tables.interactions, {**shared, **mail, "id": one.id, "recorded_at": self.now}, None
        for role, address in (("from", one.sender), ("to", one.receiver)):
            who = {"interaction_id": one.id, "role": role, "address": address, "position": 0, "match_key": address}
            who["occurred_at"] = one.at
            yield tables.participants, who, None
        link = {"contact_id": one.contact, "email": one.theirs, "rule": "address", "confidence": 1.0, "evidence": []}
        link["occurred_at"] = one.at
        yield tables.links, {**link, "interaction_id": one.id, "role": one.role}, None
        place = {"mailbox_id": one.mailbox_id, "folder_id": one.mailbox_id, "validity": "1", "uid": one.name}
        place |= {"outcome": "logged", "interaction_id": one.id, "decided_at": self.now, "flagged": one.has(1)}
        yield tables.locations, {**place, "message_key": sa.cast(one.id, sa.LargeBinary)}, None
        told = {"message_key": sa.cast(one.id, sa.LargeBinary), "contact_id": one.contact, "kind": "auto-reply"}
        yield tables.signals, {**told, "thread_id": one.thread, "occurred_at": one.at}, one.has(2)
        meeting = {"kind": "meeting", "direction": "outbound", "occurred_at": one.at, "ends_at": one.at}
        yield tables.interactions, {**shared, **meeting, "id": one.meeting, "recorded_at": self.now}, one.has(3)
        link |= {"interaction_id": one.meeting, "role": "attendee"}
        yield tables.links, link, one.has(3)
        seat = {"mailbox_id": one.mailbox_id, "place": "calendar", "href": one.meeting, "rank": 0}
        yield tables.meeting_places, {**seat, "interaction_id": one.meeting}, one.has(3)


class _Message:
    """What is so of the message of a number, as SQL. at: when it came, None for its own time."""

    def __init__(self, number: Value, years: Years, at: datetime | None) -> None:
        self._chance = number * _FACTOR % _PRIME % 100
        owner, turn, thread = number % years.contacts, number // years.contacts % 3, number // years.contacts // 3
        person = owner % years.people
        self.name = sa.cast(number, sa.String)
        self.id = "i" + sa.func.substr(sa.cast(number + 1_000_000_000, sa.String), 2)
        self.meeting = "m" + self.id
        self.contact = "c" + sa.cast(owner, sa.String)
        self.thread = "t" + sa.cast(owner, sa.String) + "-" + sa.cast(thread, sa.String)
        self.mailbox_id = person + 1
        ours, theirs = "sales" + sa.cast(person, sa.String) + "@ourfirm.example", self.contact + "@buyer.example"
        inbound = turn == 1
        self.direction, self.role = _either(inbound, "inbound", "outbound"), _either(inbound, "from", "to")
        self.theirs = theirs
        self.sender, self.receiver = _either(inbound, theirs, ours), _either(inbound, ours, theirs)
        self.asks = self._chance < _ASKING
        self.at = at if at is not None else _time(owner * 1_000 + thread, turn, years.now)

    def has(self, what: int) -> Value:
        """Whether it is one of the hundredth that has this."""
        return self._chance == 100 - what


def _time(thread: Value, turn: Value, now: datetime) -> Value:
    """Threads begin anywhere in the span, and their messages come on days in a row, none after now."""
    span, until = int(SPAN.total_seconds()), microseconds(now)
    moment = until - thread * _FACTOR % _PRIME % span * _SECOND + turn * _DAY
    return sa.case((moment > until, until), else_=moment)


def _either(condition: Value, this: Value | str, that: Value | str) -> Value:
    return sa.case((condition, this), else_=that)


def _counted(numbers: range) -> sa.CTE:
    """A row a number."""
    first = sa.select(sa.literal(numbers.start, sa.BigInteger).label("number")).cte("counted", recursive=True)
    following = first.c.number + numbers.step
    return first.union_all(sa.select(following).where(following < numbers.stop))


def _as(column: sa.Column[Any], value: object) -> Value:
    """As this column's value."""
    return (value if isinstance(value, sa.ColumnElement) else sa.literal(value, column.type)).label(column.name)
