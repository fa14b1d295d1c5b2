"""Who a written name stands for: a full name (given and family name, nicknames folded), or initials and a family name.

Called for strangers at a company's domain, and by the store for its contacts' names. A name that is no full name has
an empty key, and an empty key matches nobody: initials, single words, tasks, several people. Initials, and longer and
shorter forms of a name, have short keys, which name the contacts that may be meant and never decide. What is left open
on purpose: which half is the family name (`Birch, Bob` and `Bob Birch` are equal, order counts for nicknames and short
keys alone; `Smith Jane` may be J. Smith).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import takewhile

from matchers.lists import DEGREES, DOTTED_TITLES, FACULTIES, GENERATIONS, NICKNAMES, PARTICLES, ROLE_NAMES, TITLES

LONGEST_NAME = 120
"""Characters; longer display names are slogans."""

_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\"[^\"]*\"|'[^' ]+(?= ?')'")
_TAIL = re.compile(r"\s+[|–—/•·-]+\s+.*|\s*[|].*|\s*(?:/[^\s/]+)+$", re.DOTALL)
"""What stands behind a name: a company, a department, a branch of a tree of names (`Jane Smith/Sales/Firm`)."""
_OTHER = re.compile(r"\s/\s+(?:[^\s|/]+,?\s+[^\s|/]|[^\s|/]+,)")
"""Two words behind a stroke may be somebody else: such a name only asks."""
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]")
"""Marks that nobody sees: they join, direct or break what stands around them."""
_SEVERAL = re.compile(r"[&+@;:<>=\d]|\b(?:via|and|und|et|oder|or|on behalf of|im auftrag|for|für)\b", re.IGNORECASE)
_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "æ": "ae", "å": "aa", "ł": "l", "đ": "d", "ı": "i", "œ": "oe"}
    | {"ё": "е", "أ": "ا", "إ": "ا", "آ": "ا"}
)
_SPLIT = re.compile(r"[\s\-_‐‑]+")
_APOSTROPHES = str.maketrans("", "", "'’`´ʼ")

_EAST_ASIAN = re.compile("[\u3005\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]+")
_HANGUL = re.compile("[\uac00-\ud7a3]+")
_SHORTEST_HANGUL, _SHORTEST_HAN = 3, 4
"""Letters of a name written in one: fewer may be a Korean given name alone, or a Japanese family name alone."""

_LONGEST_ABBREVIATION = 3
"""Letters of a given name cut short with a dot (`Th.`, `Chr.`); longer words end a sentence or a login."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FullName:
    """key: equal for spellings of one full name; '' if it is none. initials: single letters that stood between.

    whole: the words of a full name as they stood, without those letters.
    short: first letter of the given name and last word of the family name, '' where a name does not hold both.
    inner: the same with the family name before that one (`Juan García López`: j garcia), '' where there is none.
    before: the words before the last one, the given name first; what is cut short ends with a dot.
    asks: the short keys under which contacts stand whom it may mean in part: `B. Gates` may be Robert or William, `Jane
    Smith` may be entered as `J. Smith`, `J. García` as `Juan García López`.
    turned: given and family name of two words whose order nothing tells, if the family name stands in front.

    A name of two or three characters written in one (王伟) is its own short key: it may be a whole name or half of one.
    """

    key: str = ""
    initials: frozenset[str] = frozenset()
    whole: tuple[str, ...] = ()
    short: str = ""
    inner: str = ""
    before: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    turned: tuple[str, ...] = field(default=(), compare=False)

    def family_names(self) -> Mapping[str, tuple[str, ...]]:
        """Each word that may be the family name in use -> the words before it: the last one, and the one before."""
        last, inner = self.short.partition(" ")[2], self.inner.partition(" ")[2]
        found = {last: self.before} if last else {}
        if inner:
            found[inner] = self.before[: -1 - self.before[::-1].index(inner)]
        return found


NO_NAME = FullName()


def name_key(name: str) -> str:
    """The key of a full name, '' if it is none."""
    return full_name(name).key


def may_be_one(one: FullName, other: FullName) -> bool:
    """Whether equal keys may stand for one person: John A. and John B. Smith do not, nor do Juan García López and Juan
    López García. Either half may come first, and within a half order counts."""
    turned = (one.whole[at:] + one.whole[:at] for at in range(len(one.whole)))
    if not one.key or one.key != other.key or other.whole not in turned:
        return False
    return not one.initials or not other.initials or one.initials == other.initials


