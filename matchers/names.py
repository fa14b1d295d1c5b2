"""Whether two written names are the full name of one person: given and family name, nicknames folded.

Called for strangers at a company's domain, and by the store for its contacts' names. A name that is no full name has
an empty key, and an empty key matches nobody: initials, single words, tasks, several people. What is left open on
purpose: which half is the family name (`Birch, Bob` and `Bob Birch` are equal, order counts for nicknames alone).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from matchers.lists import DEGREES, NICKNAMES, ROLE_NAMES, TITLES

LONGEST_NAME = 120
"""Characters; longer display names are slogans."""

_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\"[^\"]*\"|'[^' ]+(?= ?')'")
_TAIL = re.compile(r"\s+[|–—/-]+\s+.*|\s*[|].*", re.DOTALL)
_SEVERAL = re.compile(r"[&+@;:<>=\d]|\b(?:via|and|und|et|oder|or|on behalf of|im auftrag|for|für)\b", re.IGNORECASE)
_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "æ": "ae", "å": "aa", "ł": "l", "đ": "d", "ı": "i", "œ": "oe"}
)
_SPLIT = re.compile(r"[\s.\-_‐‑]+")
_APOSTROPHES = str.maketrans("", "", "'’`´ʼ")


@dataclass(frozen=True, kw_only=True, slots=True)
class FullName:
    """key: equal for spellings of one full name; '' if it is none. initials: single letters that stood between."""

    key: str = ""
    initials: frozenset[str] = frozenset()


NO_NAME = FullName()


def name_key(name: str) -> str:
    """The key of a full name, '' if it is none."""
    return full_name(name).key


def may_be_one(one: FullName, other: FullName) -> bool:
    """Whether equal keys may stand for one person: John A. and John B. Smith do not."""
    return one.key == other.key and (not one.initials or not other.initials or one.initials == other.initials)


@lru_cache(maxsize=65536)
def full_name(name: str) -> FullName:
    """Reads a display name. Never raises."""
    if len(name) > LONGEST_NAME or len(name) < 3:
        return NO_NAME
    plain = _TAIL.sub("", _ASIDE.sub(" ", unicodedata.normalize("NFKC", name))).strip(" ,'\"")
    if _SEVERAL.search(plain) or plain.count(",") > 1:
        return NO_NAME
    family, comma, given = plain.partition(",")
    words = (_words(given) + _words(family)) if comma and _words(given) else _words(family)
    return _read(words)


def _words(text: str) -> list[str]:
    words = (_fold(word) for word in _SPLIT.split(text.translate(_APOSTROPHES)))
    return [word for word in words if word and word not in TITLES and word not in DEGREES]


def _read(words: list[str]) -> FullName:
    initials = [word for word in words if _is_initial(word)]
    whole = [word for word in words if not _is_initial(word)]
    if len(whole) < 2 or _is_initial(words[0]) or all(word in ROLE_NAMES for word in whole):
        return NO_NAME
    given, *rest = whole
    return FullName(key=" ".join(sorted([NICKNAMES.get(given, given), *rest])), initials=frozenset(initials))


def _is_initial(word: str) -> bool:
    """One letter of a script that has capitals; one character is a whole name in others."""
    return len(word) == 1 and word.upper() != word.lower()


@lru_cache(maxsize=65536)
def _fold(word: str) -> str:
    """Lower case, without the accents of Latin letters; umlauts as they are written without them."""
    folded = word.casefold()
    if folded.isascii():
        return folded
    folded = unicodedata.normalize("NFC", folded).translate(_LETTERS)
    return "".join(_bare(letter) for letter in folded)


def _bare(letter: str) -> str:
    parts = unicodedata.normalize("NFKD", letter)
    return parts[0] if parts and parts[0].isascii() else letter
