"""The calendars of a mailbox, as their owner uses them, and a record of what was written through the API.

`written` holds every body that a client sent to create or change an event: it proves that none ever named an attendee.
"""

import base64
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.servers.graph import mime, refusals, zones
from tests.servers.graph.ids import Ids
from tests.servers.graph.notifications import Change
from tests.servers.graph.properties import canonical

_COMMON = "{00062008-0000-0000-c000-000000000046}"
SIGNAL_TIME = f"SystemTime {_COMMON} Id 0x8560"
_REMINDER_SET = f"Boolean {_COMMON} Id 0x8503"
DEFAULTS: Mapping[str, Any] = {
    "subject": "",
    "categories": [],
    "importance": "normal",
    "sensitivity": "normal",
    "showAs": "busy",
    "isAllDay": False,
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "responseRequested": True,
    "allowNewTimeProposals": True,
    "hideAttendees": False,
    "isOnlineMeeting": False,
    "attendees": [],
    "location": {"displayName": "", "locationType": "default", "uniqueIdType": "unknown"},
    "locations": [],
    "recurrence": None,
    "body": {"contentType": "html", "content": ""},
    "transactionId": None,
}


@dataclass(kw_only=True, eq=False)
class Event:
    """An event. start, end: in UTC; the zones are those it was written in. deleted: it is not there any more."""

    number: int
    calendar: "Calendar"
    fields: dict[str, Any]
    start: datetime
    end: datetime
    start_zone: str
    end_zone: str
    organizer: dict[str, Any]
    extended: dict[str, str] = field(default_factory=dict)
    created: str = ""
    modified: str = ""
    version: int = 1
    deleted: bool = False

    @property
    def id(self) -> str:
        """The ordinary id."""
        return self.calendar.ids.item(self.number)

    @property
    def immutable_id(self) -> str:
        """The id that a move does not change."""
        return self.calendar.ids.immutable(self.number)

    @property
    def change_key(self) -> str:
        """Names this state of it."""
        return base64.b64encode(f"ZlnW4RIAV06K{self.number:06d}{self.version:04d}".encode()).decode()

    @property
    def etag(self) -> str:
        """The change key as HTTP has it."""
        return f'W/"{self.change_key}"'

    @property
    def subject(self) -> str:
        """Its title."""
        return str(self.fields["subject"])

    @property
    def remind_at(self) -> datetime | None:
        """When the owner is reminded, or again after a snooze. None: not at all, or the reminder was dismissed."""
        if not self.fields["isReminderOn"]:
            return None
        if SIGNAL_TIME in self.extended:
            return datetime.fromisoformat(self.extended[SIGNAL_TIME])
        return self.start - timedelta(minutes=int(self.fields["reminderMinutesBeforeStart"] or 0))

    def properties(self) -> dict[str, str]:
        """Its extended properties, those of the reminder among them ([MS-OXORMDR])."""
        moment = self.remind_at
        shown = {**self.extended, _REMINDER_SET: "true" if moment else "false"}
        return shown | ({SIGNAL_TIME: mime.stamp(moment)} if moment else {})

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Is any of it between these?"""
        return self.start < end and (self.end > start or self.end == self.start >= start)

    def entity(self, zone: str) -> dict[str, Any]:
        """It as Graph shows it, ids left out. zone: of its times."""
        body = self.fields["body"]
        text = body["content"] if body["contentType"] == "text" else mime.plain(body["content"])
        return {
            "@odata.etag": self.etag,
            "originalStartTimeZone": self.start_zone,
            "originalEndTimeZone": self.end_zone,
            "iCalUId": f"040000008200E00074C5B7101A82E008{self.number:032X}",
            "hasAttachments": False,
            "bodyPreview": text[:255],
            "isCancelled": False,
            "isOrganizer": True,
            "isDraft": False,
            "seriesMasterId": None,
            "type": "singleInstance",
            "webLink": f"https://outlook.example/owa/?itemid={self.number}&path=/calendar/item",
            "onlineMeetingUrl": None,
            "onlineMeetingProvider": "unknown",
            "onlineMeeting": None,
            "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
            "organizer": self.organizer,
            **self.fields,
            "createdDateTime": self.created,
            "lastModifiedDateTime": self.modified,
            "changeKey": self.change_key,
            "start": zones.write(self.start, zone),
            "end": zones.write(self.end, zone),
        }


@dataclass(kw_only=True, eq=False)
class Calendar:
    """A calendar, with a journal of the events that changed, by the calendars' sequence."""

    ids: Ids
    id: str
    name: str
    default: bool = False
    events: dict[int, Event] = field(default_factory=dict)
    journal: list[tuple[int, Event]] = field(default_factory=list)

    def since(self, sequence: int) -> Sequence[Event]:
        """What changed after `sequence`, each event once."""
        start = bisect_right(self.journal, sequence, key=lambda entry: entry[0])
        return list({event.number: event for _, event in self.journal[start:]}.values())