def may_shorten(one: FullName, other: FullName) -> bool:
    """Whether one name may be a shorter form of the other: neither contradicts what the other tells, in its order.

    `J. Smith` and `J. R. Smith` may be Jane Smith, `J.-L. Picard` may be Jean-Luc, `J. P. Picard` is not. `J. García`
    and `Juan García` may be Juan García López, who is not Juan García Pérez.
    """
    if _is_in_one(one) or _is_in_one(other):
        return one.short == other.short
    mine, theirs = one.family_names(), other.family_names()
    shared = [family for family in mine if family in theirs and (_is_last(one, family) or _is_last(other, family))]
    fits = any(_fits(mine[family], theirs[family]) or _fits(theirs[family], mine[family]) for family in shared)
    return fits or _may_be_turned(one, other)


def _is_in_one(name: FullName) -> bool:
    return bool(name.short) and " " not in name.short


def _may_be_turned(one: FullName, other: FullName) -> bool:
    """Where the other has initials; of whole names the keys are equal in either order."""
    if not one.turned or not other.before or not other.before[0].endswith("."):
        return False
    given, family = one.turned
    return _is_last(other, family) and _fits((given,), other.before)


def _is_last(name: FullName, family: str) -> bool:
    return name.short.endswith(f" {family}")


def _fits(fewer: Sequence[str], more: Sequence[str]) -> bool:
    """Whether all of these words stand among the others, in their order, the first as the first."""
    if not fewer or not more or not _same(fewer[0], more[0]):
        return False
    rest = iter(more)
    return all(any(_same(word, other) for other in rest) for word in fewer)


def _same(one: str, other: str) -> bool:
    return one == other or _begins(one, other) or _begins(other, one)


def _begins(short: str, word: str) -> bool:
    """Whether one is the other cut short, or cut short from one of its nicknames."""
    return short.endswith(".") and any(form.startswith(short[:-1]) for form in (word, *_NICKS.get(word, ())))


_NICKS = {full: tuple(nick for nick, one in NICKNAMES.items() if one == full) for full in set(NICKNAMES.values())}


@lru_cache(maxsize=65536)
def full_name(name: str) -> FullName:
    """Reads a display name. Never raises."""
    name = name.strip()
    if len(name) > LONGEST_NAME or len(name) < (3 if name.isascii() else 2):
        return NO_NAME
    written = _ASIDE.sub(" ", _seen(name))
    plain = _TAIL.sub("", written).strip(" ,'\"")
    if _SEVERAL.search(plain):
        return NO_NAME
    parts: list[list[str]] = []
    for part in _family_behind(plain).split(","):
        behind = sum(map(len, parts))
        if not (behind > 1 and _is_degree(part)) and (words := _words(part, behind=behind)):
            parts.append(words)
    if len(parts) > 2:
        return NO_NAME
    read = _read([word for part in reversed(parts) for word in part])
    read = replace(read, turned=()) if len(parts) > 1 else read
    return replace(read, key="") if _OTHER.search(written) else read


def _seen(name: str) -> str:
    """The name without what nobody sees or reads as a part of it, such as pictures."""
    if name.isascii():
        return name.replace("*", " ")
    folded = _UNSEEN.sub("", unicodedata.normalize("NFKC", name))
    return "".join(" " if letter == "*" or unicodedata.category(letter) == "So" else letter for letter in folded)


def _family_behind(plain: str) -> str:
    """`DUPONT Jean` with the comma that its capitals stand for."""
    words = plain.split()
    lead = list(takewhile(lambda word: len(word) > 1 and word.isupper() and not word.endswith("."), words))
    rest = words[len(lead) :]
    if "," in plain or not lead or not rest or any(word.isupper() for word in rest):
        return plain
    return f"{' '.join(lead)}, {' '.join(rest)}"


def _is_degree(part: str) -> bool:
    return _fold(part.replace(".", "").replace(" ", "")) in DEGREES


