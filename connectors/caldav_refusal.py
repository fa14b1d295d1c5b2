"""What it means that a CalDAV server refuses something: pure, for `connectors.caldav`.

A status alone says little: 403 stands for a missing right, for a uid that stands elsewhere, and for one item that the
calendar cannot keep. Servers name the precondition that failed (RFC 4791 section 5.3.2.1, RFC 6638 section 3.2.4.1).
"""

import re

from connectors.dav import RETRY_LIMIT, Answer
from connectors.errors import Conflict, ConnectorError, Fatal, Retriable, Skippable

_UID_TAKEN = frozenset({"no-uid-conflict", "unique-scheduling-object-resource"})
"""A uid that stands in another calendar of the account: Cyrus answers 403 then, as to an account without rights."""
_ONE_ITEM = frozenset(
    {
        *("supported-calendar-data", "valid-calendar-data", "valid-calendar-object-resource"),
        *("supported-calendar-component", "max-resource-size", "min-date-time", "max-date-time", "max-instances"),
    }
)
_FULL = frozenset({"quota-not-exceeded", "sufficient-disk-space"})
"""RFC 4331 section 6."""
_NAME = re.compile(rb"<(?:[\w.-]+:)?([a-z][a-z-]*-[a-z-]+)\b")


def refusal(answer: Answer) -> ConnectorError | None:
    """What a refused write of an item means by the precondition that is named; None if none is that we know."""
    named = {name.decode() for name in _NAME.findall(answer.body[:10_000])}
    if named & _UID_TAKEN:
        return taken()
    if named & _FULL:
        return Retriable("the calendar is full", advice="make room in the calendar account", after=RETRY_LIMIT)
    reason = next(iter(sorted(named & _ONE_ITEM)), None)
    return Skippable(f"the calendar server refused the item: {reason}") if reason is not None else None


def taken() -> Conflict:
    return Conflict("an item with this uid stands in the calendar already")


def forbidden() -> Fatal:
    return Fatal(
        "the account may not do this in the calendar", advice="give it the right to read and write this calendar"
    )


def no_calendar(status: int) -> Fatal:
    """No calendar, or none that we may read, where one should be."""
    if status == 403:
        return forbidden()
    if status in (404, 409, 410):
        return Fatal(
            "there is no calendar at this address",
            advice="make the calendar in your calendar program, or correct calendar.url",
        )
    return Fatal(f"the calendar server answered {status} instead of a listing", advice="check calendar.url")


def unmarked() -> Fatal:
    """A server that keeps no property of ours: what it stores, nobody could find or remove again."""
    return Fatal(
        "the calendar server drops the property by which we know our items, so none is left there",
        advice="put the reminders elsewhere: in another account, or into a folder of .ics files",
    )
