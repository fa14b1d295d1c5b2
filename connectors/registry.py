"""Type name → connector. A connector is imported when a mailbox of its type is opened, not before.

Outsiders add theirs as entry points of the group `crm_sync_agent.connectors`, named by type: a module with
`open_source(mailbox, *, tokens)`, `open_calendar(calendar)`, or both.
"""

from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

from config.model import Calendar, Mailbox
from connectors.base import CalendarSink, MailSource, MeetingSource
from connectors.errors import Fatal

if TYPE_CHECKING:
    from connectors.oauth import TokenCache

GROUP = "crm_sync_agent.connectors"

_OURS = MappingProxyType(
    {
        "imap": "connectors.imap",
        "graph": "connectors.graph",
        "exchange": "connectors.exchange",
        "maildir": "connectors.maildir",
        "caldav": "connectors.caldav",
        "ics": "connectors.ics",
    }
)


def open_source(mailbox: Mailbox, *, tokens: "TokenCache | None" = None) -> MailSource:
    """The mailbox as a source; nothing connects before it is used. Raises Fatal for a type nobody serves."""
    source: MailSource = _connector(mailbox.access.type, "open_source").open_source(mailbox, tokens=tokens)
    return source


def open_calendar(calendar: Calendar) -> CalendarSink:
    """A calendar as a sink; nothing connects before it is used. Raises Fatal for a type nobody serves.

    The calendar alone says where it is: it is emptied once more after its mailbox left the configuration.
    """
    sink: CalendarSink = _connector(calendar.type, "open_calendar").open_calendar(calendar)
    return sink


def open_meetings(calendar: Calendar, other: str | None = None) -> MeetingSource | None:
    """The owner's own appointments beside their reminders, None where the connector cannot tell them.

    other: the address of another calendar of the same account. Raises Fatal.
    """
    door = getattr(_connector(calendar.type, "open_calendar"), "open_meetings", None)
    source: MeetingSource | None = door(calendar, other) if door is not None else None
    return source


def _connector(kind: str, door: str) -> ModuleType:
    if kind in _OURS:
        return import_module(_OURS[kind])
    for entry in entry_points(group=GROUP, name=kind):
        module: ModuleType = entry.load()
        if hasattr(module, door):
            return module
    raise Fatal(f'type = "{kind}" is not part of this version', advice="use imap, graph or maildir; caldav, ics or own")