def _words(text: str, *, behind: int) -> list[str]:
    """Folded, without titles and degrees; a single letter, and a given name cut short, ends with a dot.

    behind: how many words stand before the text. Behind two, `B.A.` is a degree; in front it is somebody's initials.
    """
    words: list[str] = []
    titled = False
    for token in _SPLIT.split(text.translate(_APOSTROPHES)):
        pieces = [piece for piece in token.split(".") if piece]
        whole = _fold("".join(pieces))
        if behind + len(words) > 1 and len(pieces) > 1 and whole in DEGREES:
            continue
        titled = titled or whole in TITLES
        if not words and token.endswith(".") and (whole in DOTTED_TITLES or (titled and whole in FACULTIES)):
            continue
        cut = not words and len(pieces) == 1 and token.endswith(".") and len(token) <= _LONGEST_ABBREVIATION + 1
        for piece in pieces:
            if (word := _fold(piece)) not in TITLES and word not in DEGREES:
                words.append(f"{word}." if cut or _is_letter(piece) else word)
    return words


def _read(words: list[str]) -> FullName:
    letters = [word for word in words if word.endswith(".")]
    whole = [word for word in words if not word.endswith(".")]
    if words and _EAST_ASIAN.fullmatch("".join(words)):
        return _read_in_one(words)
    if not whole or all(word in ROLE_NAMES for word in whole):
        return NO_NAME
    before, family = _around_family(letters + whole if len(whole) == 1 else words)  # `Smith J.` is J. Smith
    short = f"{before[0][0]} {family}" if before else ""
    middle = [word for word in before[1:] if not word.endswith(".") and word not in PARTICLES and word != family]
    inner = f"{before[0][0]} {middle[-1]}" if middle else ""
    asks = _short_keys(before[0], (family, *middle[-1:])) if before else ()
    if len(whole) < 2 or words[0].endswith("."):
        return FullName(short=short, inner=inner, before=before, asks=asks)
    turned = _turned(words) if len(words) == len(whole) == 2 else ()
    whole[0] = NICKNAMES.get(whole[0], whole[0])
    return FullName(
        key=" ".join(sorted(whole)),
        initials=frozenset(letters),
        whole=tuple(whole),
        short=short,
        inner=inner,
        before=before,
        asks=(*asks, *(_short_keys(turned[0], turned[1:]) if turned else ())),
        turned=turned,
    )


def _turned(words: Sequence[str]) -> tuple[str, ...]:
    """Given and family name of two words, the second one the given name; () where one of them can be no half."""
    family, given = words
    is_name = not any(word in kind for word in words for kind in (GENERATIONS, PARTICLES, ROLE_NAMES))
    return (NICKNAMES.get(given, given), family) if is_name else ()


def _short_keys(given: str, families: Sequence[str]) -> tuple[str, ...]:
    letters = {given[0]} | {nick[0] for nick in _NICKS.get(given, ())}
    if given.endswith("."):
        letters |= {full[0] for nick, full in NICKNAMES.items() if nick.startswith(given[:-1])}
    return tuple(f"{letter} {family}" for letter in sorted(letters) for family in families)


def _read_in_one(words: Sequence[str]) -> FullName:
    """A Chinese, Japanese or Korean name, with or without the blank between its halves. No key of what may be one."""
    name = "".join(words)
    if len(name) >= (_SHORTEST_HANGUL if _HANGUL.fullmatch(name) else _SHORTEST_HAN):
        return FullName(key=name, whole=(name,))
    if len(name) < 2:
        return NO_NAME
    asking = FullName(short=name, asks=(name,))
    return replace(asking, key=name, whole=(name,)) if len(words) > 1 else asking


def _around_family(words: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The words before the last one of the family name, and that one; what tells father from son stands behind it."""
    last = max(
        (number for number, word in enumerate(words) if not word.endswith(".") and word not in GENERATIONS), default=0
    )
    before = words[:last]
    return tuple([NICKNAMES.get(before[0], before[0]), *before[1:]] if before else ()), words[last]


def _is_letter(piece: str) -> bool:
    """One letter of a script that has capitals; one character is a whole name in others."""
    return len(piece) == 1 and piece.upper() != piece.lower()


@lru_cache(maxsize=65536)
def _fold(word: str) -> str:
    """Lower case, without the accents of Latin and Greek letters; umlauts, and the Russian ё, as they are written
    without them."""
    folded = word.casefold()
    if folded.isascii():
        return folded
    folded = unicodedata.normalize("NFC", folded).translate(_LETTERS)
    return "".join(_bare(letter) for letter in folded)


def _bare(letter: str) -> str:
    parts = unicodedata.normalize("NFKD", letter)
    return parts[0] if parts and (parts[0].isascii() or "α" <= parts[0] <= "ω") else letter
