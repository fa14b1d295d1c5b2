"""What Exchange makes of a message: properties from its headers at once, its texts when they are asked for.

Only the standard library reads the message. Headers that cannot be read are left out, one by one.
Sources: [MS-OXCMAIL] 2.2.3 (MIME to properties), [MS-OXOMSG] 2.2.1.3 (conversation index), RFC 5322, RFC 2047.
"""

import hashlib
import html
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import getaddresses, parsedate_to_datetime

from tests.servers.ews.fields import Field, flag, moment, simple
from tests.servers.ews.soap import tag, text

_QUOTES = (
    re.compile(r"^-{2,}\s*Original (Message|Appointment)\s*-{2,}\s*$", re.M | re.I),
    re.compile(r"^_{20,}\s*$", re.M),
    re.compile(r"^On .{1,200} wrote:\s*$", re.M),
    re.compile(r"^>.*$", re.M),
)
_IMPORTANCE = {"high": "High", "1": "High", "2": "High", "low": "Low", "4": "Low", "5": "Low"}
_SENSITIVITY = {"personal": "Personal", "private": "Private", "company-confidential": "Confidential"}
_PREFIX = re.compile(r"^\s*((re|fw|fwd|aw|wg|sv|antw)\s*(\[\d+\])?:\s*)+", re.I)
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_PREVIEW = 255  # characters
_METHOD = re.compile(
    rb"(?i)^content-type:\s*text/calendar;(?:[^\r\n]|\r?\n[ \t])*method=\"?(request|reply|cancel)", re.M
)
_MEETINGS = {
    "REQUEST": "IPM.Schedule.Meeting.Request",
    "REPLY": "IPM.Schedule.Meeting.Resp.Pos",
    "CANCEL": "IPM.Schedule.Meeting.Canceled",
}
_CLASSES = {
    "multipart/report": "REPORT.IPM.Note.NDR",
    "multipart/signed": "IPM.Note.SMIME.MultipartSigned",
    "application/pkcs7-mime": "IPM.Note.SMIME",
    "application/x-pkcs7-mime": "IPM.Note.SMIME",
}
# The element of an answer for a class of items; Message for all others.
KINDS = {
    "IPM.Schedule.Meeting.Request": "MeetingRequest",
    "IPM.Schedule.Meeting.Resp.Pos": "MeetingResponse",
    "IPM.Schedule.Meeting.Canceled": "MeetingCancellation",
}


def headers_of(raw: bytes) -> Message:
    """The headers of a message; nothing of its body is read."""
    return BytesHeaderParser().parsebytes(_END_OF_HEADER.split(raw, maxsplit=1)[0])


def decoded(value: str | None) -> str:
    """A header's text with its encoded words read and its folding undone; as it stands where that fails."""
    if value is None:
        return ""
    flat = re.sub(r"\r?\n[ \t]+", " ", str(value)).strip()
    if "=?" not in flat:
        return flat
    try:
        return str(make_header(decode_header(flat)))
    except (LookupError, UnicodeError, ValueError):
        return flat


def mailbox(name: str, address: str) -> str:
    """A Mailbox element. An address of another kind than SMTP (X.500) says so."""
    kind = "EX" if address.startswith("/") else "SMTP"
    inside = text("t:Name", name or address) + (text("t:EmailAddress", address) if address else "")
    return tag("t:Mailbox", inside + text("t:RoutingType", kind) + text("t:MailboxType", "Mailbox"))


def people(header: Message, name: str) -> list[tuple[str, str]]:
    """Display names and addresses of an address header."""
    if name not in header:
        return []
    lines = [re.sub(r"\r?\n[ \t]+", " ", str(line)) for line in header.get_all(name, [])]
    return [(decoded(shown), address) for shown, address in getaddresses(lines) if shown or address]


def recipients(element: str, found: list[tuple[str, str]]) -> Field:
    """A list of recipients, or one of them for Sender and From."""
    return Field(
        tag(f"t:{element}", "".join(mailbox(*person) for person in found)), "; ".join(n or a for n, a in found)
    )


def sent(header: Message) -> datetime | None:
    """The Date header."""
    try:
        found = parsedate_to_datetime(str(header["Date"]))
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def thread_index(header: Message, received: datetime) -> bytes:
    """The conversation index: Outlook's own, else one made of the first message of the thread."""
    try:
        given = b64decode(str(header["Thread-Index"] or ""), validate=False)
    except ValueError:
        given = b""
    if len(given) >= 22:
        return given
    root = (str(header["References"] or header["In-Reply-To"] or header["Message-ID"] or received)).split()[:1]
    answered = b"\0" * 5 if header["In-Reply-To"] or header["References"] else b""
    return b"\x01" + hashlib.sha256("".join(root).encode(errors="replace")).digest()[:21] + answered


def envelope_fields(header: Message, received: datetime, size: int) -> dict[str, Field]:
    """All properties that headers give."""
    subject, index = decoded(header["Subject"]), thread_index(header, received)
    found = {
        "Subject": simple("Subject", subject),
        "Sensitivity": simple("Sensitivity", _SENSITIVITY.get(decoded(header["Sensitivity"]).lower(), "Normal")),
        "Importance": simple("Importance", _importance(header)),
        "Size": simple("Size", str(size)),
        "DateTimeReceived": moment("DateTimeReceived", received),
        "DateTimeSent": moment("DateTimeSent", sent(header) or received),
        "DateTimeCreated": moment("DateTimeCreated", received),
        "ConversationIndex": simple("ConversationIndex", b64encode(index).decode()),
        "ConversationTopic": simple("ConversationTopic", decoded(header["Thread-Topic"]) or _PREFIX.sub("", subject)),
        "ConversationId": Field(tag("t:ConversationId", Id=conversation_id(index)), conversation_id(index)),
        "IsReadReceiptRequested": flag("IsReadReceiptRequested", "Disposition-Notification-To" in header),
        "IsDeliveryReceiptRequested": flag("IsDeliveryReceiptRequested", False),
    }
    return found | _people(header) | _identifiers(header)


