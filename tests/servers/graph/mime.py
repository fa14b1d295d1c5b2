"""RFC 5322 octets as Exchange shows them in Graph's message: the standard library reads, this module names.

It is lenient as Exchange is: a header that cannot be read becomes null or is left out, the message is shown.
"""

import base64
import email
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message as Mime
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from html import escape
from html.parser import HTMLParser
from typing import Any

_PREVIEW = 255
_QUOTE = re.compile(
    r"^(-{2,} ?(Original|Forwarded|Urspr).*|_{10,}|On .{4,200} wrote:|Am .{4,200} schrieb.*:|>.*)$", re.M
)
_IMPORTANCE = {"high": "high", "1": "high", "2": "high", "low": "low", "4": "low", "5": "low"}
_SENSITIVITY = {"personal": "1", "private": "2", "company-confidential": "3"}
_MEETING = {
    "REQUEST": ("#microsoft.graph.eventMessageRequest", "meetingRequest"),
    "CANCEL": ("#microsoft.graph.eventMessage", "meetingCancelled"),
}
_RESPONSES = {
    "ACCEPTED": "meetingAccepted",
    "TENTATIVE": "meetingTenativelyAccepted",  # spelt so by Graph
    "DECLINED": "meetingDeclined",
}


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """One message as read. fields: Graph's properties but those that a mailbox gives (ids, folder, conversation).

    kind: its `@odata.type`. extended: MAPI properties by canonical id. references: message ids of the thread, the
    nearest last. index: the octets of Thread-Index if the message has one.
    """

    kind: str
    fields: dict[str, Any]
    headers: list[dict[str, str]]
    attachments: list[dict[str, Any]]
    extended: dict[str, str]
    references: list[str]
    index: bytes | None


def parse(raw: bytes, received: datetime) -> Parsed:
    """Read one message. received: when the server got it, which stands in for a Date that cannot be read."""
    mime = email.message_from_bytes(raw, policy=compat32)
    attachments = list(_attachments(mime))
    kind, meeting = _meeting(mime)
    fields = _envelope(mime, raw, received) | _texts(mime) | meeting
    fields["hasAttachments"] = any(not attachment["isInline"] for attachment in attachments)
    return Parsed(
        kind=kind,
        fields=fields,
        headers=[{"name": name, "value": _unfold(_eight_bit(str(value)))} for name, value in mime.raw_items()],
        attachments=attachments,
        extended=_extended(raw, mime),
        references=re.findall(r"<[^<>\s]+>", f"{mime['References'] or ''} {mime['In-Reply-To'] or ''}"),
        index=_thread_index(mime),
    )


def plain(html: str) -> str:
    """The text of an HTML body."""
    reader = _TextOf()
    reader.feed(html)
    reader.close()
    return "".join(reader.pieces).strip()


def unique(text: str) -> str:
    """What is new in a body: the part before the first line that begins a quotation."""
    text = text.replace("\r\n", "\n")
    quote = _QUOTE.search(text)
    return (text[: quote.start()] if quote else text).strip()


def html_of(text: str) -> str:
    """A plain text as the HTML that Graph makes of it."""
    shown = escape(text.replace("\r\n", "\n"), quote=False).replace("\n", "<br>\n")
    return (
        '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head>'
        f'<body><div class="PlainText">{shown}</div></body></html>'
    )


def stamp(moment: datetime) -> str:
    """A moment as Graph writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _envelope(mime: Mime, raw: bytes, received: datetime) -> dict[str, Any]:
    sender = _people(mime, "From")
    return {
        "receivedDateTime": stamp(received),
        "sentDateTime": stamp(_date(mime) or received),
        "internetMessageId": _message_id(mime, raw),
        "subject": _decoded(_first_of(mime, "Subject") or ""),
        "importance": _IMPORTANCE.get(
            str(mime["Importance"] or mime["X-Priority"] or "")[:4].strip().lower(), "normal"
        ),
        "isDeliveryReceiptRequested": mime["Return-Receipt-To"] is not None,
        "isReadReceiptRequested": mime["Disposition-Notification-To"] is not None,
        "sender": next(iter(_people(mime, "Sender") or sender), None),
        "from": next(iter(sender), None),
        "toRecipients": _people(mime, "To"),
        "ccRecipients": _people(mime, "Cc"),
        "bccRecipients": _people(mime, "Bcc"),
        "replyTo": _people(mime, "Reply-To"),
    }


def _people(mime: Mime, header: str) -> list[dict[str, Any]]:
    written = _all_of(mime, header)
    found = getaddresses(written) if written else ()
    return [recipient(address, _decoded(name) or address) for name, address in found if address]


def recipient(address: str, name: str | None = None) -> dict[str, Any]:
    """Graph's recipient."""
    return {"emailAddress": {"name": name or address, "address": address}}


def _message_id(mime: Mime, raw: bytes) -> str:
    """The Message-ID; one that the server made up where the message has none."""
    written = (_first_of(mime, "Message-ID") or "").strip()
    return written or f"<{hashlib.sha256(raw).hexdigest()[:24].upper()}@transport.exchange.example>"


def _date(mime: Mime) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(mime["Date"]))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _first_of(mime: Mime, header: str) -> str | None:
    """A header as it was written, unfolded; octets that are no ASCII read as UTF-8, else as Latin-1."""
    return next(iter(_all_of(mime, header)), None)


