"""Tries a calendar for real: makes an item of our own kind, finds it, and takes it away again, whatever fails between.

The uid is the same for the same calendar every time, so an item that an earlier try had to leave goes with the next
one. It ends like no installation's, so the agent itself takes no notice of it.
"""

import hashlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from agent.doctor.examine import of_error
from agent.doctor.finding import Said, Verdict, failed, fine
from connectors.base import CalendarSink
from connectors.errors import Conflict, ConnectorError
from connectors.event import CalendarEvent, FoundEvent

TITLE = "crm-agent doctor: a test, removed at once"
_AHEAD = timedelta(days=1)
_TRIES = 3


def probe_event(address: str, place: str, zone: str, now: datetime) -> CalendarEvent:
    """The item to try with. place: what tells this calendar from others. Pure."""
    mark = hashlib.blake2b(f"{address}\x00{place}".encode(), digest_size=12).hexdigest()
    start = (now + _AHEAD).astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
    return CalendarEvent(
        uid=f"{mark}@crm-agent-doctor",
        reminder=mark,
        title=TITLE,
        description="If this stands here for longer than a minute, delete it.",
        start=start,
        timezone=zone,
    )


def try_out(sink: CalendarSink, event: CalendarEvent) -> Said:
    """The verdict on writing. Nothing of ours is left, or the answer says that it must be removed by hand."""
    hindered = _left_over(sink, event)
    if hindered is not None:
        return hindered
    said = _made(sink, event)
    left = _removed(sink, event)
    if left is None:
        return said
    return failed(
        f"the test item could not be removed: {left}" if said.ok is Verdict.OK else f"{said.detail}; {left}",
        f'delete the item "{event.title}" on {event.start.date()} from the calendar; {said.advice or "then try again"}',
    )


def _left_over(sink: CalendarSink, event: CalendarEvent) -> Said | None:
    """Removes what an earlier try had to leave. None if nothing is in the way."""
    try:
        standing = sink.find(event.uid)
        if standing is not None:
            sink.delete(standing)
    except ConnectorError as error:
        return of_error(error)
    return None


def _made(sink: CalendarSink, event: CalendarEvent) -> Said:
    try:
        sink.create(event)
        return judge(event, sink.find(event.uid))
    except ConnectorError as error:
        return of_error(error)


def judge(event: CalendarEvent, found: FoundEvent | None) -> Said:
    """What was found of the item just made. Pure."""
    if found is None:
        return failed("the server took an item and did not have it afterwards", "choose another calendar or server")
    if found.reminder != event.reminder:
        return failed("the server does not keep our mark on an item", "choose another calendar or server")
    return fine("an item was made, found and removed")


def _removed(sink: CalendarSink, event: CalendarEvent) -> ConnectorError | None:
    """Takes the item away; a lost answer may have been a done deed, so it is looked for again. What failed last."""
    last: ConnectorError | None = None
    for _ in range(_TRIES):
        try:
            standing = sink.find(event.uid)
            if standing is None:
                return None
            sink.delete(standing)
            last = Conflict("it stands there again after it was removed")
        except ConnectorError as error:
            last = error
    return last