class Calendars:
    """All calendars of one mailbox. Methods up to `dismiss` are what the owner does in Outlook."""

    def __init__(self, ids: Ids, owner: dict[str, Any], tell: "Callable[[Event, Change], None]") -> None:
        self.ids, self.owner, self._tell = ids, owner, tell
        self.sequence = 0
        self.written: list[dict[str, Any]] = []
        self.all: dict[str, Calendar] = {}
        self._numbers = 1_000_000
        self._events: dict[str, Event] = {}
        self.default = self.create("Calendar", default=True)

    def create(self, name: str, *, default: bool = False) -> Calendar:
        """Another calendar."""
        self._numbers += 1
        calendar = Calendar(ids=self.ids, id=self.ids.folder(self._numbers), name=name, default=default)
        self.all[calendar.id] = calendar
        self.sequence += 1
        return calendar

    def remove(self, calendar: Calendar) -> None:
        """The calendar goes with its events."""
        for event in list(calendar.events.values()):
            self.delete(event)
        del self.all[calendar.id]

    def events(self, calendar: Calendar | None = None) -> list[Event]:
        """Those that stand in this calendar, or in all."""
        calendars = [calendar] if calendar else list(self.all.values())
        return [event for one in calendars for event in one.events.values()]

    def add(
        self, start: datetime, end: datetime, calendar: Calendar | None = None, *, zone: str = "UTC", **fields: object
    ) -> Event:
        """An event; fields are Graph's properties, `subject=`, `attendees=`, `type="occurrence"`."""
        where, self._numbers, now = calendar or self.default, self._numbers + 1, mime.stamp(datetime.now(UTC))
        event = Event(
            number=self._numbers,
            calendar=where,
            fields={**DEFAULTS, **fields},
            start=start.astimezone(UTC),
            end=end.astimezone(UTC),
            start_zone=zone,
            end_zone=zone,
            organizer=self.owner,
            created=now,
            modified=now,
        )
        where.events[event.number] = event
        self._events[event.id] = self._events[event.immutable_id] = event
        self._note(event, "created")
        return event

    def change(self, event: Event, **fields: object) -> None:
        """Another title, category or whatever property."""
        event.fields.update(fields)
        self.touch(event)

    def reschedule(self, event: Event, start: datetime, end: datetime) -> None:
        """The owner drags it elsewhere; the reminder follows."""
        event.start, event.end = start.astimezone(UTC), end.astimezone(UTC)
        event.extended.pop(SIGNAL_TIME, None)
        self.touch(event)

    def delete(self, event: Event) -> None:
        """The owner deletes it."""
        del event.calendar.events[event.number]
        del self._events[event.id], self._events[event.immutable_id]
        event.deleted = True
        self._note(event, "deleted")

    def snooze(self, event: Event, until: datetime) -> None:
        """Remind again then: only PidLidReminderSignalTime tells ([MS-OXORMDR])."""
        event.extended[SIGNAL_TIME] = mime.stamp(until)
        event.fields["isReminderOn"] = True
        self.touch(event)

    def dismiss(self, event: Event) -> None:
        """Remind no more: the reminder is off, the event stays."""
        event.extended.pop(SIGNAL_TIME, None)
        event.fields["isReminderOn"] = False
        self.touch(event)

    # What the server asks.

    @property
    def attendees_written(self) -> list[dict[str, Any]]:
        """Bodies that named attendees. Nobody may be invited by a client that only reminds: this stays empty."""
        return [body for body in self.written if body.get("attendees")]

    def find(self, key: str) -> Calendar:
        """A calendar by its id. Refused if there is none."""
        if key not in self.all:
            raise refusals.item_not_found() if key.startswith("AA") else refusals.malformed_id()
        return self.all[key]

    def event(self, key: str) -> Event:
        """By either id. Refused if there is none."""
        if key not in self._events:
            raise refusals.item_not_found() if key.startswith("AA") and len(key) > 40 else refusals.malformed_id()
        return self._events[key]

    def touch(self, event: Event) -> None:
        """It has changed: another changeKey, and an entry in the journal."""
        event.version += 1
        event.modified = mime.stamp(datetime.now(UTC))
        self._note(event, "updated")

    def set_extended(self, event: Event, values: Sequence[Mapping[str, Any]]) -> None:
        """Extended properties, new or changed."""
        event.extended |= {canonical(str(one.get("id", ""))): str(one.get("value", "")) for one in values}

    def snapshot(self) -> dict[str, Any]:
        """Everything in them."""
        return {
            calendar.id: (
                calendar.name,
                {e.id: (e.change_key, repr(e.fields), e.start, e.end) for e in self.events(calendar)},
            )
            for calendar in self.all.values()
        }

    def _note(self, event: Event, change: Change) -> None:
        self.sequence += 1
        event.calendar.journal.append((self.sequence, event))
        self._tell(event, change)