def _all_of(mime: Mime, header: str) -> list[str]:
    written = [str(value) for name, value in mime.raw_items() if name.lower() == header.lower()]
    return [_unfold(_eight_bit(value)) for value in written]


def _eight_bit(value: str) -> str:
    octets = value.encode("utf-8", "surrogateescape")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _decoded(value: str) -> str:
    pieces: list[str] = []
    for piece, charset in _encoded_words(_unfold(value)):
        pieces.append(piece if isinstance(piece, str) else _text(piece, charset))
    return "".join(pieces)


def _encoded_words(value: str) -> list[tuple[Any, str | None]]:
    try:
        return list(decode_header(value))
    except (email.errors.HeaderParseError, ValueError):
        return [(value, None)]


def _text(octets: bytes, charset: str | None) -> str:
    try:
        return octets.decode(charset or "utf-8", "replace")
    except LookupError:
        return octets.decode("latin-1")


def _unfold(value: str) -> str:
    return re.sub(r"\r?\n(?=[ \t])", "", value)


def _texts(mime: Mime) -> dict[str, Any]:
    """`body` in its own format; the other and what is new are made when they are asked for."""
    html, text = _first(mime, "text/html"), _first(mime, "text/plain")
    shown = text if html is None else plain(html)
    body = {"contentType": "text", "content": text or ""} if html is None else {"contentType": "html", "content": html}
    return {"body": body, "bodyPreview": (shown or "")[:_PREVIEW]}


def _parts(mime: Mime) -> Iterator[Mime]:
    """The parts of this message, not those of messages in it."""
    yield mime
    if mime.is_multipart() and mime.get_content_type() != "message/rfc822":
        for part in mime.get_payload():
            if isinstance(part, Mime):
                yield from _parts(part)


def _first(mime: Mime, kind: str) -> str | None:
    for part in _parts(mime):
        if part.get_content_type() == kind and not _is_attached(part):
            payload = part.get_payload(decode=True)
            return _text(payload, part.get_content_charset()) if isinstance(payload, bytes) else ""
    return None


def _is_attached(part: Mime) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _attachments(mime: Mime) -> Iterator[dict[str, Any]]:
    for part in _parts(mime) if mime.is_multipart() else ():
        if part.get_content_type() == "message/rfc822":
            yield _attachment(part, "#microsoft.graph.itemAttachment", b"")
        elif not part.is_multipart() and (_is_attached(part) or part["Content-ID"]):
            payload = part.get_payload(decode=True)
            yield _attachment(part, "#microsoft.graph.fileAttachment", payload if isinstance(payload, bytes) else b"")


def _attachment(part: Mime, kind: str, octets: bytes) -> dict[str, Any]:
    shown = {
        "@odata.type": kind,
        "name": _decoded(part.get_filename() or "") or "untitled",
        "contentType": part.get_content_type(),
        "size": len(octets) or len(part.as_bytes()),
        "isInline": part.get_content_disposition() == "inline" and part["Content-ID"] is not None,
    }
    if kind.endswith("fileAttachment"):
        content_id = str(part["Content-ID"] or "").strip("<> ") or None
        shown |= {"contentId": content_id, "contentLocation": None, "contentBytes": base64.b64encode(octets).decode()}
    return shown


def _meeting(mime: Mime) -> tuple[str, dict[str, Any]]:
    """The type of a message that carries an invitation (RFC 6047), and the properties which that type adds."""
    for part in _parts(mime):
        if part.get_content_type() == "text/calendar":
            payload = part.get_payload(decode=True)
            text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
            return _meeting_kind(str(part.get_param("method") or "").upper(), text)
    return "#microsoft.graph.message", {}


def _meeting_kind(method: str, text: str) -> tuple[str, dict[str, Any]]:
    if method == "REPLY":
        said = re.search(r"PARTSTAT=([A-Z]+)", re.sub(r"\r?\n[ \t]", "", text))
        response = _RESPONSES.get(said[1] if said else "", "none")
        return "#microsoft.graph.eventMessageResponse", {"meetingMessageType": response}
    kind, what = _MEETING.get(method, ("#microsoft.graph.eventMessage", "none"))
    return kind, {"meetingMessageType": what}


def _extended(raw: bytes, mime: Mime) -> dict[str, str]:
    """PidTagSensitivity, PidTagMessageSize, PidTagTransportMessageHeaders, PidTagInternetReferences and
    PidTagInReplyToId (MS-OXPROPS), the last two only of what answers something.
    """
    block = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0].decode("utf-8", "replace")
    sensitivity = _SENSITIVITY.get(str(mime["Sensitivity"] or "").strip().lower(), "0")
    told = {"String 0x1039": _unfold(str(mime["References"] or "")), "String 0x1042": str(mime["In-Reply-To"] or "")}
    return {
        "Integer 0x36": sensitivity,
        "Integer 0xe08": str(len(raw)),
        "String 0x7d": block + "\r\n",
        **{name: value for name, value in told.items() if value},
    }


def _thread_index(mime: Mime) -> bytes | None:
    try:
        octets = base64.b64decode(str(mime["Thread-Index"] or ""), validate=False)
    except ValueError:
        return None
    return octets if len(octets) >= 22 else None


class _TextOf(HTMLParser):
    """Collects what a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style", "head")
        if tag in ("br", "p", "div", "tr", "li", "blockquote"):
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style", "head")

    def handle_data(self, data: str) -> None:
        if self._hidden <= 0:
            self.pieces.append(data)
