"""BODYSTRUCTURE (RFC 3501 section 7.4.2) → which sections hold the text, and what is attached. Pure.

Servers get structures wrong in every way; whoever asks must be ready for Garbled and read the whole message then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from connectors.imap.filenames import read_filename
from connectors.imap.syntax import Garbled, Value, number
from connectors.message import Attachment

MOST_PARTS = 1_000
MOST_ATTACHMENTS = 200
MOST_TEXTS = 8
"""Text parts that make up one message: mail programs split a text around pictures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part. section: its number for BODY[…]; type: `text/plain`, lower case; size: octets as transferred."""

    section: str
    type: str
    parameters: dict[str, str]
    disposition: str
    disposition_parameters: dict[str, str]
    encoding: str
    size: int
    children: tuple["Part", ...]

    @property
    def filename(self) -> str:
        return read_filename(self.disposition_parameters, "filename") or read_filename(self.parameters, "name")


def read_structure(value: Value) -> Part:
    """The structure of a message. Raises Garbled."""
    counter = iter(range(MOST_PARTS))
    root = _part(value, "", counter)
    return root if root.type.startswith("multipart/") else replace(root, section="1")


def _part(value: Value, section: str, counter: Iterator[int]) -> Part:
    if next(counter, None) is None:
        raise Garbled("too many parts")
    if not isinstance(value, list) or not value:
        raise Garbled("a part is a list")
    return _multipart(value, section, counter) if isinstance(value[0], list) else _single(value, section)


def _multipart(value: list[Value], section: str, counter: Iterator[int]) -> Part:
    count = next((i for i, item in enumerate(value) if not isinstance(item, list)), len(value))
    prefix = f"{section}." if section else ""
    children = tuple(_part(child, f"{prefix}{i}", counter) for i, child in enumerate(value[:count], 1))
    if count == len(value):
        raise Garbled("a multipart without subtype")
    disposition, parameters = _disposition(value[count + 2 :])
    return Part(
        section=section,
        type=f"multipart/{_word(value[count])}",
        parameters=_parameters(value[count + 1] if len(value) > count + 1 else None),
        disposition=disposition,
        disposition_parameters=parameters,
        encoding="",
        size=sum(child.size for child in children),
        children=children,
    )


def _single(value: list[Value], section: str) -> Part:
    size = number(value[6]) if len(value) > 6 else None
    if size is None:
        raise Garbled("a part without size")
    main, sub = _word(value[0]), _word(value[1])
    extension = 8 if main == "text" else 10 if (main, sub) == ("message", "rfc822") and len(value) > 9 else 7
    disposition, parameters = _disposition(value[extension:])
    return Part(
        section=section,
        type=f"{main}/{sub}",
        parameters=_parameters(value[2]),
        disposition=disposition,
        disposition_parameters=parameters,
        encoding=_word(value[5]) if value[5] is not None else "7bit",
        size=size,
        children=(),
    )


def _word(value: Value) -> str:
    if not isinstance(value, bytes) or not value or len(value) > 200:
        raise Garbled("a word is missing")
    return value.decode("ascii", "replace").lower()


def _parameters(value: Value) -> dict[str, str]:
    items = value if isinstance(value, list) else []
    return {
        name.decode("ascii", "replace").lower(): text.decode("utf-8", "surrogateescape")[:2_000]
        for name, text in zip(items[:200:2], items[1:200:2], strict=False)
        if isinstance(name, bytes) and isinstance(text, bytes)
    }


def _disposition(extension: Sequence[Value]) -> tuple[str, dict[str, str]]:
    """The first thing among the extension data that looks like one: `("attachment" ("filename" "x"))`."""
    for value in extension[:3]:
        if (
            isinstance(value, list)
            and value
            and isinstance(value[0], bytes)
            and (len(value) == 1 or not isinstance(value[1], bytes))
        ):
            return value[0].decode("ascii", "replace").lower(), _parameters(value[1] if len(value) > 1 else None)
    return "", {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to fetch of a message and what is known of it already."""

    texts: tuple[Part, ...]
    attachments: tuple[Attachment, ...]
    encrypted: bool
    calendar_method: str | None
    report: str | None


def plan(root: Part) -> Plan:
    """The parts that make up the text, in order; everything else that has a name or is no text is attached."""
    texts, attached, calendar = list[Part](), list[Part](), list[str]()
    encrypted = _walk(root, texts, attached, calendar)
    report = root.parameters.get("report-type", "") if root.type == "multipart/report" else ""
    return Plan(
        texts=tuple(texts[:MOST_TEXTS]),
        attachments=tuple(attachment(part) for part in attached[:MOST_ATTACHMENTS]),
        encrypted=encrypted,
        calendar_method=calendar[0] if calendar else None,
        report=report.lower()[:60] or None,
    )


def _walk(part: Part, texts: list[Part], attached: list[Part], calendar: list[str]) -> bool:
    """Sort the parts below; whether something in there is encrypted."""
    if part.type in ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"):
        return True
    if part.type == "text/calendar":
        calendar += [part.parameters["method"].upper()[:20]] if part.parameters.get("method") else []
    if part.type == "multipart/alternative":
        return _walk_alternative(part, texts, attached, calendar)
    if part.type.startswith("multipart/"):
        children = part.children[:1] if part.type == "multipart/signed" else part.children
        return [child for child in children if _walk(child, texts, attached, calendar)] != []  # all are walked
    (texts if is_text(part) else attached).append(part)
    return False


def _walk_alternative(part: Part, texts: list[Part], attached: list[Part], calendar: list[str]) -> bool:
    """Of several forms of one text the plainest that says anything; pictures and files inside are attached."""
    forms = []
    encrypted = False
    for child in part.children:
        found: list[Part] = []
        encrypted = _walk(child, found, attached, calendar) or encrypted
        if found:
            forms.append(found)
    forms.sort(key=lambda found: (all(p.size < 3 for p in found), any(p.type == "text/html" for p in found)))
    texts += forms[0] if forms else []
    return encrypted


def is_text(part: Part) -> bool:
    """Whether a part is shown as the message itself."""
    return part.type in ("text/plain", "text/html") and part.disposition != "attachment" and not part.filename


def attachment(part: Part) -> Attachment:
    """Name, type and the size once decoded."""
    size = part.size
    if part.encoding == "base64":
        size = max(0, size * 57 // 78)  # 57 octets are a line of 76 characters and CRLF (RFC 2045 section 6.8)
    return Attachment(name=part.filename, type=part.type, size=size)
