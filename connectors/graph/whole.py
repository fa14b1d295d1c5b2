"""A message asked for by itself → its whole envelope and its text: header fields, bodies, names of attachments. Pure.

The header is put together again as it travelled and read as every other connector reads it, so that one message is the
same envelope wherever it was seen. Mail that never travelled (what was sent from this mailbox) has none: then Graph's
own properties stand in.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors import mime
from connectors.graph.entries import (
    CLASS,
    FIELDS,
    Entry,
    envelope_of,
    method_of,
    properties_of,
    report_of,
    told_headers,
)
from connectors.message import TEXT_LIMIT, Attachment, Envelope, Message
from connectors.mime.charsets import clean_body, clean_line
from connectors.mime.html import html_to_text

HEADERS = f"{FIELDS},internetMessageHeaders"
TEXTS = "body,uniqueBody,hasAttachments"
ATTACHMENTS = "attachments($select=name,contentType,size,isInline)"
AS_TEXT = 'outlook.body-content-type="text"'
_REPORT = re.compile(r";\s*report-type\s*=\s*\"?([\w-]{1,60})")
_MOST_ATTACHMENTS = 200
_LONGEST_NAME = 255


def whole_envelope(entry: Entry, zone: str = "UTC") -> Envelope:
    """Everything an envelope has, but the size of the message as it travelled, which Graph does not know."""
    listed = envelope_of(entry, zone)
    block = _header_block(entry.get("internetMessageHeaders"))
    if not block:
        return listed
    read = mime.read_header(
        block,
        id=listed.id,
        size=None,
        server_time=listed.server_time,
        flags=listed.flags,
        provider_id=listed.provider_id,
        provider_thread=listed.provider_thread,
    )
    travelled = bool(read.from_)  # else these are but some fields of the header
    whole = replace(
        read,
        date=read.date if travelled or read.date else listed.date,
        message_id=read.message_id if travelled or read.message_id else listed.message_id,
        subject=read.subject or listed.subject,
        from_=read.from_ or listed.from_,
        sender=read.sender or (listed.sender if not read.from_ else ()),
        to=read.to or listed.to,
        cc=read.cc or listed.cc,
        bcc=read.bcc or listed.bcc,
        references=read.references or listed.references,
        in_reply_to=read.in_reply_to or listed.in_reply_to,
        headers={**read.headers, **_surer(read.headers, told_headers(entry))},
    )
    return replace(whole, defects=tuple(one for one in whole.defects if not _is_made_good(one, whole)))


def _is_made_good(defect: str, whole: Envelope) -> bool:
    """Whether what a header lacks was told otherwise: of mail that one has sent Exchange shows some fields or none."""
    found = {"no-from": bool(whole.from_), "no-date": whole.date is not None, "no-message-id": bool(whole.message_id)}
    return found.get(defect, False)


def _surer(read: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Of what the kind of message says all but the thread index, which the header has as it was sent."""
    return {name: value for name, value in told.items() if name != "thread-index" or name not in read}


def _header_block(fields: object) -> bytes:
    lines = []
    for one in fields if isinstance(fields, list) else ():
        if isinstance(one, dict) and one.get("name"):
            lines.append(f"{one['name']}: {' '.join(str(one.get('value') or '').splitlines())}\r\n")
    return "".join(lines).encode("utf-8", "replace")


def message_of(entry: Entry) -> Message:
    """Text and names. `new_text` is what Exchange takes for the sender's own words."""
    message_class = properties_of(entry).get(CLASS, "").lower()
    content_type = whole_envelope(entry).headers.get("content-type", "").lower()
    text, truncated = _cut(_plain(entry.get("body")))
    unique = entry.get("uniqueBody")
    return Message(
        id=str(entry["id"]),
        text=text,
        new_text=_cut(_plain(unique))[0] if isinstance(unique, dict) else None,
        attachments=attachments_of(entry),
        truncated=truncated,
        encrypted=_is_encrypted(content_type, message_class),
        calendar_method=method_of(str(entry.get("@odata.type", "")).lower(), message_class),
        report=report_of(message_class) or _report(content_type),
    )


def _is_encrypted(content_type: str, message_class: str) -> bool:
    """S/MIME that is not only signed, or PGP. Both in lower case."""
    if content_type.startswith(("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")):
        return "signed-data" not in content_type
    return message_class.startswith("ipm.note.smime") and not message_class.endswith("multipartsigned")


def _report(content_type: str) -> str | None:
    named = _REPORT.search(content_type) if content_type.startswith("multipart/report") else None
    return named[1] if named else None


def attachments_of(entry: Entry) -> tuple[Attachment, ...]:
    found = entry.get("attachments")
    return tuple(
        Attachment(
            name=clean_line(str(one.get("name") or ""))[:_LONGEST_NAME],
            type=clean_line(str(one.get("contentType") or "application/octet-stream")).lower()[:_LONGEST_NAME],
            size=one["size"] if isinstance(one.get("size"), int) and one["size"] >= 0 else None,
        )
        for one in (found if isinstance(found, list) else ())[:_MOST_ATTACHMENTS]
        if isinstance(one, dict)
    )


def _plain(body: Any) -> str:  # noqa: ANN401  # whatever stands in the JSON
    if not isinstance(body, dict):
        return ""
    content = str(body.get("content") or "")
    return (
        html_to_text(content) if str(body.get("contentType", "")).lower() == "html" else clean_body(content).strip("\n")
    )


def _cut(text: str) -> tuple[str, bool]:
    return text[:TEXT_LIMIT], len(text) > TEXT_LIMIT
