"""Encoded words of header fields (RFC 2047), as mailers really write them. Linear in time, never raises.

Adjacent words of one charset are joined before they are decoded, because many mailers split inside a character.
Words are read in quoted strings too, and with spaces or question marks inside, which the RFC forbids.
"""

import binascii
import re

from connectors.mime.charsets import clean_line, decode_bytes

_START = re.compile(r"=\?([^\s?]{1,80})\?([bBqQ])\?")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def decode_words(value: str) -> tuple[str, str | None]:
    """(text, defect): the value with its encoded words decoded, as one clean line."""
    if "=?" not in value:
        return clean_line(value), None
    pieces, defects = _decode_runs(_split(value))
    return clean_line("".join(pieces)), (defects[0] if defects else None)


def _split(value: str) -> list[tuple[str | None, str | bytes]]:
    """Runs of (None, plain text) and (charset, bytes); white space between two encoded words is gone."""
    runs: list[tuple[str | None, str | bytes]] = []
    done = at = 0
    while (at := value.find("=?", at)) >= 0:
        word = _START.match(value, at)
        if word is None:
            at += 2
            continue
        end = value.find("?=", word.end())
        if end < 0:
            break
        end = _true_end(value, word, end)
        _put_plain(runs, value[done:at])
        _put_word(runs, word[1].partition("*")[0].lower(), _word_bytes(word[2], value[word.end() : end]))
        done = at = end + 2
    _put_plain(runs, value[done:], last=True)
    return runs


def _true_end(value: str, word: re.Match[str], end: int) -> int:
    """`=?x?Q?Really??=`: the question mark before the end belongs to the text."""
    return end + 1 if word[2] in "qQ" and value.startswith("??=", end) else end


def _put_plain(runs: list[tuple[str | None, str | bytes]], text: str, *, last: bool = False) -> None:
    between_words = bool(runs) and not last and not text.strip()
    if text and not between_words:
        runs.append((None, text))


def _put_word(runs: list[tuple[str | None, str | bytes]], charset: str, data: bytes) -> None:
    if runs and runs[-1][0] == charset and isinstance(before := runs[-1][1], bytes):
        runs[-1] = (charset, before + data)
    else:
        runs.append((charset, data))


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    data = _NOT_BASE64.sub(b"", data)
    data = data[: len(data) - 1] if len(data) % 4 == 1 else data
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


def _decode_runs(runs: list[tuple[str | None, str | bytes]]) -> tuple[list[str], list[str]]:
    pieces: list[str] = []
    defects: list[str] = []
    for charset, content in runs:
        if isinstance(content, str):
            pieces.append(content)
            continue
        text, defect = decode_bytes(content, charset)
        pieces.append(text)
        if defect:
            defects.append(defect)
    return pieces, defects
