"""Content-Type and Content-Disposition: value, parameters, and the names of attachments (RFC 2045, 2183, 2231)."""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from connectors.mime.charsets import clean_line, decode_bytes
from connectors.mime.words import decode_words

_PARAMETER = re.compile(r';\s*+([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)(?:"|\Z)|([^;]*+))', re.DOTALL)
_MOST_PARAMETERS = 100
_LONGEST_VALUE = 16 * 1024
_COMMENT = re.compile(r"\([^()]*\)")
_ESCAPED = re.compile(r'\\(["\\])')
_EXTENDED = re.compile(r"([^']{0,40})'[^']{0,40}'(.*)", re.DOTALL)
_MOST_PIECES = 50
_LONGEST_NAME = 250
_HIDDEN = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F))
"""Marks that reorder text: `exe.fdp` behind one of them reads as a harmless ending."""

Parameters = Mapping[str, str]


def read_parameters(value: str) -> tuple[str, Parameters]:
    """(`type/subtype` or disposition in lower case, parameters by lower-case name; the first of a name counts)."""
    return _read_cached(value) if len(value) < 80 else _read(value[:_LONGEST_VALUE])


def _read(value: str) -> tuple[str, Parameters]:
    main, _, _ = value.partition(";")
    parameters: dict[str, str] = {}
    for found in _PARAMETER.finditer(value):
        quoted, plain = found[2], found[3]
        text = _ESCAPED.sub(r"\1", quoted) if quoted is not None else plain.strip()
        parameters.setdefault(found[1].lower(), text)
        if len(parameters) >= _MOST_PARAMETERS:
            break
    if "(" in main:
        main = _COMMENT.sub("", main)
    return main.strip().lower(), parameters


_read_cached = lru_cache(maxsize=512)(_read)


def read_filename(parameters: Parameters, key: str) -> str:
    """The parameter `key` as a name for people, '' if absent: no folders, no controls, not to be used as a path."""
    value = _extended(parameters, key)
    if value is None:
        value = decode_words(parameters.get(key, ""))[0]
    leaf = re.split(r"[/\\]", clean_line(value).translate(_HIDDEN))[-1].strip()
    return "" if leaf in (".", "..") else _shorten(leaf)


def _shorten(name: str) -> str:
    """A name that is too long loses its middle: its ending says what it is."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 21]}…{name[-20:]}"


def _extended(parameters: Parameters, key: str) -> str | None:
    """The value by RFC 2231: whole, or in numbered pieces of which each may be percent-encoded."""
    if f"{key}*" in parameters:
        return _percent([(parameters[f"{key}*"], True)])
    pieces: list[tuple[str, bool]] = []
    for number in range(_MOST_PIECES):
        if f"{key}*{number}*" in parameters:
            pieces.append((parameters[f"{key}*{number}*"], True))
        elif f"{key}*{number}" in parameters:
            pieces.append((parameters[f"{key}*{number}"], False))
        else:
            break
    return _percent(pieces) if pieces else None


def _percent(pieces: list[tuple[str, bool]]) -> str:
    first, encoded = pieces[0]
    found = _EXTENDED.fullmatch(first) if encoded else None
    charset = found[1] if found else ""
    if found:
        pieces = [(found[2], True), *pieces[1:]]
    octets = b"".join(_octets(text, encoded) for text, encoded in pieces)
    return decode_bytes(octets, charset or "utf-8")[0]


def _octets(text: str, encoded: bool) -> bytes:
    raw = text.encode("utf-8", "replace")
    return unquote_to_bytes(raw) if encoded else raw
