"""BODYSTRUCTURE (RFC 3501 section 7.4.2) → which sections hold the text, and what is attached. Pure.

Servers get structures wrong in every way; whoever asks must be ready for Garbled and read the whole message then.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from connectors.imap.syntax import Garbled, Value, number
from connectors.message import Attachment
from connectors.mime.charsets import decode_bytes
from connectors.mime.parameters import read_filename, read_parameters

MOST_PARTS = 1_000
_WRITTEN = re.compile(rb"(?:attachment|inline)\b", re.IGNORECASE)
_ENCRYPTED = frozenset(("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"))
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
        if not self.disposition_parameters and not self.parameters:
            return ""
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
    if main == "multipart":  # Courier, where the header names a boundary that the body does not have
        raise Garbled("a multipart without parts")
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
        name.decode("ascii", "replace").lower(): decode_bytes(text[:2_000], None)[0]
        for name, text in zip(items[:200:2], items[1:200:2], strict=False)
        if isinstance(name, bytes) and isinstance(text, bytes)
    }


def _disposition(extension: Sequence[Value]) -> tuple[str, dict[str, str]]:
    """The first thing among the extension data that looks like one: `("attachment" ("filename" "x"))`.

    Some servers (pymap) send the field as it was written, as one string.
    """
    for value in extension[:3]:
        if isinstance(value, bytes) and _WRITTEN.match(value):
            disposition, parameters = read_parameters(decode_bytes(value[:2_000], None)[0])
            return disposition, dict(parameters)
        if _is_disposition(value):
            name, parameters = (*value, None)[:2]
            return name.decode("ascii", "replace").lower(), _parameters(parameters)
    return "", {}


def _is_disposition(value: Value) -> TypeGuard[list[Any]]:
    """A word, and a list of parameters or nothing: a list of languages is two words."""
    if not isinstance(value, list) or not value or not isinstance(value[0], bytes):
        return False
    return len(value) == 1 or not isinstance(value[1], bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to fetch of a message and what is known of it already.

    texts: the parts that make up the text. spare: there are other forms of it, should these say nothing.
    """

    texts: tuple[Part, ...]
    spare: bool
    attachments: tuple[Attachment, ...]
    encrypted: bool
    calendar_method: str | None
    report: str | None


def plan(root: Part) -> Plan:
    """The parts that make up the text, in order; everything else is attached. The same choice as `connectors.mime`."""
    sorting = _Sorting(root)
    texts = sorting.texts_of(root)
    report = root.parameters.get("report-type", "") if root.type == "multipart/report" else ""
    return Plan(
        texts=tuple(texts[:MOST_TEXTS]),
        spare=sorting.spare,
        attachments=tuple(attachment(part) for part in sorting.attached[:MOST_ATTACHMENTS]),
        encrypted=sorting.encrypted,
        calendar_method=sorting.calendar_method,
        report=report.lower()[:60] or None,
    )


class _Sorting:
    """The parts of one message, sorted while they are walked."""

    def __init__(self, root: Part) -> None:
        self._root = root
        self.attached: list[Part] = []
        self.encrypted = self.spare = False
        self.calendar_method: str | None = None

    def texts_of(self, part: Part) -> list[Part]:
        """The texts below a part. Depth is bounded by the parser."""
        if part.type in _ENCRYPTED:
            self.encrypted = True
            return []
        if part.type == "text/calendar" and part.parameters.get("method"):
            self.calendar_method = self.calendar_method or part.parameters["method"].upper()[:20]
        if part.children:
            children = part.children[:1] if part.type == "multipart/signed" else part.children
            found = [texts for child in children if (texts := self.texts_of(child))]
            return (
                self._plainest(found) if part.type == "multipart/alternative" else [p for texts in found for p in texts]
            )
        if is_text(part, alone=part is self._root):
            return [part]
        self.attached.append(part)
        return []

    def _plainest(self, forms: list[list[Part]]) -> list[Part]:
        """Of several forms of one text the plainest that is not empty."""
        self.spare = self.spare or len(forms) > 1
        forms.sort(key=lambda form: (all(p.size < 3 for p in form), any(p.type == "text/html" for p in form)))
        return forms[0] if forms else []


def is_text(part: Part, *, alone: bool = False) -> bool:
    """Whether a part is shown as the message itself. alone: the message has no other, so that a name says nothing."""
    shown = part.type in ("text/plain", "text/html") and part.disposition != "attachment"
    return shown and (alone or not part.filename)


def attachment(part: Part) -> Attachment:
    """Name, type and the size once decoded."""
    size = part.size
    if part.encoding == "base64":  # lines of 76 letters and CRLF (RFC 2045 section 6.8), the last one without
        size = (size + 2) * 76 // 78 // 4 * 3
    return Attachment(name=part.filename, type=part.type, size=size)
