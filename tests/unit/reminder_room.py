"""A mailbox with a history of its own making, and a clock that tests turn: what reminder tests work in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from agent.store import feed, roll, tables
from agent.store.calendar import listing, reminders
from agent.store.calendar.item_rows import load_items
from agent.store.calendar.listing import Listed
from agent.store.database import Database
from agent.store.directory import purchases
from agent.store.hashes import Hasher
from agent.store.mail import dating
from agent.store.migrate import installation_id
from agent.store.unit import Lease
from agent.tending.farewell import Leaver, withdraw
from agent.tending.tend import Tended, Tending, own_addresses, tend_mailbox
from agent.tending.withdrawn import Withdrawn
from config.model import AfterRule, ArchiveAccess, Calendar, IcsCalendar, Mailbox, Organisation, Reminders, Settings
from connectors.base import CalendarSink
from connectors.event import FoundEvent
from connectors.ics import IcsSink

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""10:00 in Berlin on a Monday without holidays around."""
_HELD = {"lease_owner": "test", "lease_until": MONDAY + timedelta(days=999)}
EVERY_STATE = ("suggested", "pending", "in-calendar", "snoozed", "done", "dismissed", "not-needed")


def a_mailbox(address: str = "anna@ourfirm.example", calendar: Calendar | None = None, **reminders: object) -> Mailbox:
    chosen = {"waiting_for_them": AfterRule(), "flagged": AfterRule(), **reminders}
    return Mailbox(
        address=address,
        connector="mail",
        access=ArchiveAccess(path=Path("/nowhere")),
        timezone="Europe/Berlin",
        capture="full",
        calendar=calendar,
        reminders=Reminders.model_validate(chosen),
    )


