"""Content-Transfer-Encoding (RFC 2045 section 6) undone, tolerantly: what can be decoded is."""

import binascii
import re

_SPACED = re.compile(rb"[A-Za-z.,] +[A-Za-z]")
_NOT_ALPHABET = bytes(code for code in range(256) if not re.match(rb"[A-Za-z0-9+/]", bytes((code,))))
_BASE64 = bytes(code for code in range(256) if re.match(rb"[A-Za-z0-9+/=\s]", bytes((code,))))
_IDENTITY = frozenset(("", "7bit", "8bit", "binary"))


def decode_transfer(payload: bytes, encoding: str) -> tuple[bytes, str | None]:
    """(octets, defect). An unknown encoding counts as none; base64 that is plain text counts as plain text."""
    encoding = encoding.strip().lower()
    if encoding in _IDENTITY:
        return payload, None
    if encoding == "quoted-printable":
        return binascii.a2b_qp(payload), None
    if encoding == "base64":
        return _from_base64(payload)
    if encoding in ("x-uuencode", "uuencode", "x-uue"):
        return _from_uu(payload)
    return payload, "unknown-encoding"


def _from_base64(payload: bytes) -> tuple[bytes, str | None]:
    if not payload.translate(None, _BASE64):
        try:
            return binascii.a2b_base64(payload), None
        except binascii.Error:
            pass
    if _SPACED.search(payload[:500]):
        return payload, "wrong-encoding"
    letters = payload.translate(None, _NOT_ALPHABET)
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4)), "bad-base64"


def _from_uu(payload: bytes) -> tuple[bytes, str | None]:
    """Uuencoded lines between `begin` and `end`; a broken line is left out. Without a beginning it is plain text."""
    octets: list[bytes] = []
    defect = None
    lines = payload.replace(b"\r\n", b"\n").split(b"\n")
    start = next((n for n, line in enumerate(lines) if line.startswith(b"begin ")), None)
    if start is None:
        return payload, "wrong-encoding"
    for line in lines[start + 1 :]:
        if line.strip() in (b"end", b"`", b""):
            continue
        try:
            octets.append(binascii.a2b_uu(line))
        except binascii.Error:
            defect = "bad-uuencode"
    return b"".join(octets), defect


def decoded_size(raw: bytes, start: int, end: int, encoding: str) -> int:
    """Octets that raw[start:end] holds once decoded, counted without decoding anything large."""
    length = end - start
    if encoding == "base64":
        letters = length - raw.count(b"\n", start, end) - raw.count(b"\r", start, end)
        return letters // 4 * 3 - raw.count(b"=", max(start, end - 6), end)
    if encoding == "quoted-printable" and length <= 1024 * 1024:
        return len(binascii.a2b_qp(raw[start:end]))
    return length
