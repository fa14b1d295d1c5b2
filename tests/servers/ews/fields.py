"""Properties of items: their keys, their order in an answer, and extended properties under all their names.

A property is kept as the XML that an answer holds, so that a page of hundreds of items is joined, not built. Sources:
[MS-OXWSCORE] 2.2.4.24 (ItemType), [MS-OXWSMSG] 2.2.4.1, [MS-OXWSMTGS] 2.2.4.12, [MS-OXWSXPROP], [MS-OXPROPS].
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import unescape

from tests.servers.ews.soap import Node, Refusal, T, canonical, local, tag, text

Key = str | tuple[str, ...]


def _names(written: str) -> list[str]:
    return written.split()


_ITEM = _names("""
    MimeContent ItemId ParentFolderId ItemClass Subject Sensitivity Body Attachments DateTimeReceived Size Categories
    Importance InReplyTo IsSubmitted IsDraft IsFromMe IsResend IsUnmodified InternetMessageHeaders DateTimeSent
    DateTimeCreated ReminderDueBy ReminderIsSet ReminderNextTime ReminderMinutesBeforeStart DisplayCc DisplayTo
    DisplayBcc HasAttachments ExtendedProperty Culture LastModifiedName LastModifiedTime IsAssociated ConversationId
    UniqueBody Flag Preview TextBody
""")
_MESSAGE = _names("""
    Sender ToRecipients CcRecipients BccRecipients IsReadReceiptRequested IsDeliveryReceiptRequested ConversationIndex
    ConversationTopic From InternetMessageId IsRead IsResponseRequested References ReplyTo ReceivedBy
    ReceivedRepresenting
""")
_CALENDAR = _names("""
    UID RecurrenceId DateTimeStamp Start End OriginalStart IsAllDayEvent LegacyFreeBusyStatus Location When IsMeeting
    IsCancelled IsRecurring MeetingRequestWasSent IsResponseRequested CalendarItemType MyResponseType Organizer
    RequiredAttendees OptionalAttendees Resources Duration TimeZone AppointmentSequenceNumber AppointmentState
    Recurrence StartTimeZone EndTimeZone IsOnlineMeeting StartTimeZoneId EndTimeZoneId IsOrganizer
""")
_CONTACT = _names("FileAs DisplayName GivenName CompanyName EmailAddresses PhoneNumbers JobTitle Surname")
_MEETING = _names("AssociatedCalendarItemId IsDelegated IsOutOfDate HasBeenProcessed ResponseType UID")
_INVITATION = _names("MeetingRequestType Start End IsAllDayEvent Location Organizer RequiredAttendees")
_ORDERS = {
    "Message": _ITEM + _MESSAGE,
    "CalendarItem": _ITEM + _CALENDAR,
    "MeetingRequest": _ITEM + _MESSAGE + _MEETING + _INVITATION,
    "MeetingResponse": _ITEM + _MESSAGE + _MEETING,
    "MeetingCancellation": _ITEM + _MESSAGE + _MEETING,
    "MeetingMessage": _ITEM + _MESSAGE + _MEETING,
    "Contact": _ITEM + _CONTACT,
    "DistributionList": _ITEM + _names("FileAs DisplayName"),
    "Task": _ITEM,
}
RANKS = {kind: {name: rank for rank, name in enumerate(order)} for kind, order in _ORDERS.items()}

# In answers of FindItem and SyncFolderItems these are not to be had: people silently, the rest with an error.
NOT_IN_LISTS = frozenset(
    {
        *("ToRecipients", "CcRecipients", "BccRecipients", "ReplyTo", "InternetMessageHeaders"),
        *("RequiredAttendees", "OptionalAttendees", "Resources"),
    }
)
REFUSED_IN_LISTS = frozenset({"MimeContent", "Body", "TextBody", "UniqueBody", "Attachments"})

DEFAULT_SHAPE = {
    "Message": _names("""
        ItemId Subject Sensitivity Body Attachments Size Categories Importance DateTimeSent DateTimeCreated
        HasAttachments ToRecipients CcRecipients BccRecipients From IsRead IsReadReceiptRequested
        IsDeliveryReceiptRequested References InternetMessageId
    """),
    "CalendarItem": _names("""
        ItemId Subject Body Attachments Start End LegacyFreeBusyStatus Location HasAttachments IsRecurring Organizer
        RequiredAttendees OptionalAttendees CalendarItemType
    """),
}
ONLY_WHEN_NAMED = frozenset({"MimeContent", "UniqueBody", "ExtendedProperty"})

_SETS = {
    "Meeting": "6ed8da90-450b-101b-98da-00aa003f1305",
    "Appointment": "00062002-0000-0000-c000-000000000046",
    "Common": "00062008-0000-0000-c000-000000000046",
    "PublicStrings": "00020329-0000-0000-c000-000000000046",
    "Address": "00062004-0000-0000-c000-000000000046",
    "InternetHeaders": "00020386-0000-0000-c000-000000000046",
    "CalendarAssistant": "11000e07-b51b-40d6-af21-caa85edab1d0",
    "UnifiedMessaging": "4442858e-a9e3-4e80-b900-317a210cc15b",
    "Task": "00062003-0000-0000-c000-000000000046",
    "Sharing": "00062040-0000-0000-c000-000000000046",
}
_WORDS = frozenset({"ReminderIsSet", "MeetingRequestWasSent", "AllowNewTimeProposal"})
_DATES = frozenset(
    {"Start", "End", "ReminderDueBy", "DueDate", "StartDate", "CompleteDate", "DateTimeSent", "DateTimeReceived"}
)


@dataclass(frozen=True)
class Field:
    """A property's value. xml: as an answer holds it. value: what a restriction compares."""

    xml: str
    value: str


