"""An item as Exchange hands it out → `Envelope` and `Message`. Pure.

Two ways lead to an envelope. `read_envelope` takes the properties, which Exchange made of the header when the mail came
in. `read_whole` takes the header itself where it was kept, so that a message is the same one by IMAP and by EWS;
mail that never left the organisation has none, and its properties are all there is.
"""

import base64
import binascii
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connectors import mime
from connectors.exchange import shapes
from connectors.exchange.xml import TYPES, Element, children, find, local, moment, t, text
from connectors.message import TEXT_LIMIT, YEARS_OF_MAIL, Address, Attachment, Envelope, Flags, Message
from connectors.mime.addresses import LONGEST_ADDRESS, LONGEST_NAME, MOST_ADDRESSES
from connectors.mime.charsets import clean_body, clean_line
from connectors.mime.html import html_to_text
from connectors.mime.identifiers import read_in_reply_to, read_message_id, read_references

UTC_ZONE = ZoneInfo("UTC")
_PRIVATE = frozenset(("private", "personal"))
_LONGEST_SUBJECT = 2_000
_FLAGGED = "2"
_METHODS = {"request": "REQUEST", "canceled": "CANCEL", "resp": "REPLY", "notification": "REQUEST"}
_REPORTS = {"ndr": "delivery-status", "dr": "delivery-status", "ipnrn": "disposition-notification",
            "ipnnrn": "disposition-notification"}  # fmt: skip
_ENCRYPTED_FILES = ("message.rpmsg", "smime.p7m")


def id_of(item: Element) -> str:
    """The item's id, '' if it has none."""
    found = find(item, "ItemId")
    return "" if found is None else str(found.get("Id", ""))


def named(item: Element, id: str) -> Element:
    """The item under the id that it was asked for by, which is the one that places are known by."""
    found = find(item, "ItemId")
    if found is None:
        item.insert(0, t("ItemId", Id=id))
    else:
        found.set("Id", id)
    return item


def change_key(item: Element) -> str:
    """The version of the item, '' if it has none."""
    found = find(item, "ItemId")
    return "" if found is None else str(found.get("ChangeKey", ""))


def received(item: Element) -> datetime | None:
    found = moment(text(item, "DateTimeReceived"))
    return found if found is not None and found.year in YEARS_OF_MAIL else None


def read_flags(item: Element, zone: ZoneInfo = UTC_ZONE) -> Flags:
    """What the salesperson set. A follow-up flag counts until it is completed. zone: the owner's."""
    properties = extended(item)
    flagged = properties.get(shapes.FLAG_STATUS) == _FLAGGED or text(item, "Flag", "FlagStatus") == "Flagged"
    due = properties.get(str(shapes.TASK_DUE)) or text(item, "Flag", "DueDate")
    return Flags(
        draft=text(item, "IsDraft") == "true",
        flagged=flagged,
        flag_due=_day(due, zone) if flagged else None,
        private=text(item, "Sensitivity").lower() in _PRIVATE,
        categories=frozenset(name.text for name in children(item, "Categories") if name.text),
    )


def _day(written: str, zone: ZoneInfo) -> date | None:
    """A due date is a day. Outlook writes its midnight without looking at zones ([MS-OXOTASK] section 2.2.2.2.5), other
    programs a moment of the owner's day.
    """
    found = moment(written)
    if found is None:
        return None
    floating = found.utcoffset() == timedelta(0) and found.time() == time.min
    return found.date() if floating else found.astimezone(zone).date()


def extended(item: Element) -> dict[str, str]:
    """Values of the properties we ask for, by tag or number."""
    found: dict[str, str] = {}
    for prop in item.iterfind(TYPES + "ExtendedProperty"):
        uri, value = find(prop, "ExtendedFieldURI"), find(prop, "Value")
        if uri is None or value is None:
            continue
        if tag := uri.get("PropertyTag"):
            found[_tag(tag)] = value.text or ""
        elif number := uri.get("PropertyId"):
            found[number] = value.text or ""
    return found


def _tag(written: str) -> str:
    """Tags are written `0x007D`, `0x7d` or in decimal; here always in the first way."""
    try:
        return f"0x{int(written, 16 if written.lower().startswith('0x') else 10):04X}"
    except ValueError:
        return written


def read_envelope(item: Element, zone: ZoneInfo = UTC_ZONE) -> Envelope:
    """The envelope from the item's properties. Addresses may be X.500 names, where the directory was not asked."""
    properties = extended(item)
    sender = _mailboxes(item, "Sender", properties.get(shapes.SENDER_SMTP, ""))
    from_ = _mailboxes(item, "From", properties.get(shapes.FROM_SMTP, "")) or sender
    message_id, defect = read_message_id(text(item, "InternetMessageId"))
    return Envelope(
        id=id_of(item),
        size=_number(text(item, "Size")),
        server_time=received(item),
        date=moment(text(item, "DateTimeSent")),
        message_id=message_id,
        subject=clean_line(text(item, "Subject"))[:_LONGEST_SUBJECT],
        from_=from_,
        sender=() if sender == from_ else sender,
        reply_to=_mailboxes(item, "ReplyTo"),
        to=_mailboxes(item, "ToRecipients"),
        cc=_mailboxes(item, "CcRecipients"),
        bcc=_mailboxes(item, "BccRecipients"),
        references=read_references(text(item, "References")),
        in_reply_to=read_in_reply_to(text(item, "InReplyTo")),
        headers=_headers(item),
        flags=read_flags(item, zone),
        provider_thread=_conversation(item),
        defects=tuple([defect] if defect else []),
    )


