"""Mailboxes and calendars of Exchange Server by Exchange Web Services (EWS, Exchange 2013 SP1 and later).

`open_source`, `open_calendar` and `open_meetings` are the doors; nothing connects before the first call on what they
return. Exchange Online is refused: it has a connector of its own.
"""

from typing import TYPE_CHECKING

from config.model import Calendar, ExchangeAccess, ExchangeCalendar, Mailbox
from connectors.errors import Fatal
from connectors.exchange.calendar import ExchangeSink
from connectors.exchange.meetings import ExchangeMeetings
from connectors.exchange.source import ExchangeSource

if TYPE_CHECKING:
    from connectors.oauth import TokenCache

__all__ = ["ExchangeMeetings", "ExchangeSink", "ExchangeSource", "open_calendar", "open_meetings", "open_source"]


def open_source(mailbox: Mailbox, *, tokens: "TokenCache | None" = None) -> ExchangeSource:
    """The mailbox as a MailSource; `tokens` keeps OAuth tokens. Raises Fatal if it is no mailbox of Exchange Server."""
    if not isinstance(mailbox.access, ExchangeAccess):
        raise Fatal(f"connector {mailbox.connector} is not an Exchange server")
    return ExchangeSource(mailbox.access, mailbox.folders, mailbox.timezone, tokens)


def open_calendar(calendar: Calendar) -> ExchangeSink:
    """A calendar of the mailbox as a CalendarSink. Raises Fatal if it is none of Exchange Server."""
    if not isinstance(calendar, ExchangeCalendar):
        raise Fatal("this calendar is not one of an Exchange server")
    return ExchangeSink(calendar)


def open_meetings(calendar: Calendar, other: str | None = None) -> ExchangeMeetings:
    """The appointments in the mailbox's main calendar, wherever its reminders stand. Raises Fatal."""
    if not isinstance(calendar, ExchangeCalendar):
        raise Fatal("this calendar is not one of an Exchange server")
    if other is not None:
        raise Fatal(
            "the appointments of a mailbox of Exchange are those of its main calendar, which has no address of its own",
            advice="write `meetings = true`",
        )
    return ExchangeMeetings(calendar)
