"""Names of attachments as they stand in a BODYSTRUCTURE: split by the server, encoded in one of four ways.

RFC 2231 (`filename*=utf-8''…`, continued as `filename*0*=`), encoded words in quotes (forbidden, common), raw octets,
plain. A name is for people: no folders, no control characters, and never used as a path.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from connectors.mime.charsets import clean_line, decode_bytes
from connectors.mime.words import decode_words

LONGEST = 250
"""Characters of a name that are kept."""
_MOST_PIECES = 50
_EXTENDED = re.compile(r"([^']{0,40})'[^']{0,40}'(.*)", re.DOTALL)


def read_filename(parameters: Mapping[str, str], name: str) -> str:
    """The decoded parameter `name`, '' if absent. Values hold raw octets as surrogates."""
    value = _extended(parameters, name)
    if value is None:
        value = _as_written(parameters.get(name, ""))
    leaf = re.split(r"[/\\]", clean_line(value))[-1]
    return leaf.strip()[:LONGEST]


def _as_written(value: str) -> str:
    octets = value.encode("utf-8", "surrogateescape")
    text = decode_bytes(octets, None)[0] if not value.isascii() else value
    return decode_words(text)[0]


def _extended(parameters: Mapping[str, str], name: str) -> str | None:
    """The value by RFC 2231: whole, or in numbered pieces of which each may be percent-encoded."""
    if f"{name}*" in parameters:
        return _percent([(parameters[f"{name}*"], True)])
    pieces: list[tuple[str, bool]] = []
    for n in range(_MOST_PIECES):
        if f"{name}*{n}*" in parameters:
            pieces.append((parameters[f"{name}*{n}*"], True))
        elif f"{name}*{n}" in parameters:
            pieces.append((parameters[f"{name}*{n}"], False))
        else:
            break
    return _percent(pieces) if pieces else None


def _percent(pieces: list[tuple[str, bool]]) -> str:
    first, encoded = pieces[0]
    found = _EXTENDED.fullmatch(first) if encoded else None
    charset = found[1] if found else "utf-8"
    if found:
        pieces = [(found[2], True), *pieces[1:]]
    octets = b"".join(_octets(text, encoded) for text, encoded in pieces)
    return decode_bytes(octets, charset or "utf-8")[0]


def _octets(text: str, encoded: bool) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    return unquote_to_bytes(raw) if encoded else raw
