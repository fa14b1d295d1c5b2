"""A message as Graph lists it → `Envelope`, `Flags`. Pure; never raises on whatever stands in the JSON.

What is asked for in every listing is small: addresses, subject, times, ids, flags, and four MAPI properties that have
no name in Graph. The header fields themselves come later, and only of mail that would be kept
(`connectors.graph.whole`); but what a message answers is asked of all mail, because a stranger's answer may be read
before the customer's question that makes it ours.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from connectors.message import YEARS_OF_MAIL, Address, Envelope, Flags
from connectors.mime.addresses import MOST_ADDRESSES
from connectors.mime.charsets import clean_line
from connectors.mime.identifiers import read_in_reply_to, read_message_id, read_references
from connectors.zones import iana_name

Entry = Mapping[str, Any]

FIELDS = (
    "internetMessageId,subject,from,sender,replyTo,toRecipients,ccRecipients,bccRecipients,receivedDateTime,"
    "sentDateTime,conversationId,conversationIndex,categories,flag,isDraft,parentFolderId"
)
CLASS, SENSITIVITY = 0x001A, 0x0036
"""PidTagMessageClass and PidTagSensitivity ([MS-OXPROPS])."""
IN_REPLY_TO, REFERENCES = 0x1042, 0x1039
"""PidTagInReplyToId and PidTagInternetReferences: a listing has no header, nor has what one has sent oneself."""
_OWN, _PRIVATE = "1", "2"
_CERTAIN = ("receivedDateTime", "subject", "toRecipients", "categories", "flag", "isDraft")
"""An entry of a change that lacks one of these tells only what changed."""
_PROPERTY = re.compile(r"\w+ 0x0*([0-9a-f]{1,4})\Z", re.IGNORECASE)
_UTC = frozenset(("UTC", "Etc/UTC", "Etc/GMT"))
_LONGEST_SUBJECT = 2_000
_MOST_CATEGORIES = 100


def expand_of(*properties: int) -> str:
    """`$expand` for MAPI properties by number; the sensitivity alone is no text."""
    kinds = ("Integer" if tag == SENSITIVITY else "String" for tag in properties)
    asked = " or ".join(f"id eq '{kind} 0x{tag:04X}'" for kind, tag in zip(kinds, properties, strict=True))
    return f"singleValueExtendedProperties($filter={asked})"


LISTED = expand_of(CLASS, SENSITIVITY, IN_REPLY_TO, REFERENCES)


def is_removed(entry: Entry) -> bool:
    """Whether a change says that the message left the folder, deleted or moved."""
    return "@removed" in entry


def is_whole(entry: Entry) -> bool:
    """Whether everything that was selected is there; a change may tell the changed properties alone."""
    return all(name in entry for name in _CERTAIN)


def properties_of(entry: Entry) -> dict[int, str]:
    """MAPI properties by number."""
    found: dict[int, str] = {}
    for one in _list(entry.get("singleValueExtendedProperties")):
        named = _PROPERTY.match(str(one.get("id", ""))) if isinstance(one, dict) else None
        if named:
            found[int(named[1], 16)] = str(one.get("value", ""))
    return found


def envelope_of(entry: Entry, zone: str = "UTC") -> Envelope:
    """What the listing tells. Size and most headers are missing. zone: where the owner is (IANA)."""
    message_id, defect = read_message_id(_text(entry, "internetMessageId"))
    properties = properties_of(entry)
    return Envelope(
        id=str(entry["id"]),
        server_time=moment(entry.get("receivedDateTime")),
        date=moment(entry.get("sentDateTime")),
        message_id=message_id,
        subject=clean_line(_text(entry, "subject"))[:_LONGEST_SUBJECT],
        from_=_people([entry.get("from")]),
        sender=_people([entry.get("sender")]),
        reply_to=_people(_list(entry.get("replyTo"))),
        to=_people(_list(entry.get("toRecipients"))),
        cc=_people(_list(entry.get("ccRecipients"))),
        bcc=_people(_list(entry.get("bccRecipients"))),
        references=read_references(properties.get(REFERENCES, "")),
        in_reply_to=read_in_reply_to(properties.get(IN_REPLY_TO, "")),
        headers=told_headers(entry),
        flags=flags_of(entry, zone),
        provider_id=str(entry["id"]),
        provider_thread=_text(entry, "conversationId") or None,
        defects=(defect,) if defect else (),
    )


def flags_of(entry: Entry, zone: str = "UTC") -> Flags:
    """The salesperson's signs. A flag that was completed is none."""
    written = entry.get("flag")
    flag = written if isinstance(written, dict) else {}
    flagged = str(flag.get("flagStatus", "")).lower() == "flagged"
    categories = (clean_line(str(name)) for name in _list(entry.get("categories"))[:_MOST_CATEGORIES])
    return Flags(
        draft=entry.get("isDraft") is True,
        flagged=flagged,
        flag_due=_due(flag.get("dueDateTime"), zone) if flagged else None,
        private=properties_of(entry).get(SENSITIVITY) in (_OWN, _PRIVATE),
        categories=frozenset(name for name in categories if name),
    )


