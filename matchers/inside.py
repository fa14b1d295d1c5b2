"""Whom a text names: the customer whose mail one of us forwarded, and whom a returned mail did not reach.

Called with texts that are dropped right after, so nothing here keeps any of it. Reads line by line, at most
`LONGEST_TEXT` characters: no text, however hostile, takes longer than a few milliseconds.
"""

import re
from collections.abc import Iterator

from connectors.message import Address
from connectors.mime.addresses import read_addresses
from matchers.lists import COPY_MARKS, FORWARD_PREFIXES, FROM_WORDS, HEADER_WORDS, RETRY_WORDS

LONGEST_TEXT = 64 * 1024
"""Characters that are read."""

LONGEST_LINE = 500
"""Characters of a line that are looked at; a header of a quoted mail is shorter."""

MOST_LINES = 3000
MOST_BLOCKS = 5
"""Quoted mails of a forward that are looked at, the newest first."""

MOST_FAILED = 20
"""Addresses that one report of failed delivery is asked for."""

_NEAR = 5
"""Lines within which the header of a quoted mail names more than its sender."""

_PREFIX = re.compile(
    rf"[\s\[(]*(?:{'|'.join(map(re.escape, FORWARD_PREFIXES))})(?:[\[(]\d{{1,3}}[\])])?\s*[:：]", re.IGNORECASE
)
_EITHER = re.compile(r"[\s\[(]*vs(?:[\[(]\d{1,3}[\])])?\s*[:：]", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>,;:\"'()\[\]*@|]{1,64}@[^\s<>,;:\"'()\[\]*@|]{1,255}")


def is_forward(subject: str) -> bool:
    """Whether a mail program marked the subject as forwarded, in any of the usual languages.

    An answer to a forward (`AW: WG:`) is mail between those two, and the forward was looked into when it came.
    """
    start = subject[:40]
    return (":" in start or "：" in start) and _PREFIX.match(start) is not None


def is_finnish_answer(subject: str, text: str) -> bool:
    """Whether `VS:` stands for vastaus, an answer, and not for a forward: programs quote in their own language.

    Outlook writes VS and VL (a forward) in Finnish, VS (a forward) and SV in Danish and Norwegian.
    """
    if not _EITHER.match(subject[:40]):
        return False
    headers = [_header(line) for line in _lines(text)]
    quoted = (word for index, (word, _) in enumerate(headers) if word in FROM_WORDS and _in_block(headers, index))
    return next(quoted, "") == "lähettäjä"


def forwarded_senders(text: str) -> tuple[Address, ...]:
    """Who wrote the mails quoted in a forward, in the order of the text, each address once."""
    lines = list(_lines(text))
    headers = [_header(line) for line in lines]
    found: dict[str, Address] = {}
    for index, (word, value) in enumerate(headers):
        if word not in FROM_WORDS or not _in_block(headers, index):
            continue
        for person in read_addresses(_angled(value)):
            if person.address:
                found.setdefault(person.address.lower(), person)
        if len(found) >= MOST_BLOCKS:
            break
    return tuple(found.values())


_INTRODUCES = re.compile(r"(?:on|am|le|el|il|op|den|em|dnia|w dniu)\s.{4,200}[:：]", re.IGNORECASE)


def above_quotes(text: str) -> str:
    """What stands above the first quoted mail: own words and signature."""
    lines = text[:LONGEST_TEXT].split("\n", MOST_LINES)[:MOST_LINES]
    headers = [_header(line.strip()[:LONGEST_LINE]) for line in lines]
    for number, line in enumerate(lines):
        start = line[:LONGEST_LINE].strip()
        quoted = start.startswith((">", "-----")) or _INTRODUCES.fullmatch(start) is not None
        if quoted or (headers[number][0] in FROM_WORDS and _in_block(headers, number)):
            return "\n".join(lines[:number])
    return "\n".join(lines)


def _lines(text: str) -> Iterator[str]:
    """Lines without what quoting, lists and bold type put in front."""
    for number, line in enumerate(text[:LONGEST_TEXT].split("\n")):
        if number >= MOST_LINES:
            return
        if plain := line[:LONGEST_LINE].strip(" \t\r>*_|\u00a0\u200b\u200e\u200f\ufeff"):
            yield plain


def _header(line: str) -> tuple[str, str]:
    """(word in lower case, value) of what looks like a header; ('', '') for any other line."""
    word, colon, value = line.replace("：", ":", 1).partition(":")
    if not colon or len(word) > 24:
        return "", ""
    return word.strip(" \t*_\u00a0").casefold(), value.strip(" \t*_\u00a0")


def _in_block(headers: list[tuple[str, str]], index: int) -> bool:
    """Whether another header stands near: `From:` alone is a word of a text."""
    near = headers[max(0, index - _NEAR) : index] + headers[index + 1 : index + 1 + _NEAR]
    return any(word in HEADER_WORDS for word, _ in near)


def _angled(value: str) -> str:
    """Outlook writes `Name [mailto:name@firm]`, and HTML turned to text `Name <name@firm<mailto:name@firm>>`."""
    value = value.replace("[mailto:", "<").replace("]", ">")
    before, linked, _ = value.partition("<mailto:")
    if not linked:
        return value
    return before + (">" if "<" in before else "")


def failed_addresses(text: str) -> tuple[str, ...]:
    """Whom a report says it did not reach, each once; nobody while it is tried again.

    `Final-Recipient` (RFC 3464, 2.3.2) where the text holds it, else what is named above the copy of the mail.
    """
    named: dict[str, None] = {}
    final: dict[str, None] = {}
    for line in _lines(text):
        low = line.casefold()
        if low.startswith(COPY_MARKS):
            break
        if any(word in low for word in RETRY_WORDS):
            return ()
        into = final if low.startswith(("final-recipient:", "original-recipient:")) else named
        into.update(dict.fromkeys(address.rstrip(".") for address in _ADDRESS.findall(line)))
        if len(named) >= MOST_FAILED:
            break
    return tuple(final or named)[:MOST_FAILED]