def item_class(header: Message, raw: bytes) -> str:
    """What kind of item Exchange takes a message for ([MS-OXCMAIL] 2.2.3.3)."""
    invited = _METHOD.search(raw)
    if invited:
        return _MEETINGS.get(invited[1].decode().upper(), "IPM.Note")
    return _CLASSES.get(header.get_content_type(), "IPM.Note")


def conversation_id(index: bytes) -> str:
    """The name of a conversation: of the first 22 bytes of its index."""
    return "AAQk" + b64encode(hashlib.sha256(index[:22]).digest() + b"\x10\x00").decode()


def _importance(header: Message) -> str:
    said = decoded(header["Importance"] or header["X-Priority"]).lower()
    return _IMPORTANCE.get(said.split(" ")[0], "Normal")


def _people(header: Message) -> dict[str, Field]:
    """The author is From; Sender is who sent on their behalf, else the author too."""
    authors = people(header, "From")[:1] or people(header, "Sender")[:1]
    found = {"From": authors, "Sender": people(header, "Sender")[:1] or authors}
    lists = {"ToRecipients": "To", "CcRecipients": "Cc", "BccRecipients": "Bcc", "ReplyTo": "Reply-To"}
    found |= {element: people(header, name) for element, name in lists.items()}
    shown = {"DisplayTo": found["ToRecipients"], "DisplayCc": found["CcRecipients"]}
    display = {element: simple(element, "; ".join(n or a for n, a in who)) for element, who in shown.items()}
    return display | {element: recipients(element, who) for element, who in found.items() if who}


def _identifiers(header: Message) -> dict[str, Field]:
    names = {"InternetMessageId": "Message-ID", "References": "References", "InReplyTo": "In-Reply-To"}
    return {element: simple(element, decoded(header[name])) for element, name in names.items() if header[name]}


def header_lines(header: Message) -> Field:
    """InternetMessageHeaders: every line of the header by name."""
    lines = [text("t:InternetMessageHeader", decoded(value), HeaderName=name) for name, value in header.items()]
    return Field(tag("t:InternetMessageHeaders", "".join(lines)), "")


def transport_headers(raw: bytes) -> str:
    """PidTagTransportMessageHeaders: the header as it came."""
    head = _END_OF_HEADER.split(raw, maxsplit=1)[0]
    return "\r\n".join(head.decode("utf-8", "replace").splitlines()) + "\r\n\r\n"


class Texts:
    """The body of a message, read when it is first asked for. plain or marked_up may be None, not both."""

    def __init__(self, raw: bytes) -> None:
        self.plain: str | None = None
        self.marked_up: str | None = None
        self.files: list[tuple[str, str, bytes, bool, str]] = []
        for part in _leaves(BytesParser().parsebytes(raw)):
            self._take(part)
        if self.plain is None and self.marked_up is None:
            self.plain = ""

    def _take(self, part: Message) -> None:
        kind, name = part.get_content_type(), decoded(part.get_filename())
        attached = part.get_content_disposition() == "attachment" or bool(name)
        if kind == "text/plain" and not attached and self.plain is None:
            self.plain = _text(part)
        elif kind == "text/html" and not attached and self.marked_up is None:
            self.marked_up = _text(part)
        elif attached or kind.partition("/")[0] != "text":
            content = part.as_bytes() if part.is_multipart() else part.get_payload(decode=True)
            inline = part.get_content_disposition() == "inline" or part["Content-ID"] is not None
            identity = decoded(part["Content-ID"]).strip("<>")
            self.files.append((name, kind, content if isinstance(content, bytes) else b"", inline, identity))

    def as_text(self) -> str:
        """The body as plain text."""
        return self.plain if self.plain is not None else without_markup(self.marked_up or "")

    def unique(self) -> str:
        """The part of the text that this message adds to its conversation."""
        whole = self.as_text()
        ends = [found.start() for pattern in _QUOTES if (found := pattern.search(whole))]
        return whole[: min(ends, default=len(whole))].rstrip()

    def preview(self) -> str:
        """The first characters of the text on one line."""
        return " ".join(self.as_text()[: _PREVIEW * 4].split())[:_PREVIEW]


def _leaves(part: Message) -> Iterator[Message]:
    """The parts that are no containers. A message inside the message is one part: its text is not this one's."""
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for inner in part.get_payload():
            yield from _leaves(inner)  # type: ignore[arg-type]  # the parts of a multipart are messages
    else:
        yield part


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    octets = content if isinstance(content, bytes) else b""
    try:
        return octets.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return octets.decode("utf-8", "replace")


def with_markup(plain: str) -> str:
    """Plain text as HTML."""
    return f"<html><body><pre>{html.escape(plain)}</pre></body></html>"


def without_markup(markup: str) -> str:
    """HTML as plain text."""
    text_only = re.sub(r"(?is)<(script|style|head)\b.*?</\1>", "", markup)
    text_only = re.sub(r"(?i)<br\s*/?>|</(p|div|tr|li|h\d)>", "\r\n", text_only)
    return html.unescape(re.sub(r"<[^>]*>", "", text_only)).strip()
