"""Folder names: what the server calls them (octets), what people read, and the key that stands for them.

Names travel in modified UTF-7 (RFC 3501 section 5.1.3), but servers hold names that are not: `R&D`, raw UTF-8, even
Latin-1. Decoding therefore never fails; what cannot be decoded stays as it is. The raw name is the key.
"""

import binascii
import re
import unicodedata

_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_LATIN = "latin-1:"
"""Prefix of keys whose octets are no UTF-8. Never the beginning of a real name: ':' is legal, so both are escaped."""


def key_of(raw: bytes) -> str:
    """The folder's key: its raw name as text that any database takes; `raw_of` turns it back."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _LATIN + raw.decode("latin-1")
    return _LATIN + raw.decode("latin-1") if text.startswith(_LATIN) else text


def raw_of(key: str) -> bytes:
    """The octets the server knows the folder by."""
    return key.removeprefix(_LATIN).encode("latin-1") if key.startswith(_LATIN) else key.encode("utf-8", "replace")


def readable(raw: bytes, *, utf8: bool = False) -> str:
    """The name for people: modified UTF-7 decoded piece by piece, without control characters, NFC.

    utf8: the server names its folders in UTF-8, where `&AOk-` means just that.
    """
    text = raw.decode("utf-8") if _is_utf8(raw) else raw.decode("latin-1")
    text = text if utf8 else _SHIFTED.sub(_unshift, text)
    return unicodedata.normalize("NFC", "".join(c if c.isprintable() else "\ufffd" for c in text))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _unshift(found: re.Match[str]) -> str:
    if not found[1]:
        return "&"
    padded = found[1].replace(",", "/") + "=" * (-len(found[1]) % 4)
    try:
        return binascii.a2b_base64(padded).decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError):
        return found[0]


def usable(raw: bytes) -> bool:
    """Whether a name can be sent back in a quoted string at all."""
    return bool(raw) and len(raw) <= 2_000 and not any(octet in raw for octet in b"\x00\r\n")
