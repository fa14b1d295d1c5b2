"""Address fields (RFC 5322 section 3.4 with the obsolete syntax of 4.4): tolerant, linear in time, never raising.

Usual values are read with one regular expression a mailbox. Everything else (comments, groups, routes, quoted local
parts, unbalanced quotes) goes through a scanner without recursion.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from connectors.message import Address
from connectors.mime.charsets import clean_line
from connectors.mime.words import decode_words

MOST_ADDRESSES = 2_000
LONGEST_ADDRESS = 320
"""64 for the local part, @, 255 for the domain (RFC 5321 section 4.5.3.1). A longer one names nobody."""
LONGEST_NAME = 500
_LONGEST_VALUE = 128 * 1024
_CACHED_VALUE = 300

_USUAL = re.compile(
    r'[ \t]*+(?:(?:"([^"\\<>=]*+)"|([^"\\<>,:;()@\[\]=]*+))[ \t]*+<([^\s"\\<>,:;()@\[\]]++@[^\s"\\<>,:;()@\[\]]++)>'
    r"|([^\s\"\\<>,:;()@\[\]=]++@[^\s\"\\<>,:;()@\[\]=]++))[ \t]*+(?:,|$)"
)
_X500 = r'"?(?:(?:ex|x500):)?(?P<{}>/(?:o|cn)=[^<>@";]{{1,1000}}+)"?'
"""What Exchange calls a mailbox where it knows no address (`/o=Firm/ou=…/cn=…`); it may hold parentheses and commas."""
_BARE_X500 = re.compile(_X500.format("bare"), re.IGNORECASE)
_TOKEN = re.compile(
    rf"(?i:<[ \t]*{_X500.format('x500')}>)|"
    r"=\?[^\s?]{1,80}\?[bBqQ]\?[^?\s]*+\?=|\[[^\]\[<>]{0,100}\]|[()<>,:;\"]|\s++|(?:\\.|[^\s()<>,:;\"\[=\\])++|[=\[\\]",
    re.DOTALL,
)
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Marks that nobody sees: they come along where an address is copied from a page."""
_WIDE_AT = re.compile("\uff20(?=[\\w-]+(?:[.\uff0e\u3002][\\w-]+)+$)")
"""As East Asian keyboards write it, before a domain: `山田＠営業` is a name with a department."""
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def read_addresses(value: str) -> tuple[Address, ...]:
    """The mailboxes of an unfolded field, groups opened, at most MOST_ADDRESSES."""
    return _read_cached(value) if len(value) <= _CACHED_VALUE else _read(value[:_LONGEST_VALUE])


def _read(value: str) -> tuple[Address, ...]:
    usual = _read_usual(value)
    if usual is not None:
        return usual
    if (name := _BARE_X500.fullmatch(value.strip())) is not None:
        return (Address(address=name["bare"].strip()),)
    found = tuple(_scan(value))
    if "=?" in value and not any(mailbox.address for mailbox in found):
        return tuple(_scan(decode_words(value)[0])) or found
    return found


_read_cached = lru_cache(maxsize=4096)(_read)
"""The same people write again and again: most values of a mailbox have been read before."""


def _read_usual(value: str) -> tuple[Address, ...] | None:
    if not value.isprintable():
        return None
    found: list[Address] = []
    at, end = 0, len(value)
    while at < end:
        mailbox = _USUAL.match(value, at)
        if mailbox is None or len(found) >= MOST_ADDRESSES:
            return None
        quoted, phrase, in_angle, bare = mailbox.groups()
        address = in_angle or bare
        if len(address) > LONGEST_ADDRESS:
            return None
        found.append(Address(address=address, name=_unquoted((quoted or phrase or "").strip())[:LONGEST_NAME]))
        at = mailbox.end()
    return tuple(found)