@dataclass
class Room:
    """One mailbox in a database, with a folder of .ics files for a calendar unless another is given."""

    database: Database
    hasher: Hasher
    folder: Path
    mailbox: Mailbox = field(default_factory=a_mailbox)
    others: tuple[Mailbox, ...] = ()
    calendar: Calendar | None = None
    now: datetime = MONDAY
    open_sink: object = None
    lease_holds: bool = True
    epoch: int = 1

    def __post_init__(self) -> None:
        self.calendar = self.calendar or IcsCalendar(path=self.folder)
        self.mailbox = self.mailbox.model_copy(update={"calendar": self.calendar})
        self._rows = 0
        with self.database.write() as connection:
            self.ids = {one.address: self._add_mailbox(connection, one) for one in (self.mailbox, *self.others)}
            self._folder_ids = {one: self._add_folder(connection, id) for one, id in self.ids.items()}

    # The history

    def contact(
        self,
        id: str = "zoe",
        *,
        company: str | None = None,
        name: str = "Zoë Buyer",
        fields: Mapping[str, str] | None = None,
        **more: str,
    ) -> str:
        """more: owner, stage."""
        with self.database.write() as connection:
            if company is not None:
                self.database.insert_new(connection, tables.companies, [{"id": company, "name": company}])
            row: dict[str, object] = {"id": id, "name": name, "company_id": company, "phones": [], "created_by": "add"}
            row |= {"fields": dict(fields or {}), **more}
            connection.execute(sa.insert(tables.contacts).values(**row, created_at=MONDAY))
            address = f"{id}@buyer.example"
            email = {"contact_id": id, "match_key": address, "address": address, "is_primary": True}
            connection.execute(sa.insert(tables.contact_emails).values(**email))
        return id

    def wrote(self, to: str = "zoe", *, asks: bool | None = True, thread: str = "t1", **more: object) -> str:
        """Our mail to a contact. more: by, at, subject, cc, recipients, flagged, flag_due, promises, id."""
        by = str(more.pop("by", self.mailbox.address))
        return self._mail("outbound", by, to, asks=asks, thread=thread, holder=by, **more)

    def received(self, by: str = "zoe", *, asks: bool | None = False, thread: str = "t1", **more: object) -> str:
        """A contact's mail to us. more: holder, to, at, subject, words, flagged, flag_due, holds_until, id."""
        return self._mail("inbound", f"{by}@buyer.example", by, asks=asks, thread=thread, **more)

    def met(
        self,
        contact: str = "zoe",
        *,
        at: datetime | None = None,
        hours: float = 1,
        by: Sequence[str] = (),
        id: str | None = None,
    ) -> str:
        """A meeting that begins now; by: our mailboxes that take part, its organiser first."""
        start = at or self.now
        id = self._interaction("meeting", "outbound", start, None, None, None, id)
        self._set(id, ends_at=start + timedelta(hours=hours))
        self._link(id, contact, "attendee")
        rows = [
            {"mailbox_id": self.ids[one], "place": "calendar", "href": id, "interaction_id": id, "rank": rank}
            for rank, one in enumerate(by or (self.mailbox.address,))
        ]
        with self.database.write() as connection:
            connection.execute(sa.insert(tables.meeting_places), rows)
        return id

    def cancel(self, id: str) -> None:
        self._set(id, cancelled_at=self.now)

    def called(self, contact: str = "zoe", *, kind: str = "call") -> str:
        id = self._interaction(kind, "outbound" if kind == "call" else "internal", self.now, None, None, None, None)
        self._link(id, contact, "to")
        return id

    def bought(self, *days: date, contact: str = "zoe") -> None:
        found = [{"contact_id": contact, "bought_on": day, "id": self._key().hex()} for day in days]
        with self.database.write() as connection:
            connection.execute(sa.insert(tables.purchases), found)
            purchases.renew_rhythms(self.database, connection, [contact])

    def change(self, contact: str, **values: object) -> None:
        with self.database.write() as connection:
            connection.execute(sa.update(tables.contacts).where(tables.contacts.c.id == contact).values(**values))

    def dismiss(self, title: str) -> None:
        self._decide(title, "dismissed")

    def accept(self, title: str) -> None:
        self._decide(title, "pending")

    def _decide(self, title: str, state: str) -> None:
        (one,) = (each for each in self.reminders() if each.title == title)
        with self.database.write() as connection:
            reminders.set_state(self.database, connection, [one.id], state, self.now)

    def _set(self, id: str, **values: object) -> None:
        with self.database.write() as connection:
            query = sa.update(tables.interactions).where(tables.interactions.c.id == id)
            connection.execute(query.values(**values))
            dating.follow(connection, [id])
            self._tell(connection, "updated", id)

    def bounced(
        self, contact: str = "zoe", *, thread: str = "t1", kind: str = "bounce", back_on: date | None = None
    ) -> None:
        row = {"message_key": self._key(), "contact_id": contact, "kind": kind, "thread_id": thread, "back_on": back_on}
        with self.database.write() as connection:
            connection.execute(sa.insert(tables.signals).values(**row, occurred_at=self.now))
            told = feed.Change(kind=feed.SIGNAL, event="told", entity=contact, body={})
            feed.append(self.database, connection, [told])

    def flag(self, id: str, flagged: bool, due: date | None = None) -> None:
        with self.database.write() as connection:
            query = sa.update(tables.locations).where(tables.locations.c.interaction_id == id)
            connection.execute(query.values(flagged=flagged, flag_due=due))

    def forget(self, table: sa.Table) -> None:
        with self.database.write() as connection:
            connection.execute(sa.delete(table))

    # The agent

    def tend(self, **changes: Any) -> Tended:
        return tend_mailbox(self.tending(**changes))

    def tending(self, mailbox: Mailbox | None = None, **changes: Any) -> Tending:
        one = mailbox or self.mailbox
        content: dict[str, object] = {
            "database": self.database,
            "hasher": self.hasher,
            "lease": Lease(mailbox_id=self.ids[one.address], owner="test", epoch=self.epoch),
            "installation": self.installation,
            "mailbox": one,
            "organisation": Organisation(domains=("ourfirm.example",), timezone="Europe/Berlin"),
            "own": own_addresses((self.mailbox, *self.others)),
            "open_sink": self.open_sink or self.open,
            "clock": lambda: self.now,
            "hold": lambda seconds: self.lease_holds,
        }
        return Tending(**{**content, **changes})

    def leave(self) -> None:
        """The mailbox is taken out of the configuration."""
        self._configure(Settings())

    def come_back(self) -> None:
        """The mailbox is in the configuration again, as it was."""
        self._configure(Settings(mailboxes=(self.mailbox,)))

    def farewell(self, **changes: Any) -> Withdrawn:
        """What the engine does for a mailbox that left."""
        tending = self.tending(**changes)
        names = ("database", "hasher", "lease", "installation", "open_sink", "clock", "hold", "eager")
        return withdraw(Leaver(**{name: getattr(tending, name) for name in names}))

    def _configure(self, settings: Settings) -> None:
        roll.settle(self.database, settings, self.hasher, self.now)
        query = sa.select(tables.mailboxes.c.lease_epoch)
        free = tables.mailboxes.c.lease_owner.is_(None)
        with self.database.write() as connection:
            connection.execute(sa.update(tables.mailboxes).where(free).values(**_HELD))
            self.epoch = connection.execute(
                query.where(tables.mailboxes.c.address == self.mailbox.address)
            ).scalar_one()

    def sink(self) -> CalendarSink:
        """The calendar of the mailbox as it is configured now."""
        assert self.mailbox.calendar is not None
        return self.open(self.mailbox.calendar)

    def open(self, calendar: Calendar) -> CalendarSink:
        assert isinstance(calendar, IcsCalendar)
        return IcsSink(calendar)

    @property
    def installation(self) -> str:
        return installation_id(self.database)

    def wait(self, days: float = 0, **more: float) -> None:
        self.now += timedelta(days=days, **more)

    # What came of it

    def reminders(self, states: Sequence[str] = EVERY_STATE) -> list[Listed]:
        with self.database.read() as connection:
            return listing.listed(connection, states=states)

    def states(self) -> dict[str, str]:
        """Title -> state."""
        return {one.title: one.state for one in self.reminders()}

    def shown(self) -> list[FoundEvent]:
        """What stands in the calendar, by title."""
        return sorted(self.sink().changes(None).found, key=lambda found: (found.title, found.uid))

    def titles(self) -> list[str]:
        return [found.title for found in self.shown()]

    def intents(self) -> list[str]:
        with self.database.read() as connection:
            items = load_items(connection, self.ids[self.mailbox.address])
        return [item.intent for item in items if item.intent is not None]

    def _add_mailbox(self, connection: sa.Connection, mailbox: Mailbox) -> int:
        row = {"address": mailbox.address, "written": mailbox.address, "connector": "mail", "next_due": MONDAY}
        row |= {"lease_epoch": 1, **_HELD}
        return _inserted(connection, tables.mailboxes, row)

    def _add_folder(self, connection: sa.Connection, mailbox_id: int) -> int:
        row = {"mailbox_id": mailbox_id, "key": "INBOX", "name": "INBOX", "role": "inbox"}
        return _inserted(connection, tables.folders, row)

    def _mail(self, direction: str, sender: str, contact: str, **more: object) -> str:
        at = more.get("at", self.now)
        id = self._interaction(
            "email", direction, at, more["thread"], more.get("subject", "Order 12"), more["asks"], more.get("id")
        )
        self._set(id, words=more.get("words", 20))
        for name in ("holds_until", "promises"):
            if more.get(name) is not None:
                self._set(id, **{name: more[name]})
        self._participate(id, "from", sender)
        self._link(id, contact, "from" if direction == "inbound" else "to")
        to = [f"{contact}@buyer.example"] if direction == "outbound" else more.get("to", [self.mailbox.address])
        assert isinstance(to, list)
        for address in to:
            self._participate(id, "to", address)
        for number in range(int(str(more.get("recipients", 1))) - 1):
            self._participate(id, "cc", f"other{number}@buyer.example")
        self._locate(id, str(more.get("holder", self.mailbox.address)), more)
        return id

    def _interaction(
        self, kind: str, direction: str, at: object, thread: object, subject: object, asks: object, id: object
    ) -> str:
        key = self._key()
        name = str(id or key.hex())
        row = {"id": name, "message_key": key, "kind": kind, "direction": direction, "occurred_at": at}
        fixed = {"capture": "full", "rule": "address", "attachments": [], "flagged_as": [], "recorded_at": self.now}
        with self.database.write() as connection:
            values = {**row, **fixed, "thread_id": thread, "subject": subject, "asks": asks, "words": 20}
            connection.execute(sa.insert(tables.interactions).values(**values))
            self._tell(connection, "logged", name)
        return name

    def _tell(self, connection: sa.Connection, event: str, id: str) -> None:
        feed.append(self.database, connection, [feed.Change(kind="interaction", event=event, entity=id, body={})])

    def _participate(self, id: str, role: str, address: str) -> None:
        self._rows += 1
        row = {"interaction_id": id, "role": role, "address": address, "position": self._rows, "match_key": address}
        with self.database.write() as connection:
            at = dating.of(connection, id)
            connection.execute(sa.insert(tables.participants).values(**row, occurred_at=at))

    def _link(self, id: str, contact: str, role: str) -> None:
        row = {"interaction_id": id, "contact_id": contact, "role": role, "email": f"{contact}@buyer.example"}
        with self.database.write() as connection:
            more = {"rule": "address", "confidence": 1.0, "evidence": [], "occurred_at": dating.of(connection, id)}
            connection.execute(sa.insert(tables.links).values(**row, **more))

    def _locate(self, id: str, holder: str, more: dict[str, object]) -> None:
        self._rows += 1
        row = {
            "mailbox_id": self.ids[holder],
            "folder_id": self._folder_ids[holder],
            "validity": "1",
            "uid": str(self._rows),
            "outcome": "logged",
            "interaction_id": id,
            "flagged": more.get("flagged", False),
            "flag_due": more.get("flag_due"),
            "decided_at": self.now,
        }
        with self.database.write() as connection:
            connection.execute(sa.insert(tables.locations).values(**row))

    def _key(self) -> bytes:
        self._rows += 1
        return self.hasher.hash("test", str(self._rows))


WAITING = "Waiting for an answer: Zoë Buyer"
MOVED = ("DTSTART;TZID=Europe/Berlin:20260305T083000", "DTSTART;TZID=Europe/Berlin:20260311T140000")
"""What a calendar program changes to move the item of a question of MONDAY."""


def edit(room: Room, *edits: tuple[str, str], title: str = "") -> None:
    """What a calendar program does to our item (the one whose title holds `title`)."""
    for path in room.folder.glob("*.ics"):
        text = path.read_bytes().decode().replace("\r\n ", "")
        if title in text:
            for old, new in edits:
                assert old in text
                text = text.replace(old, new)
            path.write_bytes(text.encode())


def remove(room: Room) -> None:
    """Deletes all items, as a person does."""
    for path in room.folder.glob("*.ics"):
        path.unlink()


def standing_question(room: Room) -> None:
    """Our question to Zoë stands in the calendar."""
    room.wrote()
    room.tend()
    assert room.titles() == [WAITING]


def _inserted(connection: sa.Connection, table: sa.Table, row: dict[str, object]) -> int:
    key = connection.execute(sa.insert(table).values(**row)).inserted_primary_key
    assert key is not None
    return int(key[0])
