"""Mailboxes and calendars of Exchange Online through Microsoft Graph v1.0, the application signing in as itself.

`access` (tokens and requests), `faults` (what answers mean), `folders`, `lanes`, `entries` (JSON to envelopes), `whole`
(what costs a request a message), `source`; `calendar` and `items` for reminders; `meetings` and `appointments` for what
else stands in the calendar; `checks` for `doctor`. Nothing that happens here changes anything in a mailbox but our own
calendar items.
"""

from typing import TYPE_CHECKING

from config.model import Calendar, GraphAccess, GraphCalendar, Mailbox
from connectors.errors import Fatal

if TYPE_CHECKING:
    from connectors.graph.calendar import GraphSink
    from connectors.graph.meetings import GraphMeetings
    from connectors.graph.source import GraphSource
    from connectors.oauth import TokenCache


def open_source(mailbox: Mailbox, *, tokens: "TokenCache | None" = None) -> "GraphSource":
    """For `connectors.registry`. An application's tokens are asked for anew at need, so none are kept."""
    from connectors.graph.source import GraphSource  # msal takes 0.3 s: imported where it is used

    if not isinstance(mailbox.access, GraphAccess):
        raise Fatal("the mailbox is not read through Microsoft Graph", advice='write type = "graph"')
    return GraphSource(mailbox.access, mailbox.folders, timezone=mailbox.timezone)


def open_calendar(calendar: Calendar) -> "GraphSink":
    """For `connectors.registry`. Raises Fatal if it is no calendar of Exchange Online."""
    from connectors.graph.calendar import GraphSink

    if not isinstance(calendar, GraphCalendar):
        raise Fatal("the mailbox has no calendar of Exchange Online", advice='write type = "own" in [calendar]')
    return GraphSink(calendar)


def open_meetings(calendar: Calendar, other: str | None = None) -> "GraphMeetings":
    """For `connectors.registry`. Raises Fatal if it is no calendar of Exchange Online, or if another one is named."""
    from connectors.graph.meetings import GraphMeetings

    if not isinstance(calendar, GraphCalendar):
        raise Fatal("the mailbox has no calendar of Exchange Online", advice='write type = "own" in [calendar]')
    if other is not None:
        raise Fatal(
            "the appointments are said to be at an address, but a mailbox of Exchange Online has its own calendar",
            advice="write reminders.meetings = true",
        )
    return GraphMeetings(calendar)