def told_headers(entry: Entry) -> dict[str, str]:
    """Header fields that the kind of the message stands for, in the words that filters know, and the thread index."""
    headers = dict(_meaning(str(entry.get("@odata.type", "")).lower(), properties_of(entry).get(CLASS, "").lower()))
    if index := _text(entry, "conversationIndex"):
        headers["thread-index"] = clean_line(index)[:1_000]
    return headers


def _meaning(kind: str, message_class: str) -> Iterable[tuple[str, str]]:
    """Message classes as [MS-OXCMSG], [MS-OXOCAL] and [MS-OXORULE] name them."""
    if method := method_of(kind, message_class):
        yield "content-type", f"text/calendar; method={method}"
    elif report := report_of(message_class):
        yield "content-type", f"multipart/report; report-type={report}"
    elif message_class.startswith("ipm.note.rules.") and message_class.endswith("template.microsoft"):
        yield "auto-submitted", "auto-replied"


def method_of(kind: str, message_class: str) -> str | None:
    """The iTIP method of an invitation, an answer to one, or its end. Both in lower case."""
    if kind.endswith("eventmessagerequest") or message_class.startswith("ipm.schedule.meeting.request"):
        return "REQUEST"
    if kind.endswith("eventmessageresponse") or message_class.startswith("ipm.schedule.meeting.resp"):
        return "REPLY"
    if kind.endswith("eventmessage") or message_class.startswith("ipm.schedule.meeting"):
        return "CANCEL"
    return None


def report_of(message_class: str) -> str | None:
    """The report type of a delivery report or read receipt. In lower case."""
    if not message_class.startswith("report."):
        return None
    return "disposition-notification" if message_class.endswith((".ipnrn", ".ipnnrn")) else "delivery-status"


def moment(written: object) -> datetime | None:
    """A DateTimeOffset, aware; None if it cannot be read."""
    try:
        read = datetime.fromisoformat(str(written))
        if read.year not in YEARS_OF_MAIL:
            return None
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _due(written: object, zone: str) -> date | None:
    """The day of a follow-up flag, where the owner is. Midnight in UTC is the day itself: so Outlook stores days."""
    read = moment(written.get("dateTime")) if isinstance(written, dict) else None
    if read is None or not isinstance(written, dict):
        return None
    named = iana_name(str(written.get("timeZone") or "UTC")) or "UTC"
    if read.time() == time() or named not in _UTC:
        return read.date()
    return read.astimezone(ZoneInfo(zone)).date()


def _people(recipients: Iterable[object]) -> tuple[Address, ...]:
    found: list[Address] = []
    for recipient in recipients:
        mailbox = recipient.get("emailAddress") if isinstance(recipient, dict) else None
        if isinstance(mailbox, dict) and len(found) < MOST_ADDRESSES:
            address, name = clean_line(_text(mailbox, "address")), clean_line(_text(mailbox, "name"))
            found.append(Address(address=address, name="" if name == address else name))
    return tuple(one for one in found if one.address or one.name)


def _text(entry: Entry, name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
