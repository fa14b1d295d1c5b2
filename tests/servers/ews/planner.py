"""What stands in an owner's calendar and address book: meetings with people, times of a series, contacts.

Sources: [MS-OXWSMTGS] 2.2.4.12 (CalendarItemType), [MS-OXWSCONT] 2.2.4 (ContactItemType).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from tests.servers.ews.fields import Field, Key, flag, moment, simple
from tests.servers.ews.mime import mailbox
from tests.servers.ews.soap import tag, text

Person = tuple[str, str]
"""Display name and address."""


def meeting(
    subject: str,
    start: datetime,
    end: datetime,
    *,
    uid: str,
    organiser: Person,
    required: Iterable[Person] = (),
    optional: Iterable[Person] = (),
    rooms: Iterable[Person] = (),
    answers: Mapping[str, str] | None = None,
    kind: str = "Single",
) -> dict[Key, Field]:
    """answers: by address, what those invited said (Accept, Decline). kind: Single, Occurrence, RecurringMaster."""
    said = answers or {}
    people = {"RequiredAttendees": required, "OptionalAttendees": optional, "Resources": rooms}
    fields: dict[Key, Field] = {
        "ItemClass": simple("ItemClass", "IPM.Appointment"),
        "Subject": simple("Subject", subject),
        "Sensitivity": simple("Sensitivity", "Normal"),
        "UID": simple("UID", uid),
        "Start": moment("Start", start),
        "End": moment("End", end),
        "IsAllDayEvent": flag("IsAllDayEvent", False),
        "LegacyFreeBusyStatus": simple("LegacyFreeBusyStatus", "Busy"),
        "IsMeeting": flag("IsMeeting", True),
        "IsCancelled": flag("IsCancelled", False),
        "CalendarItemType": simple("CalendarItemType", kind),
        "Organizer": Field(tag("t:Organizer", mailbox(*organiser)), organiser[0]),
        **{name: attendees(name, each, said) for name, each in people.items() if each},
    }
    return fields


def attendees(name: str, people: Iterable[Person], said: Mapping[str, str]) -> Field:
    """A list of those invited."""
    each = [tag("t:Attendee", mailbox(*one) + text("t:ResponseType", said.get(one[1], "Unknown"))) for one in people]
    return Field(tag(f"t:{name}", "".join(each)), "; ".join(shown for shown, _ in people))


def contact(
    name: str, emails: Iterable[str], phones: Mapping[str, str], company: str, title: str, sensitivity: str
) -> dict[Key, Field]:
    """phones: by their key (MobilePhone, BusinessFax …)."""
    kinds = [text("t:Entry", address, Key=f"EmailAddress{n}") for n, address in enumerate(emails, 1)]
    numbers = [text("t:Entry", number, Key=key) for key, number in phones.items()]
    fields: dict[Key, Field] = {
        "ItemClass": simple("ItemClass", "IPM.Contact"),
        "Sensitivity": simple("Sensitivity", sensitivity),
        "DisplayName": simple("DisplayName", name),
        "CompanyName": simple("CompanyName", company),
        "JobTitle": simple("JobTitle", title),
        "EmailAddresses": Field(tag("t:EmailAddresses", "".join(kinds)), ""),
        "PhoneNumbers": Field(tag("t:PhoneNumbers", "".join(numbers)), ""),
    }
    empty = {"CompanyName", "JobTitle", "EmailAddresses", "PhoneNumbers"}
    return {key: one for key, one in fields.items() if key not in empty or "</t:Entry>" in one.xml or one.value}


def distribution_list(name: str) -> dict[Key, Field]:
    """A list of the owner's own, which is nobody."""
    return {
        "ItemClass": simple("ItemClass", "IPM.DistList"),
        "Sensitivity": simple("Sensitivity", "Normal"),
        "DisplayName": simple("DisplayName", name),
    }
