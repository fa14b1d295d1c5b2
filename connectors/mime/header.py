"""A header block → `Envelope`. Called once for every message of a mailbox: the hot path of a first sync.

Where a field stands twice: destination fields and ids are joined (RFC 5322 section 4.5.3), of all others the first
counts and the defect says so (`duplicate-from` …).
"""

from dataclasses import replace
from datetime import datetime

from connectors.message import Address, Envelope, Flags
from connectors.mime.addresses import MOST_ADDRESSES, read_addresses
from connectors.mime.charsets import clean_line
from connectors.mime.dates import read_date
from connectors.mime.fields import Fields, read_fields
from connectors.mime.identifiers import read_in_reply_to, read_message_id, read_references
from connectors.mime.words import decode_words

HEADER_FIELDS: tuple[str, ...] = (
    "From", "Sender", "Reply-To", "To", "Cc", "Bcc",
    "Date", "Subject", "Message-ID", "References", "In-Reply-To",
    "Content-Type", "Content-Class", "Auto-Submitted", "Precedence", "List-Id", "List-Unsubscribe", "Return-Path",
    "X-Autoreply", "X-Autorespond", "X-Failed-Recipients", "X-Original-From", "Sensitivity", "Thread-Index",
    "X-MS-Exchange-Calendar-Originator-Id",
)  # fmt: skip
"""All that an Envelope is made of. Ask a server for these and nothing else."""

_ADDRESS_KEYS = ("from", "sender", "reply-to", "to", "cc", "bcc")
_JOINED = {"reply-to": ", ", "to": ", ", "cc": ", ", "bcc": ", ", "references": " ", "in-reply-to": " "}
_OWN_PLACE = frozenset((*_ADDRESS_KEYS, "date", "subject", "message-id", "references", "in-reply-to"))
_WANTED = {name: name.lower() for name in HEADER_FIELDS} | {name.lower(): name.lower() for name in HEADER_FIELDS}
_LONGEST_SUBJECT = 2_000
_LONGEST_VALUE = 1_000
_PRIVATE = frozenset(("private", "personal"))
"""Sensitivity values (RFC 4021 section 2.1.55) that mean "mine"; company-confidential mail is still business."""


def read_header(
    block: bytes,
    *,
    id: str,
    size: int | None,
    server_time: datetime | None,
    flags: Flags,
    provider_id: str | None = None,
    provider_thread: str | None = None,
) -> Envelope:
    """The envelope of a message from its header bytes; what follows an empty line is ignored. Never raises."""
    fields, more, defects = read_fields(block, _WANTED)
    if more:
        _join(fields, more, defects)
    addresses = _read_people(fields, defects)
    date, message_id = _read_date(fields, defects), _read_id(fields, defects)
    headers = {key: _filter_value(fields[key]) for key in fields if key not in _OWN_PLACE}
    if headers.get("sensitivity", "").lower() in _PRIVATE:
        flags = replace(flags, private=True)
    return Envelope(
        id=id,
        size=size if size is None or size >= 0 else None,
        server_time=server_time,
        date=date,
        message_id=message_id,
        subject=_read_subject(fields, defects),
        from_=addresses[0],
        sender=addresses[1],
        reply_to=addresses[2],
        to=addresses[3],
        cc=addresses[4],
        bcc=addresses[5],
        references=read_references(fields["references"]) if "references" in fields else (),
        in_reply_to=read_in_reply_to(fields["in-reply-to"]) if "in-reply-to" in fields else (),
        headers=headers,
        flags=flags,
        provider_id=provider_id,
        provider_thread=provider_thread,
        defects=tuple(defects),
    )


def _join(fields: Fields, more: list[tuple[str, str]], defects: list[str]) -> None:
    for key, value in more:
        if key in _JOINED:
            fields[key] = f"{fields[key]}{_JOINED[key]}{value}" if value else fields[key]
        elif key in _OWN_PLACE and f"duplicate-{key}" not in defects:
            defects.append(f"duplicate-{key}")


def _read_people(fields: Fields, defects: list[str]) -> list[tuple[Address, ...]]:
    """The six address fields in the order of _ADDRESS_KEYS, together at most MOST_ADDRESSES mailboxes."""
    people = [read_addresses(fields[key]) if key in fields else () for key in _ADDRESS_KEYS]
    if not any(mailbox.address for mailbox in people[0]):
        defects.append("no-from")
    if sum(map(len, people)) >= MOST_ADDRESSES:
        defects.append("many-addresses")
        people = _cap(people)
    return people


def _cap(people: list[tuple[Address, ...]]) -> list[tuple[Address, ...]]:
    left = MOST_ADDRESSES
    capped = []
    for group in people:
        capped.append(group[:left])
        left -= len(capped[-1])
    return capped


def _read_date(fields: Fields, defects: list[str]) -> datetime | None:
    written = fields.get("date")
    if not written:
        defects.append("no-date")
        return None
    date, defect = read_date(written)
    if defect:
        defects.append(defect)
    return date


def _read_id(fields: Fields, defects: list[str]) -> str | None:
    written = fields.get("message-id")
    if not written:
        defects.append("no-message-id")
        return None
    message_id, defect = read_message_id(written)
    if defect:
        defects.append(defect)
    return message_id


def _read_subject(fields: Fields, defects: list[str]) -> str:
    written = fields.get("subject", "")
    if "=?" not in written and len(written) <= _LONGEST_SUBJECT:
        return clean_line(written)
    subject, defect = decode_words(written[: 4 * _LONGEST_SUBJECT])
    if defect:
        defects.append(f"{defect}-in-subject")
    if len(subject) > _LONGEST_SUBJECT or len(written) > 4 * _LONGEST_SUBJECT:
        defects.append("long-subject")
    return subject[:_LONGEST_SUBJECT]


def _filter_value(written: str) -> str:
    written = written[: 2 * _LONGEST_VALUE]
    if "=?" in written:
        written = decode_words(written)[0]
    return clean_line(written)[:_LONGEST_VALUE]
