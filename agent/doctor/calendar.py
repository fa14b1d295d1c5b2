"""Looks at one mailbox's calendar: whether it is there, what we may do in it, and, if asked, that we can."""

import os
import ssl
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from xml.etree.ElementTree import Element

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from agent.doctor.examine import Look, of_error
from agent.doctor.finding import Said, failed, fine, skipped, warning
from agent.doctor.probe import probe_event, try_out
from agent.doctor.trust import readable
from agent.doctor.web import tls_of
from config.model import CaldavCalendar, Calendar, ExchangeCalendar, GraphCalendar, IcsCalendar, Mailbox
from connectors import registry
from connectors.base import CalendarSink
from connectors.caldav_discovery import CAL, Offered, calendars
from connectors.dav import DAV, Answer, DavClient, Resource, Timeouts, resources
from connectors.errors import Fatal, NeedsSignIn, Skippable
from connectors.event import CalendarEvent
from connectors.http_dates import http_date
from connectors.meeting import Window

APART = timedelta(seconds=60)
"""Clocks further apart than this are warned of: sign-ins by token and reminders go by them."""
_WRITES = frozenset({"all", "write", "write-content", "bind"})
_NAME_ONE = "give the address of one calendar, not of the server or the account"
_RENEW = "renew the server's certificate before then: afterwards no reminder is written"
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_PROPERTIES = (
    '<d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:resourcetype/>'
    "<d:current-user-privilege-set/><c:supported-calendar-component-set/></d:prop></d:propfind>"
)


@dataclass(kw_only=True)
class CalendarVisit:
    """One visit to a mailbox's calendar. `close` it at the end; nothing connects before a look needs it.

    answer: what the server said of the collection, and when that was.
    """

    mailbox: Mailbox
    calendar: Calendar
    now: datetime
    answer: tuple[Answer, datetime] | None = field(default=None)

    @cached_property
    def sink(self) -> CalendarSink:
        return registry.open_calendar(self.calendar)

    @cached_property
    def dav(self) -> CaldavCalendar:
        """Raises TypeError where there is no server: such a calendar is given other looks."""
        if not isinstance(self.calendar, CaldavCalendar):
            raise TypeError("not on a CalDAV server")
        return self.calendar

    @property
    def place(self) -> str:
        match self.calendar:
            case CaldavCalendar():
                return self.calendar.url
            case IcsCalendar():
                return str(self.calendar.path)
            case GraphCalendar() | ExchangeCalendar():
                return self.calendar.name or "the mailbox's own calendar"

    def close(self) -> None:
        if "sink" in self.__dict__:
            self.sink.close()


def looks(mailbox: Mailbox, calendar: Calendar, *, write: bool) -> Sequence[Look[CalendarVisit]]:
    """What there is to look at. write: an item may be made and removed."""
    trying = (Look(check="write", at=_write, after=("find",)),) if write else ()
    if isinstance(calendar, IcsCalendar):
        return (*_IN_A_FOLDER, *trying)
    if mailbox.reminders.reads_meetings:
        trying = (Look(check="meetings", at=_meetings, after=("find",)), *trying)
    if not isinstance(calendar, CaldavCalendar):
        return (Look(check="find", at=_find_own), *trying)
    over_tls = calendar.url.startswith("https:")
    return (*(look for look in _ON_SERVER if over_tls or look.check != "tls"), *trying)


def _secrets(visit: CalendarVisit) -> Said:
    return readable(visit.dav)


def _find(visit: CalendarVisit) -> Said:
    """Asks for an item that is not there: the way, the sign-in and the right to read in one."""
    visit.sink.find(_probe(visit).uid)
    return fine(visit.place)


def _find_collection(visit: CalendarVisit) -> Said:
    """Also whether it is a calendar that stands there; if not, which ones the account has."""
    try:
        visit.sink.find(_probe(visit).uid)
    except NeedsSignIn:
        raise
    except (Fatal, Skippable) as error:
        return judge_offer(of_error(error), visit.dav.url, _offered(visit))
    visit.answer = (_ask(visit), datetime.now(UTC))
    told = next(iter(resources(visit.answer[0])), None) if visit.answer[0].status == 207 else None
    if told is not None and f"{CAL}calendar" in _names(told, f"{DAV}resourcetype", "*"):
        return fine(visit.place)
    return judge_offer(failed("there is no calendar at this address", _NAME_ONE), visit.dav.url, _offered(visit))


def judge_offer(said: Said, url: str, offered: Sequence[Offered]) -> Said:
    """What was said, with the calendars that could be meant instead; if the configured one is there, it is. Pure."""
    if any(one.url.rstrip("/") == url.rstrip("/") for one in offered):
        return said
    named = ", ".join(f"{one.url} ({one.name})" if one.name else one.url for one in offered)
    return failed(said.detail, f"write one of these in `url`: {named}") if named else said


def _offered(visit: CalendarVisit) -> Sequence[Offered]:
    with closing(_client(visit.dav)) as client:
        return calendars(client, visit.dav.url)