def _scan(value: str) -> list[Address]:
    """The careful way: tokens are collected into a mailbox until a separator ends it."""
    found: list[Address] = []
    pending = ""
    for piece, separator in _pieces(value):
        several = piece.several()
        found += [Address(address=address) for address in several]
        address, name = ("", "") if several else piece.read()
        if not several and not address and piece.angle is None and separator == ",":
            pending = (f"{pending}, {name}" if pending else name)[:LONGEST_NAME]
            continue
        if pending:
            name, loner = (f"{pending}, {name}", "") if piece.angle is not None else (name, pending)
            found += [Address(address="", name=loner[:LONGEST_NAME])] if loner else []
            pending = ""
        if address or name:
            found.append(Address(address=address, name=name[:LONGEST_NAME]))
        if len(found) >= MOST_ADDRESSES:
            return found[:MOST_ADDRESSES]
    return [*found, Address(address="", name=pending[:LONGEST_NAME])] if pending else found


class _Piece:
    """What was read of one mailbox so far. angle: the parts between < and >, None before the <; after: what follows.

    x500: the name that Exchange wrote there instead of an address.
    """

    __slots__ = ("after", "angle", "closed", "comments", "phrase", "x500")

    def __init__(self, phrase: Sequence[str] = ()) -> None:
        self.phrase: list[str] = list(phrase)
        self.comments: list[str] = []
        self.angle: list[str] | None = None
        self.after: list[str] = []
        self.closed = False
        self.x500 = ""

    def text(self, token: str, *, quoted: bool = False) -> None:
        if self.angle is not None and not self.closed:
            self.angle.append(f'"{token}"' if quoted else token)
        else:
            (self.phrase if self.angle is None else self.after).append(f'"{token}"' if quoted else token)

    def colon_starts_group(self) -> None:
        """A colon ends a group's name, or a route inside angle brackets: both are dropped."""
        if self.closed:
            self.after.clear()
        elif self.angle is not None:
            self.angle.clear()
        else:
            self.phrase.clear()

    def in_route(self) -> bool:
        return self.angle is not None and not self.closed and "".join(self.angle[:2]).lstrip().startswith("@")

    def ends_before_angle(self) -> bool:
        """Whether the next < begins another mailbox: a name stands before it. Without one, the last address counts."""
        has_address = bool(self.x500 or _spec("".join(self.angle or ())))
        return self.closed and any(c.isalnum() for c in "".join(self.after)) and has_address

    def several(self) -> list[str]:
        """The addresses where there is nothing else, and commas are missing between them."""
        words = "".join(self.phrase).split() if self.angle is None else []
        addresses = [_spec(word) for word in words if "@" in word]
        return addresses if len(addresses) == len(words) > 1 and all(addresses) else []

    def read(self) -> tuple[str, str]:
        """(address or '', name)."""
        phrase = "".join(self.phrase)
        if self.x500:
            return self.x500, _name(phrase) or _name(" ".join(self.comments))
        if self.angle is not None:
            written = "".join(self.angle)
            return _spec(written), _name(phrase) or _name(" ".join(self.comments)) or _leftover(written)
        if "@" not in phrase and "\uff20" not in phrase:
            return "", _name(phrase) or _name(" ".join(self.comments))
        address, rest = _bare(phrase)
        return address, _name(rest) or _name(" ".join(self.comments)) or ("" if address else _name(phrase))


def _pieces(value: str) -> Iterator[tuple[_Piece, str]]:
    """Each mailbox with the separator that ended it."""
    piece = _Piece()
    for kind, written in _tokens(value):
        if kind == "comment":
            piece.comments.append(written)
        elif kind == "x500":
            if piece.ends_before_angle():
                yield piece, ","
                piece = _Piece(piece.after)
            piece.x500, piece.angle, piece.closed, piece.after = written.strip(), [], True, []
        elif kind != "special":
            piece.text(written, quoted=kind == "quoted")
        elif written == "<":
            if piece.ends_before_angle():
                yield piece, ","
                piece = _Piece(piece.after)
            piece.angle, piece.closed, piece.after = [], False, []
        elif written == ">":
            piece.closed = True
        elif written == ":":
            piece.colon_starts_group()
        elif not (written == "," and piece.in_route()):
            yield piece, written
            piece = _Piece()
    yield piece, ""


