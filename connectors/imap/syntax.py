"""The grammar of IMAP answers (RFC 3501 section 9), read leniently and in bounded time; and of what we send.

One regular expression cuts a response into tokens, one loop without recursion nests them. Values are bytes, None for
NIL, and lists. Whoever reads them checks their shape: a server may send anything.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from connectors.imap.wire import Response
from connectors.message import YEARS_OF_MAIL

Value = bytes | None | list["Value"]

DEPTH_LIMIT = 60
"""Nesting of parentheses: Dovecot stops at 100 parts deep, real mail at about ten."""
TOKEN_LIMIT = 60_000

_TOKEN = re.compile(rb'[()]|"(?:[^"\\]|\\.)*"|[^\s()"\[]+(?:\[[^\]]*\](?:<\d+>)?)?|\[[^\s()]*')
_LITERAL = re.compile(rb"~?\{\d+\+?\}")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_DATE = re.compile(
    rb"\s*(\d{1,2})-([A-Za-z]{3})-(\d{4}) +(\d{1,2}):(\d\d):(\d\d)(?: *([+-])(\d\d):?(\d\d)| *(?:GMT|UTC?|Z)?\s*\Z)"
)
_MONTHS = {name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}


class Garbled(ValueError):
    """A response that does not follow the grammar far enough to be used."""


def parse(response: Response, start: int = 2) -> list[Value]:
    """The values of one response after its first `start` octets (`* `). Raises Garbled."""
    text = response[0][start:] if len(response) == 1 else b"".join(response[::2])[start:]
    tokens = _TOKEN.findall(text)
    if len(tokens) > TOKEN_LIMIT:
        raise Garbled("too many tokens")
    return _nest(tokens, iter(response[1::2]))


def _nest(tokens: Sequence[bytes], literals: Iterator[bytes]) -> list[Value]:
    top: list[Value] = []
    open_lists = [top]
    here = top
    for token in tokens:
        first = token[0]
        if first == 40:  # (
            inner: list[Value] = []
            here.append(inner)
            open_lists.append(inner)
            here = inner
            if len(open_lists) > DEPTH_LIMIT:
                raise Garbled("nested too deeply")
        elif first == 41:  # )
            open_lists.pop()
            if not open_lists:
                raise Garbled("a parenthesis too many")
            here = open_lists[-1]
        elif first == 34:  # "
            here.append(_ESCAPED.sub(rb"\1", token[1:-1]) if b"\\" in token else token[1:-1])
        elif (first == 123 or first == 126) and _LITERAL.fullmatch(token):  # { ~
            here.append(next(literals, b""))
        else:
            here.append(None if token in (b"NIL", b"nil") else token)
    if len(open_lists) != 1:
        raise Garbled("a parenthesis too few")
    return top


def fetch_items(response: Response) -> dict[bytes, Value] | None:
    """The items of a FETCH response by upper-case name, or None if it is another response or garbled.

    The key of a section begins with `BODY[`; its field list is in the server's order and case.
    """
    head = response[0]
    space = head.find(b" ", 2)
    if head[space : space + 8].upper() != b" FETCH (" or not head[2:space].isdigit():
        return None
    try:
        values = parse(response, space + 7)
    except Garbled:
        return None
    items = values[0] if values else None
    if not isinstance(items, list):
        return None
    return {
        name.upper(): value for name, value in zip(items[::2], items[1::2], strict=False) if isinstance(name, bytes)
    }


def number(value: Value) -> int | None:
    """A number of the protocol (at most 63 bits), or None."""
    return int(value) if isinstance(value, bytes) and value.isdigit() and len(value) < 19 else None


def internal_date(value: Value) -> datetime | None:
    """INTERNALDATE with the server's own offset, UTC where it names none; None where it is no date of mail."""
    found = _DATE.match(value) if isinstance(value, bytes) else None
    month = _MONTHS.get(found[2].lower()) if found else None
    if found is None or month is None or int(found[3]) not in YEARS_OF_MAIL:
        return None
    try:
        zone = _zone(found[7], found[8], found[9]) if found[7] else UTC
        return datetime(int(found[3]), month, int(found[1]), int(found[4]), int(found[5]), int(found[6]), tzinfo=zone)
    except ValueError:
        return None


@lru_cache(maxsize=200)
def _zone(sign: bytes, hours: bytes, minutes: bytes) -> timezone:
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == b"-" else offset)


def id_ranges(ids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending runs of consecutive ids."""
    first = last = None
    for uid in sorted(ids):
        if last is not None and uid in (last, last + 1):
            last = uid
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = uid
    if first is not None and last is not None:
        yield first, last


def id_set(ids: Iterable[int]) -> bytes:
    """A sequence-set (`1:5,9`) of these ids."""
    return b",".join(b"%d" % a if a == b else b"%d:%d" % (a, b) for a, b in id_ranges(ids))


def id_sets(ids: Sequence[int], *, most: int = 500, octets: int = 4_000) -> Iterator[list[int]]:
    """`ids` in their order, in portions of at most `most` whose set stays shorter than `octets` (RFC 7162: 8,192)."""
    portion: list[int] = []
    for uid in ids:
        portion.append(uid)
        if len(portion) >= most or (len(portion) * 11 > octets and len(id_set(portion)) > octets):
            yield portion
            portion = []
    if portion:
        yield portion


def read_set(value: bytes, most: int) -> list[int] | None:
    """The numbers of a sequence-set, or None if it is garbled or names more than `most`."""
    numbers: list[int] = []
    for piece in value.split(b","):
        low, colon, high = piece.partition(b":")
        if not low.isdigit() or (colon and not high.isdigit()) or len(piece) > 40:
            return None
        a, b = sorted((int(low), int(high or low)))
        if len(numbers) + b - a >= most:
            return None
        numbers.extend(range(a, b + 1))
    return numbers


def quoted(name: bytes) -> bytes:
    """A mailbox name as quoted string (RFC 3501 section 9)."""
    return b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