def _find_own(visit: CalendarVisit) -> Said:
    """Without making anything: one that the first item would make is looked for as if it had to be there."""
    calendar = visit.calendar
    if not isinstance(calendar, GraphCalendar | ExchangeCalendar) or not (calendar.name and calendar.create):
        return _find(visit)
    _is_there(visit, calendar.model_copy(update={"name": None, "create": False}))  # the right to open calendars at all
    try:
        _is_there(visit, calendar.model_copy(update={"create": False}))
    except NeedsSignIn:
        raise
    except Fatal as error:
        return warning(str(error), "the first reminder makes it, and so does `crm-agent doctor --write`")
    return fine(visit.place)


def _is_there(visit: CalendarVisit, calendar: Calendar) -> None:
    with closing(registry.open_calendar(calendar)) as sink:
        sink.find(_probe(visit).uid)


def _rights(visit: CalendarVisit) -> Said:
    told = next(iter(resources(visit.answer[0])), None) if visit.answer is not None else None
    return judge_collection(told) if told is not None else skipped("waits for: find")


def _ask(visit: CalendarVisit) -> Answer:
    with closing(_client(visit.dav)) as client:
        return client.request("PROPFIND", visit.dav.url, body=_PROPERTIES, headers={"Depth": "0", **_XML})


def _client(calendar: CaldavCalendar) -> DavClient:
    password = calendar.password.read() if calendar.password else None
    return DavClient(
        calendar.url, username=calendar.username, password=password, ca_file=calendar.ca_file, timeouts=Timeouts()
    )


def judge_collection(told: Resource) -> Said:
    """Whether it is a calendar for events that we may write (RFC 4791 section 5.2.3, RFC 3744 section 5.4). Pure."""
    components = {node.get("name", "").upper() for node in _nodes(told, f"{CAL}supported-calendar-component-set", "*")}
    if components and "VEVENT" not in components:
        return failed("the calendar takes tasks only", "choose a calendar for events in `url`")
    return judge_privileges(
        {name.removeprefix(DAV) for name in _names(told, f"{DAV}current-user-privilege-set", "*/*")}
    )


def judge_privileges(names: Collection[str]) -> Said:
    """names: privileges without their namespace; none if the server does not tell. Pure."""
    if not names:
        return fine("read; the server does not tell more, `--write` tries it")
    if _WRITES & set(names):
        return fine("read and write")
    return failed("the account may read this calendar but not write it", "give it the right to write this calendar")


def _nodes(told: Resource, name: str, below: str) -> Sequence[Element]:
    element = told.properties.get(name)
    return element.findall(below) if element is not None else []


def _names(told: Resource, name: str, below: str) -> set[str]:
    return {node.tag for node in _nodes(told, name, below)}


def _tls(visit: CalendarVisit) -> Said:
    ca_file = visit.dav.ca_file or DEFAULT_CA_BUNDLE_PATH  # whom `connectors.dav` trusts
    return tls_of(visit.dav.url, lambda: ssl.create_default_context(cafile=str(ca_file)), visit.now, _RENEW)


def _clock(visit: CalendarVisit) -> Said:
    if visit.answer is None:
        return skipped("waits for: rights")
    answer, asked = visit.answer
    return judge_clock(answer.headers.get("date", ""), asked)


def judge_clock(date: str, now: datetime) -> Said:
    """date: the server's Date field (RFC 9110 section 6.6.1), whole seconds. now: when it came. Pure."""
    told = http_date(date)
    if told is None:
        return skipped("the server does not tell its time")
    apart = told - now
    seconds = round(abs(apart).total_seconds())
    if abs(apart) <= APART:
        return fine("the server's clock and ours agree")
    which = "ahead of" if apart > timedelta() else "behind"
    return warning(
        f"the server's clock is {seconds} s {which} ours", "set this machine's clock by NTP, or the server's"
    )


def _folder_rights(visit: CalendarVisit) -> Said:
    if os.access(visit.place, os.R_OK | os.W_OK | os.X_OK):
        return fine("read and write")
    return failed("the folder may be read but not written", f"give the service the right to write {visit.place}")


def _meetings(visit: CalendarVisit) -> Said:
    """Reads the appointments of one day, as a pass reads those of months."""
    chosen = visit.mailbox.reminders.meetings
    source = registry.open_meetings(visit.calendar, chosen if isinstance(chosen, str) else None)
    if source is None:
        return skipped("this kind of calendar does not tell appointments")
    window = Window(start=visit.now, end=visit.now + timedelta(days=1), zone=visit.mailbox.timezone)
    with closing(source):
        source.meetings(None, window, ())
    return fine("appointments can be read")


def _write(visit: CalendarVisit) -> Said:
    return try_out(visit.sink, _probe(visit))


def _probe(visit: CalendarVisit) -> CalendarEvent:
    return probe_event(visit.mailbox.address, visit.place, visit.mailbox.timezone, visit.now)


_ON_SERVER: Sequence[Look[CalendarVisit]] = (
    Look(check="secrets", at=_secrets),
    Look(check="find", at=_find_collection, after=("secrets",)),
    Look(check="rights", at=_rights, after=("find",)),
    Look(check="tls", at=_tls, after=("find",)),
    Look(check="clock", at=_clock, after=("find",)),
)
_IN_A_FOLDER: Sequence[Look[CalendarVisit]] = (
    Look(check="find", at=_find),
    Look(check="rights", at=_folder_rights, after=("find",)),
)