def _tokens(value: str) -> Iterator[tuple[str, str]]:
    """(kind, text) with kind text, quoted, comment or special. A quote or comment that never ends is dropped."""
    at, quotes_left, comments_left = 0, True, True
    while at < len(value):
        token = _TOKEN.match(value, at)
        text = token[0] if token else value[at]
        at += len(text)
        if token and token["x500"]:
            yield "x500", token["x500"]
        elif text == '"' and quotes_left:
            quoted = _QUOTED.match(value, at - 1)
            if quoted:
                at = quoted.end()
                yield "quoted", quoted[1]
            quotes_left = quoted is not None
        elif text == "(" and comments_left:
            end, comment = _comment(value, at)
            comments_left = end > at
            at = end
            yield "comment", comment
        elif text in "<>,:;":
            yield "special", text
        elif text not in '()"':
            yield "text", " " if text.isspace() else text


_PARENTHESIS = re.compile(r"\\.|[()]", re.DOTALL)


def _comment(value: str, start: int) -> tuple[int, str]:
    """(where it ends, its text) of the comment that opened just before `start`; nested ones belong to it."""
    depth = 1
    for mark in _PARENTHESIS.finditer(value, start):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.end(), value[start : mark.start()]
    return start, ""


def _name(written: str) -> str:
    """A phrase for people: quotes and escapes undone, encoded words decoded."""
    if '"' in written or "\\" in written:
        written = _ESCAPED.sub(r"\1", written.replace('\\"', "\ufdd0").replace('"', "")).replace("\ufdd0", '"')
    return _unquoted(decode_words(written[: 4 * LONGEST_NAME])[0])


def _unquoted(name: str) -> str:
    """Without the single quotes that Outlook puts around a name it does not know."""
    return name[1:-1].strip() if len(name) > 2 and name[0] == name[-1] == "'" else name


def _leftover(written: str) -> str:
    """What stood in the brackets if it is no address (`<root>`): better a name than nothing."""
    return "" if _spec(written) else clean_line(written.strip('" '))


def _bare(phrase: str) -> tuple[str, str]:
    """(address, the rest) of a mailbox without brackets: the word with an @, else all words joined (`bob @ x`)."""
    if '"' in phrase:
        name, _, last = phrase.rstrip().rpartition(" ")
        return (_spec(last), name) if not _spec(phrase) and _spec(last) else (_spec(phrase), "")
    words = phrase.split()
    for index, word in enumerate(words):
        if _spec(word):
            return _spec(word), " ".join(words[:index] + words[index + 1 :])
    return _spec(phrase), ""


def _spec(written: str) -> str:
    """The addr-spec as written without white space, or '' if it is none: no domain, no local part, two @, too long."""
    written = (written if written.isascii() else _WIDE_AT.sub("@", _UNSEEN.sub("", written).strip())).strip()
    if not written.startswith('"'):
        written = "".join(written.split())
        written = (written[1:-1] if written.startswith("[mailto:") and written[-1] == "]" else written).removeprefix(
            "mailto:"
        )
        written = written[1:-1] if len(written) > 2 and written[0] == written[-1] == "'" else written
    local, at, domain = written.rpartition("@")
    local, domain = local.strip(), "".join(domain.split())
    if not (at and local and domain) or len(local) + len(domain) >= LONGEST_ADDRESS:
        return ""
    quoted = local.startswith('"') and local.endswith('"') and len(local) > 2
    if not quoted and not _plain_local(local):
        return ""
    return f"{local}@{domain}" if (local + domain).isprintable() and '"' not in domain else ""


def _plain_local(local: str) -> bool:
    return "@" not in local and '"' not in local and "=?" not in local
