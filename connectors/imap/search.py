"""Lists of ids: UID SEARCH in bounded portions, in its compact form (ESEARCH, RFC 4731) where the server has it."""

import re
from array import array
from collections.abc import Iterable, Sequence
from datetime import date

from connectors.errors import Retriable
from connectors.imap.cursor import EVERYTHING
from connectors.imap.session import Session
from connectors.imap.syntax import id_set, id_sets, read_set
from connectors.imap.wire import Response, bursts

MOST_IDS = 3_000_000
PORTION = 80_000
"""Messages asked about in one command: eleven octets each stay below a line of 1,000,000."""
_FIELDS = (b"FROM", b"TO", b"CC", b"BCC", b"HEADER Reply-To")
_SEARCHABLE = re.compile(r"[!#-\[\]-~]{3,320}")
"""What can stand between quotes as it is: ASCII without blanks, quotes and backslashes."""
_ALL = re.compile(rb" ALL ([0-9:,]+)", re.IGNORECASE)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def search(session: Session, criteria: Sequence[bytes]) -> list[int]:
    """Ids that match any of the criteria, ascending, each once. Raises Refused if the server declines one."""
    most = most_ids(session)
    found: set[int] = set()

    def take(response: Response) -> None:
        found.update(listed_ids(response, most))
        if len(found) > most:
            raise Retriable("the server lists more messages than the folder holds")

    for commands in bursts([search_command(session, c) for c in criteria]):
        for done in session.burst(commands, take):
            if done.status == "BAD" and session.forget("ESEARCH"):
                return search(session, criteria)
            done.insist("UID SEARCH")
    return sorted(found)


def search_command(session: Session, criterion: bytes) -> bytes:
    """UID SEARCH, with the compact answer where there is one."""
    return (b"UID SEARCH RETURN (ALL) " if session.has("ESEARCH") else b"UID SEARCH ") + criterion


def most_ids(session: Session) -> int:
    """More ids than this are no honest answer about the open folder."""
    return min(MOST_IDS, (session.view.exists if session.view else 0) + 10_000)


def naming(session: Session, addresses: Sequence[str]) -> list[int]:
    """Ids of messages that name one of these addresses in the fields that SEARCH knows (RFC 3501 section 6.4.4).

    Addresses beyond ASCII are left out: not every server takes a charset.
    """
    plain = [address for address in addresses if _SEARCHABLE.fullmatch(address)]
    criteria = [b"OR " * (len(_FIELDS) - 1) + b" ".join(b'%s "%s"' % (f, a.encode()) for f in _FIELDS) for a in plain]
    return search(session, criteria) if criteria else []


def present(session: Session, ids: Sequence[int]) -> set[int]:
    """Which of these ids the open folder still holds."""
    sets = [b"UID " + id_set(portion) for portion in id_sets(ids, most=2_000)]
    return set(search(session, sets)) & set(ids) if sets else set()


def all_ids(session: Session, exists: int, since: date | None) -> Iterable[int]:
    """Every id not older than the floor. Portions run from the top: what an expunge shifts down may be named twice."""
    floor = between(since or EVERYTHING, None)
    portions = [(low, min(low + PORTION - 1, exists)) for low in range(1, exists + 1, PORTION)]
    found = array("q")
    for low, high in reversed(portions):
        top = b"*" if high == exists else b"%d" % high
        found.extend(search(session, [b"%d:%s%s" % (low, top, floor)]))
    return found


def between(floor: date, ceiling: date | None) -> bytes:
    """The criterion floor ≤ server date < ceiling (RFC 3501 section 6.4.4), with a leading space; '' for any date."""
    words = b""
    if floor > date(1970, 1, 1):
        words += b" SINCE " + _date(floor)
    if ceiling is not None:
        words += b" BEFORE " + _date(ceiling)
    return words


def _date(day: date) -> bytes:
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04d}".encode("ascii")


def listed_ids(response: Response, most: int) -> list[int]:
    """The ids in a SEARCH or ESEARCH response; of any other none. Raises Retriable for more than `most`."""
    line = response[0]
    head = line[:10].upper()
    if head.startswith(b"* SEARCH"):
        return [int(word) for word in line[8:].partition(b"(")[0].split() if word.isdigit() and len(word) < 12]
    if head.startswith(b"* ESEARCH"):
        found = _ALL.search(line)
        ids = read_set(found[1], most) if found else []
        if ids is None:
            raise Retriable("the server lists more messages than the folder holds")
        return ids
    return []
