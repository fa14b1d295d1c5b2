"""The cursor of a calendar: what was seen there the last time, as versioned JSON.

Used by connectors whose store names each item with a version (ETag, digest of a file). A server that keeps a log of
its own gives a token instead, and then nothing else is kept. Of items that are not ours only short digests are kept.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field

from connectors.event import CalendarCursor, FoundEvent

VERSION = 2


SETTLING = 3.0
"""Seconds after which a version of a whole calendar is no longer that of what is changed now: many are times in whole
seconds, and what changed in the second of our reading changes them no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """The version of a whole calendar, '' if there is none. since: when it was first read, in seconds of the epoch.

    settled: it was the same later, so what stood there then is all that it stands for.
    """

    value: str = ""
    since: float = 0.0
    settled: bool = False

    def tells_nothing_new(self, value: str) -> bool:
        return bool(value) and value == self.value and self.settled

    def then(self, value: str, now: float) -> "Mark":
        """As it is known after a reading that began now."""
        if value != self.value:
            return Mark(value=value, since=now)
        return Mark(value=value, since=self.since, settled=self.settled or now - self.since > SETTLING)


_NO_MARK = Mark()


@dataclass(frozen=True, kw_only=True)
class Seen:
    """token: of the server's own log. Else ours: address -> version of our items; others: digests of the rest.

    unread: addresses that the server names and cannot show, with a token.
    """

    token: str = ""
    unread: tuple[str, ...] = ()
    mark: Mark = _NO_MARK
    ours: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()

    def news(self, versions: Mapping[str, str]) -> dict[str, str]:
        """Of everything that stands there now: what is new or changed, or has no version to tell it by."""
        return {
            href: version
            for href, version in versions.items()
            if not version or (self.ours.get(href) != version and digest(href, version) not in self.others)
        }

    def gone(self, versions: Mapping[str, str], others: Collection[str]) -> tuple[str, ...]:
        """Our items that left, or are no longer ours. others: addresses among the news that are not ours."""
        return tuple(href for href in self.ours if href not in versions or href in others)

    def then(
        self, versions: Mapping[str, str], found: Collection[FoundEvent], others: Collection[str], mark: Mark = _NO_MARK
    ) -> "Seen":
        """What is known after this reading."""
        ours = {href: version for href, version in self.ours.items() if versions.get(href) == version}
        ours |= {item.href: item.etag for item in found}
        foreign = {digest(href, version) for href, version in versions.items() if href not in ours}
        fresh = {digest(href, versions[href]) for href in others if href in versions}
        return Seen(mark=mark, ours=ours, others=frozenset(foreign & (self.others | fresh)))

    def dump(self) -> CalendarCursor:
        content = {"v": VERSION, "token": self.token, "unread": self.unread, "ours": dict(self.ours)}
        content |= {"mark": asdict(self.mark), "others": sorted(self.others)}
        return CalendarCursor(json.dumps(content, separators=(",", ":")))


def load(cursor: CalendarCursor | None) -> Seen | None:
    """None for no cursor, and for one that this version did not write: then everything is read."""
    try:
        content = json.loads(cursor) if cursor is not None else None
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("v") != VERSION:
        return None
    return Seen(
        token=content["token"],
        unread=tuple(content["unread"]),
        mark=Mark(**content["mark"]),
        ours=content["ours"],
        others=frozenset(content["others"]),
    )


def digest(href: str, version: str) -> str:
    """48 bits: enough to tell the items of one calendar apart, too few to guess an address from."""
    return hashlib.sha256(f"{href}\n{version}".encode()).hexdigest()[:12]
