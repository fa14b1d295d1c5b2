"""Message identifiers: Message-ID, References, In-Reply-To (RFC 5322 section 3.6.4), as found in the wild.

Ids lose their angle brackets and any white space inside, so that a folded id equals itself unfolded.
"""

import re

from connectors.mime.words import decode_words

_BRACKETED = re.compile(r"<([^<>]*)>")
MOST_REFERENCES = 200
LONGEST_ID = 998
"""Longer than any line RFC 5322 allows: what is longer is cut there."""


def _tidy(identifier: str) -> str:
    if " " in identifier or "\t" in identifier or not identifier.isprintable():
        identifier = "".join(character for character in identifier if character.isprintable() and character != " ")
    return identifier[:LONGEST_ID]


def read_message_id(value: str) -> tuple[str | None, str | None]:
    """(id, defect). Without brackets the first word with an @ is taken, else the whole value."""
    if value[:1] == "<" and value[-1:] == ">" and value.isprintable() and "<" not in value[1:] and " " not in value:
        identifier = value[1:-1][:LONGEST_ID]
    else:
        identifier = _read_odd_id(value)
    if not identifier:
        return None, "no-message-id"
    return identifier, (None if _well_formed(identifier) else "odd-message-id")


def _well_formed(identifier: str) -> bool:
    local, at, domain = identifier.rpartition("@")
    return bool(local and at and domain)


def _read_odd_id(value: str) -> str:
    if "=?" in value:
        value = decode_words(value)[0]
    bracketed = _BRACKETED.search(value)
    if bracketed:
        return _tidy(bracketed[1])
    words = value.strip("<> \t").split()
    with_at = [word for word in words if "@" in word]
    return _tidy((with_at or ["".join(words)])[0].strip("<>"))


def read_references(value: str) -> tuple[str, ...]:
    """All ids, oldest first; of very many the first (the root) and the newest. Words without brackets need an @."""
    if "=?" in value and "<" not in value:
        value = decode_words(value)[0]
    found = _BRACKETED.findall(value) if "<" in value else [word for word in value.split() if "@" in word]
    ids = [tidy for tidy in map(_tidy, found) if tidy]
    return tuple(ids) if len(ids) <= MOST_REFERENCES else (ids[0], *ids[1 - MOST_REFERENCES :])


def read_in_reply_to(value: str) -> tuple[str, ...]:
    """The ids answered. Old mailers wrote a sentence here: a word without brackets counts only if it stands alone."""
    if "<" not in value and "=?" not in value and len(value.split()) != 1:
        return ()
    return read_references(value)