def read_whole(item: Element, zone: ZoneInfo = UTC_ZONE) -> Envelope:
    """The envelope from the header as it came in, with what only the item knows; from properties if there is none."""
    known = read_envelope(item, zone)
    block = extended(item).get(shapes.TRANSPORT_HEADERS, "")
    if ":" not in block:
        return known
    raw = block.encode("utf-8", "surrogateescape")
    read = mime.read_header(
        raw, id=known.id, size=known.size, server_time=known.server_time, flags=known.flags,
        provider_thread=known.provider_thread,
    )  # fmt: skip
    return replace(
        read,
        message_id=read.message_id or known.message_id,
        from_=read.from_ or known.from_,
        to=read.to or known.to,
        cc=read.cc or known.cc,
        bcc=read.bcc or known.bcc,
        headers={**known.headers, **read.headers, **_class_headers(item)},
        flags=known.flags,  # a person may have taken back the sensitivity that the sender wrote
    )


def _headers(item: Element) -> dict[str, str]:
    """Headers that filters ask for, as far as properties tell them."""
    found = _class_headers(item)
    if index := _base64(text(item, "ConversationIndex")):
        found["thread-index"] = index
    sensitivity = text(item, "Sensitivity")
    if sensitivity and sensitivity.lower() != "normal":
        found["sensitivity"] = sensitivity
    return found


def _class_headers(item: Element) -> dict[str, str]:
    """The type of an invitation, a receipt or a bounce, which Exchange turns into a class of item."""
    if method := method_of(item):
        return {"content-type": f"text/calendar; method={method}"}
    if report := report_of(item):
        return {"content-type": f"multipart/report; report-type={report}"}
    return {}


def _class_of(item: Element) -> list[str]:
    return text(item, "ItemClass").lower().split(".")


def method_of(item: Element) -> str | None:
    """REQUEST, CANCEL or REPLY of a meeting message, by its class (IPM.Schedule.Meeting.Request …) or its element."""
    parts = _class_of(item)
    if parts[:3] == ["ipm", "schedule", "meeting"]:
        return _METHODS.get(parts[3] if len(parts) > 3 else "", "REQUEST")
    names = {"MeetingRequest": "REQUEST", "MeetingResponse": "REPLY", "MeetingCancellation": "CANCEL"}
    return names.get(local(item))


def report_of(item: Element) -> str | None:
    """The type of a report by its class: REPORT.IPM.Note.NDR, REPORT.IPM.Note.IPNRN …"""
    parts = _class_of(item)
    return _REPORTS.get(parts[-1]) if parts[0] == "report" else None


def _conversation(item: Element) -> str | None:
    found = find(item, "ConversationId")
    return None if found is None else found.get("Id")


def _mailboxes(item: Element, field: str, smtp: str = "") -> tuple[Address, ...]:
    """The people of a field. smtp: the address to take where Exchange tells an X.500 name."""
    found = (person(mailbox, smtp) for mailbox in children(item, field))
    return tuple(one for one in found if one is not None)[:MOST_ADDRESSES]


def person(mailbox: Element | None, smtp: str = "") -> Address | None:
    """Who a Mailbox element names, None if nobody."""
    address = text(mailbox, "EmailAddress").strip()
    if is_x500(address) and "@" in smtp:
        address = smtp.strip()
    address = address if len(address) <= LONGEST_ADDRESS or is_x500(address) else ""
    name = clean_line(text(mailbox, "Name"))[:LONGEST_NAME]
    if not address and not name:
        return None
    return Address(address=clean_line(address), name="" if name == address else name)


def is_x500(address: str) -> bool:
    """Whether this is a name of Exchange's directory (`/O=FIRM/OU=…/CN=…`), no address of mail."""
    return address[:3].lower() == "/o="


def _base64(written: str) -> str:
    """Well-formed base64 without white space, or ''."""
    try:
        return base64.b64encode(binascii.a2b_base64(written)).decode("ascii")
    except ValueError:
        return ""


def _number(written: str) -> int | None:
    return int(written) if written.isascii() and written.isdigit() else None


def read_message(item: Element) -> Message:
    """The text below the header, as Exchange turned it into plain text; attachments by name, type and size."""
    body, unique = find(item, "Body"), find(item, "UniqueBody")
    whole = _lines(body)
    files = tuple(map(_attachment, children(item, "Attachments")))
    return Message(
        id=id_of(item),
        text=whole[:TEXT_LIMIT],
        new_text=None if unique is None else _lines(unique)[:TEXT_LIMIT],
        attachments=files,
        truncated=len(whole) > TEXT_LIMIT or (body is not None and body.get("IsTruncated") == "true"),
        encrypted=_is_encrypted(item, [one.name for one in files]),
        calendar_method=method_of(item),
        report=report_of(item),
    )


def _lines(body: Element | None) -> str:
    written = "" if body is None else (body.text or "")
    if body is not None and body.get("BodyType") == "HTML":  # a server that was asked for text, and has its own mind
        written = html_to_text(written)
    return clean_body(written).strip()


def _attachment(one: Element) -> Attachment:
    """A message inside a message has a name and no type of its own."""
    kind = "message/rfc822" if local(one) == "ItemAttachment" else "application/octet-stream"
    return Attachment(
        name=clean_line(text(one, "Name")),
        type=clean_line(text(one, "ContentType")).lower() or kind,
        size=_number(text(one, "Size")),
    )


def _is_encrypted(item: Element, names: list[str]) -> bool:
    """S/MIME that hides its text, and messages under rights management."""
    parts = _class_of(item)
    hidden = parts[:3] == ["ipm", "note", "smime"] and parts[-1] != "multipartsigned"
    return hidden or any(name.lower() in _ENCRYPTED_FILES for name in names)