@dataclass(frozen=True)
class Path:
    """A property as a client names it. element: its own words for an extended property, echoed in the answer."""

    key: Key
    element: str


def simple(name: str, value: str) -> Field:
    """A property that holds text."""
    return Field(text(f"t:{name}", value), value)


def flag(name: str, value: bool) -> Field:
    """A property that is true or false."""
    return simple(name, "true" if value else "false")


def moment(name: str, value: datetime) -> Field:
    """A property that is a moment: whole seconds of UTC."""
    return simple(name, stamp(value))


def stamp(value: datetime) -> str:
    """A moment on the wire."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tagged(number: int, kind: str) -> Key:
    """The key of an extended property with a tag."""
    return ("tag", f"{number:#06x}", kind)


def named(property_set: str, name: str | int, kind: str) -> Key:
    """The key of a named property: the set's GUID or its well-known name, and a name or a number."""
    guid = _SETS.get(property_set, property_set).lower()
    return ("id", guid, str(name), kind) if isinstance(name, int) else ("name", guid, name.lower(), kind)


# Where this server keeps until when an owner snoozed a reminder; clients see PidLidReminderSignalTime.
SNOOZED = named("Common", 0x8560, "snoozed")


def path_of(element: Node) -> Path:
    """What a FieldURI, IndexedFieldURI or ExtendedFieldURI means. Raises Refusal."""
    kind = local(element)
    if kind == "FieldURI":
        return Path(element.get("FieldURI").partition(":")[2], canonical(element))
    if kind == "IndexedFieldURI":
        return Path(("indexed", element.get("FieldURI"), element.get("FieldIndex").lower()), canonical(element))
    return Path(_extended(element), canonical(element))


def _extended(element: Node) -> Key:
    kind = element.get("PropertyType")
    if (number := element.get("PropertyTag")) is not None:
        value = int(number, 16) if number.lower().startswith("0x") else int(number)
        if value >= 0x8000:
            raise Refusal("ErrorInvalidExtendedProperty", "The extended property attribute combination is invalid.")
        return tagged(value, kind)
    home = element.get("DistinguishedPropertySetId") or element.get("PropertySetId")
    name, number = element.get("PropertyName"), element.get("PropertyId")
    if home is None or (name is None) == (number is None):
        raise Refusal("ErrorInvalidExtendedProperty", "The extended property attribute combination is invalid.")
    return named(home, int(number) if number is not None else name, kind)


def given(element: Node) -> tuple[Path, Field]:
    """A property as a client writes it into an item."""
    if local(element) == "ExtendedProperty":
        path = path_of(element.find(f"{T}ExtendedFieldURI"))
        values = element.find(f"{T}Value")
        several = element.find(f"{T}Values")
        inner = canonical(values if values is not None else several)
        return path, Field(inner, values.text or "" if values is not None else "")
    xml = _whole_seconds(local(element), _true_or_false(local(element), canonical(element)))
    return Path(local(element), ""), Field(xml, value_of(xml))


def extended(path: Path, field: Field) -> str:
    """An extended property in an answer."""
    return tag("t:ExtendedProperty", path.element + field.xml)


def value(content: str) -> Field:
    """The value of an extended property that is no list."""
    return Field(text("t:Value", content), content)


def value_of(xml: str) -> str:
    """The text of an element."""
    return unescape(re.sub(r"<[^>]*>", "", xml))


def _true_or_false(name: str, xml: str) -> str:
    """Exchange writes words where a client may write 1 and 0."""
    if not re.match("Is[A-Z]", name) and name not in _WORDS:
        return xml
    return xml.replace(">1<", ">true<").replace(">0<", ">false<")


def _whole_seconds(name: str, xml: str) -> str:
    """Moments that a client writes are kept in UTC and whole seconds."""
    if name not in _DATES and name != "Flag":
        return xml
    return re.sub(r">(\d{4}-\d\d-\d\dT[^<]+)<", lambda found: f">{_utc(found[1])}<", xml)


def _utc(written: str) -> str:
    moment = datetime.fromisoformat(written)
    return stamp(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
