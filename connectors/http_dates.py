"""Dates in the headers of HTTP answers (RFC 9110 section 5.6.7). Called by whatever speaks HTTP."""

import email.utils
from datetime import UTC, datetime


def http_date(value: str) -> datetime | None:
    """A date as an aware time, None if it is none. Without a zone, or with `-0000`, it is UTC as all of them are."""
    try:
        when = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
