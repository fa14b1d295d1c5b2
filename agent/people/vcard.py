"""Reads contacts from vCard 2.1 (as Outlook writes it), 3.0 (RFC 2426) and 4.0 (RFC 6350).

Called by `contacts import`. Only lines that say something about a person are kept; photos pass by unread. Whatever
the bytes are, it yields rows and refusals, each with the line on which its card begins, and never raises.
"""

import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from agent.people.rows import Refused, Row, check_birthday, clean, is_unreadable, problems_of, unique

SYSTEM = "vcard"
"""The name under which a card's UID is kept among the external ids."""

LONGEST_LINE = 20_000
"""Characters of one unfolded line; what is longer is a photo or a key and is passed by."""

MOST_LINES = 1_000
"""Properties of one card; more are left out."""

_LINE = re.compile(r'((?:[\w-]+\.)?[\w-]+)((?:;(?:[^":;]|"[^"]*")*)*):(.*)', re.DOTALL)
_PREFERENCE = re.compile(r";\s*pref\s*=\s*\"?(\d{1,3})", re.IGNORECASE)
_PREFERRED_TYPE = re.compile(r";(?:\s*type\s*=[^;:]*\bpref\b|\s*pref\s*(?:;|$))", re.IGNORECASE)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_QUOTED = re.compile(r"[^:]*;\s*(?:encoding\s*=\s*)?quoted-printable\b", re.IGNORECASE)
"""A line of vCard 2.1 whose value is quoted-printable (RFC 2045, 6.7); a `=` at its end goes on in the next line."""
_UNESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NOTES = {"NOTE": "note", "URL": "url", "NICKNAME": "nickname", "CATEGORIES": "categories", "ROLE": "role"}
"""Properties that become fields of the contact; so does each of the firm's own, which begin with X-."""

LONGEST_OWN = 200
"""Characters of a property of somebody's own that becomes a field; what is longer is a program's and no fact."""

_READ = ("FN", "N", "EMAIL", "TEL", "ORG", "TITLE", "BDAY", "UID", *_NOTES)


@dataclass(kw_only=True, slots=True)
class Card:
    """One card while it is read. values: property name -> (parameters, raw value) in the order of the file."""

    line: int
    values: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    lines: int = 0

    def add(self, text: str) -> None:
        """Keeps one unfolded line, if it is one and there are not too many."""
        self.lines += 1
        if self.lines <= MOST_LINES and (parts := _LINE.fullmatch(text)):
            name = parts[1].rpartition(".")[2].upper()
            self.values.setdefault(name, []).append((parts[2], _decoded(parts[2], parts[3])))

    def all(self, name: str) -> list[str]:
        """All values of a property, unescaped, the preferred ones first."""
        ranked = sorted(self.values.get(name, []), key=lambda found: _preference(found[0]))
        return [clean(_unescape(value)) for _, value in ranked]

    def first(self, name: str) -> str:
        """The preferred value of a property, or ''."""
        return next(iter(self.all(name)), "")

    def parts(self, name: str) -> list[str]:
        """The components of a structured value (N, ORG)."""
        raw = next((value for _, value in self.values.get(name, [])), "")
        return [clean(_unescape(part)) for part in re.split(r"(?<!\\);", raw)]


