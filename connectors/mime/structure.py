"""Raw MIME → a tree of parts, by offsets into the one buffer: nothing is copied, nothing is decoded.

An own walker because the standard library recurses and copies every level. Bounded: DEEPEST levels, MOST_PARTS parts;
each level is scanned once, so time is at most DEEPEST times the size.
"""

import re
from dataclasses import dataclass, field

from connectors.mime.fields import Fields, header_end, read_fields
from connectors.mime.parameters import Parameters, read_filename, read_parameters

DEEPEST = 50
MOST_PARTS = 1_000
_WANTED = {
    name: name.lower()
    for written in ("Content-Type", "Content-Transfer-Encoding", "Content-Disposition")
    for name in (written, written.lower())
}
_DELIMITER_LINE = re.compile(rb"(?:\A|\n)--([^\s-][^\r\n]{0,199}?)[ \t]*\r?\n")
_DELIMITER_AND_FIELD = re.compile(rb"(?:\A|\n)--(\S[^\r\n]{0,199}?)[ \t]*\r?\nContent-", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[!-~]+/[!-~]+")


@dataclass(kw_only=True, slots=True)
class Part:
    """One part: its type and encoding in lower case, its body as raw[start:end], the parts inside."""

    type: str
    parameters: Parameters
    disposition: str
    filename: str
    encoding: str
    start: int
    end: int
    depth: int
    children: list["Part"] = field(default_factory=list)


def read_tree(raw: bytes, *, truncated: bool) -> tuple[Part, list[str]]:
    """(the root part, defects). truncated: the end of `raw` is missing, so a missing end boundary is no defect."""
    defects: list[str] = []
    root = _read_part(raw, 0, len(raw), 0, "text/plain")
    waiting, count = [root], 1
    while waiting:
        part = waiting.pop()
        if not part.type.startswith("multipart/"):
            continue
        if part.depth >= DEEPEST:
            _note(defects, "too-deep")
            continue
        default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        spans = _split(raw, part, defects, truncated)
        if count + len(spans) > MOST_PARTS:
            _note(defects, "too-many-parts")
            spans = spans[: MOST_PARTS - count]
        count += len(spans)
        children = [_read_part(raw, start, end, part.depth + 1, default) for start, end in spans]
        part.children = _without_grandchildren(raw, part, children)
        waiting += part.children
    return root, defects


def _without_grandchildren(raw: bytes, part: Part, children: list[Part]) -> list[Part]:
    """The parts of this multipart, where one inside took its boundary: what follows up to a closing delimiter is that
    one's, or the forms of an alternative would stand beside each other."""
    boundary = part.parameters.get("boundary")
    own: list[Part] = []
    for child in children:
        if own and child.start < own[-1].end:
            continue
        if child.type.startswith("multipart/") and boundary and child.parameters.get("boundary") == boundary:
            closing = raw.find(f"\n--{boundary}--".encode(), child.start, part.end)
            child.end = raw.find(b"\n", closing + 1, part.end) if closing >= 0 else part.end
            child.end = part.end if child.end < 0 else child.end
        own.append(child)
    return own


def _note(defects: list[str], defect: str) -> None:
    if defect not in defects:
        defects.append(defect)


def _read_part(raw: bytes, start: int, end: int, depth: int, default: str) -> Part:
    header, body = header_end(raw, start, end)
    fields, _, _ = read_fields(raw[start : min(header, start + 256 * 1024)], _WANTED)
    media_type, parameters = _type(fields, default)
    disposition, more = read_parameters(fields.get("content-disposition", ""))
    return Part(
        type=media_type,
        parameters=parameters,
        disposition=disposition,
        filename=_filename(more, parameters),
        encoding=fields.get("content-transfer-encoding", "").partition(";")[0].strip().lower(),
        start=body,
        end=end,
        depth=depth,
    )


def _filename(disposition: Parameters, content_type: Parameters) -> str:
    if not disposition and not content_type:
        return ""
    return read_filename(disposition, "filename") or read_filename(content_type, "name")


def _type(fields: Fields, default: str) -> tuple[str, Parameters]:
    """A type that is no type counts as plain text (RFC 2045 section 5.2)."""
    written = fields.get("content-type")
    if not written:
        return default, {}
    media_type, parameters = read_parameters(written)
    if media_type == "text" or not _MEDIA_TYPE.fullmatch(media_type):
        media_type = "text/plain"
    return media_type[:200], parameters


def _split(raw: bytes, part: Part, defects: list[str], truncated: bool) -> list[tuple[int, int]]:
    """Where the parts inside a multipart stand. Without any, the multipart turns into the plain text it is."""
    boundary = part.parameters.get("boundary", "").rstrip()
    octets = boundary.encode("utf-8", "replace")[:200]
    if not octets:
        _note(defects, "no-boundary")
    spans, ended = _spans(raw, part, octets) if octets else ([], True)
    if not spans and (guessed := _guess_boundary(raw, part, sure=bool(octets))):
        _note(defects, "no-boundary")
        spans, ended = _spans(raw, part, guessed)
    if not spans:
        _note(defects, "empty-multipart" if not raw[part.start : part.start + 64].strip() or ended else "no-boundary")
        part.type = "text/plain"
    elif not ended and not truncated:
        _note(defects, "no-end-boundary")
    return spans[:MOST_PARTS]


def _guess_boundary(raw: bytes, part: Part, *, sure: bool) -> bytes:
    """What delimits the parts where the header does not say so, or says something else. sure: a field must follow."""
    beginning = raw[part.start : min(part.end, part.start + 4096)]
    found = _DELIMITER_AND_FIELD.search(beginning) or (None if sure else _DELIMITER_LINE.search(beginning))
    return found[1] if found else b""


def _spans(raw: bytes, part: Part, boundary: bytes) -> tuple[list[tuple[int, int]], bool]:
    """(start and end of each part, whether the closing delimiter came). RFC 2046 section 5.1.1.

    Parts behind a closing delimiter count: it was that of a multipart inside, which took the same boundary.
    """
    delimiter = b"--" + boundary
    spans: list[tuple[int, int]] = []
    opened, at, ended = -1, part.start, False
    while (at := raw.find(delimiter, at, part.end)) >= 0 and len(spans) <= MOST_PARTS:
        rest, line_end, closing = _delimiter_end(raw, at + len(delimiter), part.end)
        if rest or (at > part.start and raw[at - 1] != 10):
            at += len(delimiter)
            continue
        if opened >= 0:
            spans.append((opened, _before_line_end(raw, at, opened)))
        at, ended = line_end, closing
        opened = -1 if closing else line_end
    if opened >= 0 and len(spans) <= MOST_PARTS:
        spans.append((opened, part.end))
    return spans, ended


def _delimiter_end(raw: bytes, at: int, end: int) -> tuple[bytes, int, bool]:
    """(what else stands on the line, where the next line begins, whether it is the closing delimiter)."""
    line_end = raw.find(b"\n", at, min(end, at + 400))
    if line_end < 0:
        line_end = min(end, at + 400) - 1
    rest = raw[at : line_end + 1]
    closing = rest.startswith(b"--")
    return (b"" if closing else rest.strip()), line_end + 1, closing


def _before_line_end(raw: bytes, at: int, start: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    if at > start and raw[at - 1] == 10:
        at -= 1
        if at > start and raw[at - 1] == 13:
            at -= 1
    return at
