"""A header block → its fields. Bounded and linear; a broken line costs its own field, never the message.

Values come unfolded, cleaned of controls, still with encoded words. Bytes beyond ASCII are read as UTF-8 (RFC 6532),
else in the charset the Content-Type names, else as windows-1252.
"""

import re
from collections.abc import Mapping

from connectors.mime.charsets import clean_line, codec_for, decode_raw_header

LONGEST_BLOCK = 256 * 1024
"""Bytes of a header that are looked at. Exchange stops at 256 KB too; ordinary ones have 1 to 12 KB."""
_CONTROLS = bytes((*range(9), *range(11, 13), *range(14, 32), 127))
_CHARSET = re.compile(rb"charset\*?[ \t]*=[ \t\"']*([^\s\"';]{1,40})", re.IGNORECASE)

Fields = dict[str, str]


def header_end(raw: bytes, start: int = 0, end: int | None = None) -> tuple[int, int]:
    """(where the header ends, where the body begins) in raw[start:end]; both are `end` if no empty line follows."""
    end = len(raw) if end is None else end
    if raw.startswith(b"\n", start, end):
        return start, start + 1
    if raw.startswith(b"\r\n", start, end):
        return start, start + 2
    long = raw.find(b"\n\r\n", start, end)
    short = raw.find(b"\n\n", start, end if long < 0 else long + 1)
    if short >= 0:
        return short + 1, short + 2
    return (long + 1, long + 3) if long >= 0 else (end, end)


def single_ends(raw: bytes) -> bytes:
    """Line ends of CR CR LF, as programs leave them that write CRLF in text mode, made CRLF: no empty line has them."""
    return raw.replace(b"\r\r\n", b"\r\n") if b"\r\r\n" in raw else raw


def read_fields(block: bytes, wanted: Mapping[str, str]) -> tuple[Fields, list[tuple[str, str]], list[str]]:
    """(first value by key, later values of the same key, defects) of the header at the beginning of `block`.

    wanted: field names to keys, holding each name as usually written and in lower case.
    """
    defects: list[str] = []
    if len(block) > LONGEST_BLOCK:
        block = block[:LONGEST_BLOCK]
        defects.append("long-header")
    block = single_ends(block)
    end, _ = header_end(block)
    text, raw_bytes = _as_text(block[:end], defects)
    fields: Fields = {}
    more: list[tuple[str, str]] = []
    for line in _unfold(text).split("\n"):
        name, colon, value = line.partition(":")
        key = wanted.get(name) or wanted.get(name.strip().lower())
        if not colon:
            _note_line(line, defects)
        elif key is None:
            continue
        elif key in fields:
            more.append((key, value.strip()))
        else:
            fields[key] = value.strip()
    if raw_bytes:
        _decode_raw(fields, more, block)
    return fields, more, defects


def _note_line(line: str, defects: list[str]) -> None:
    """A line that is no field: an mbox separator is harmless, everything else is a defect, noted once."""
    if line and not line.startswith(("From ", ">From ")) and "malformed-line" not in defects:
        defects.append("malformed-line")


def _as_text(block: bytes, defects: list[str]) -> tuple[str, bool]:
    """(text, whether it holds undecoded 8-bit bytes as Latin-1)."""
    clean = block.translate(None, _CONTROLS)
    if len(clean) != len(block):
        defects.append("control-characters")
        clean = _japanese(block) or clean
    if clean.isascii():
        return clean.decode("ascii"), False
    try:
        return clean.decode("utf-8"), False
    except ValueError:
        defects.append("8bit-header")
        return clean.decode("latin-1"), True


def _japanese(block: bytes) -> bytes | None:
    """Unencoded ISO-2022-JP, which old Japanese mailers put into headers: its escapes are control characters."""
    if b"\x1b$" not in block:
        return None
    try:
        return block.decode("iso2022_jp_ext").encode("utf-8").translate(None, _CONTROLS)
    except ValueError:
        return None


def _unfold(text: str) -> str:
    """Lines joined with their continuations (RFC 5322 section 2.2.3). A lone CR ends a line only if no LF does."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            text = text.replace("\r", " " if "\n" in text.strip() else "\n")
    return text.replace("\n ", " ").replace("\n\t", " ")


def _decode_raw(fields: Fields, more: list[tuple[str, str]], block: bytes) -> None:
    named = _CHARSET.search(block)
    hint = named[1].decode("latin-1") if named else None
    hint = hint if hint and codec_for(hint) else None
    for key, value in fields.items():
        fields[key] = _reread(value, hint)
    more[:] = [(key, _reread(value, hint)) for key, value in more]


def _reread(value: str, hint: str | None) -> str:
    return value if value.isascii() else clean_line(decode_raw_header(value.encode("latin-1"), hint))