def read_contacts_vcard(data: bytes) -> Iterator[Row | Refused]:
    """One value for each card, in the order of the file."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield Refused(line=1, why="the file is UTF-16: export it as UTF-8")
        return
    card: Card | None = None
    seen = False
    for line, text in _unfolded(data.removeprefix(codecs.BOM_UTF8)):
        mark = text[:20].strip().upper()
        if mark == "BEGIN:VCARD":
            if card is not None:
                yield Refused(line=card.line, why="the card is not closed: END:VCARD is missing")
            card, seen = Card(line=line), True
        elif mark == "END:VCARD" and card is not None:
            yield _row(card)
            card = None
        elif card is not None:
            card.add(text)
    if card is not None:
        yield Refused(line=card.line, why="the card is not closed: END:VCARD is missing")
    if not seen:
        yield Refused(line=1, why="no card in it: a vCard begins with BEGIN:VCARD")


def _unfolded(data: bytes) -> Iterator[tuple[int, str]]:
    """(line it begins on, text) with continuation lines joined; of lines that are too long only the start."""
    started, parts, size = 0, [""], 0
    for number, raw in enumerate(re.split(rb"\r\n|\n|\r", data), start=1):
        soft = parts[-1].endswith("=") and _QUOTED.match(parts[0]) is not None
        if (raw[:1] in (b" ", b"\t") or soft) and started:
            if size <= LONGEST_LINE:
                parts[-1] = parts[-1][:-1] if soft else parts[-1]
                parts.append(raw[not soft : LONGEST_LINE + 2].decode("utf-8", "surrogateescape"))
                size += len(parts[-1])
            continue
        if size and size <= LONGEST_LINE:
            yield started, "".join(parts)
        parts = [raw[: LONGEST_LINE + 1].decode("utf-8", "surrogateescape")]
        started, size = number, len(parts[0])
    if size and size <= LONGEST_LINE:
        yield started, "".join(parts)


def _decoded(parameters: str, value: str) -> str:
    """What vCard 2.1 encodes. What cannot be decoded keeps its bytes as lone surrogates, and is refused for them."""
    charset = _CHARSET.search(parameters)
    quoted = _QUOTED.match(parameters)
    if not charset and not quoted:
        return value
    data = value.encode("utf-8", "surrogateescape")
    data = quopri.decodestring(data) if quoted else data
    try:
        return data.decode(charset[1] if charset else "utf-8", "surrogateescape")
    except (LookupError, UnicodeError):
        return data.decode("utf-8", "surrogateescape")


def _preference(parameters: str) -> int:
    """1 is most wanted, 100 least (RFC 6350, 5.3); TYPE=pref is how 3.0 says 1."""
    if found := _PREFERENCE.search(parameters):
        return int(found[1])
    return 1 if _PREFERRED_TYPE.search(parameters) else 101


def _unescape(value: str) -> str:
    return _UNESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def _row(card: Card) -> Row | Refused:
    refusal = _no_person(card)
    if refusal:
        return Refused(line=card.line, why=refusal)
    told = [value for name in _READ for _, value in card.values.get(name, [])]
    if any(map(is_unreadable, told)):
        return Refused(line=card.line, why="it is not UTF-8: export it as UTF-8")
    row = _told_row(card)
    problems = problems_of(row)
    return Refused(line=card.line, why="; ".join(problems)) if problems else row


def _no_person(card: Card) -> str:
    version = card.first("VERSION")
    if version not in ("2.1", "3.0", "4.0"):
        return f"vCard version {version[:10]!r}: export it as vCard 3.0 or 4.0"
    if card.first("KIND").lower() == "group":
        return "it is a group, not a person: import its members"
    return ""


def _told_row(card: Card) -> Row:
    birthday = check_birthday(card.first("BDAY").partition("T")[0])
    fields = {**_own(card), **{ours: card.first(name) for name, ours in _NOTES.items()}}
    if birthday is None:  # RFC 6350 allows text such as "circa 1800"
        fields["birthday"] = card.first("BDAY")
    return Row(
        line=card.line,
        name=card.first("FN") or _name(card),
        emails=unique([email.removeprefix("mailto:") for email in card.all("EMAIL")]),
        phones=unique([phone.removeprefix("tel:") for phone in card.all("TEL")]),
        company=card.parts("ORG")[0],
        title=card.first("TITLE"),
        birthday=birthday or "",
        external_ids={SYSTEM: card.first("UID")} if card.first("UID") else {},
        fields={name: value for name, value in fields.items() if value},
    )


def _own(card: Card) -> dict[str, str]:
    """Fields of properties that begin with X-, in lower case without it, as far as they can be read."""
    own = {name: card.first(name) for name in card.values if name.startswith("X-")}
    return {
        name[2:].lower().replace("-", "_"): value
        for name, value in own.items()
        if value and len(value) <= LONGEST_OWN and not is_unreadable(value)
    }


def _name(card: Card) -> str:
    """The name of its components: family; given; additional; prefix; suffix."""
    family, given, additional, *_ = [*card.parts("N"), "", "", ""]
    return clean(f"{given} {additional} {family}")
