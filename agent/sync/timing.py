"""When a message happened. Pure."""

from datetime import UTC, datetime, timedelta

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nobody's mail is older; clocks that lost their battery say 1970 or 1980."""

TOLERANCE = timedelta(days=1)
"""A Date may be this far ahead of the server: time zones set wrong by hand are common, years are not."""

WEIGHED_FOR = timedelta(days=180)
"""What an older message asks is not looked at, unless reminders reach further back: nobody is reminded of it."""


def trusted(date: datetime | None, server_time: datetime | None, now: datetime) -> bool:
    """Whether the Date header may place the message."""
    return date is not None and EARLIEST <= date <= (server_time or now) + TOLERANCE


def occurred_at(date: datetime | None, server_time: datetime | None, now: datetime) -> datetime:
    """The Date header where it can be trusted, else the server's time, else now."""
    if date is not None and trusted(date, server_time, now):
        return date
    return server_time or now
