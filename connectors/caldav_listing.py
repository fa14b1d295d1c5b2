"""What a CalDAV server lists of a calendar: addresses and versions, and what became of looking at them.

Pure, for `connectors.caldav`.
"""

from dataclasses import dataclass, field

from connectors.dav import DAV, Answer, Resource, parse_xml
from connectors.errors import Fatal
from connectors.event import FoundEvent

LISTING_LIMIT = 50_000
"""Items of one calendar that are looked at; a calendar with more is refused, not read in part."""
_ASKED_AGAIN = 20
"""Items that a server names and cannot show: so many are asked for at every reading."""


@dataclass(kw_only=True)
class Listing:
    """Addresses and ETags that changed (or all of them), those that left, and the token to go on from."""

    etags: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    token: str = ""

    def note(self, resource: Resource) -> None:
        """The last word on an address counts: it may be named twice in a long list of changes."""
        if resource.status in (404, 410):
            self.etags.pop(resource.href, None)
            self.gone.append(resource.href)
        else:
            self.etags[resource.href] = resource.text(f"{DAV}getetag")
            self.gone = [href for href in self.gone if href != resource.href]


@dataclass(kw_only=True)
class Looked:
    """What stands at addresses that were looked at: ours, what is not or is no more, and what could not be shown."""

    ours: dict[str, FoundEvent] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def found(self) -> tuple[FoundEvent, ...]:
        return tuple(self.ours.values())

    def note(self, href: str, item: FoundEvent | None) -> None:
        if item is None:
            self.others.append(href)
        else:
            self.ours[href] = item

    def cannot_show(self, href: str) -> None:
        """One that cannot be shown may be ours and is asked for again; but a calendar full of them is not."""
        (self.unread if len(self.unread) < _ASKED_AGAIN else self.others).append(href)


def is_folder(resource: Resource) -> bool:
    kinds = resource.properties.get(f"{DAV}resourcetype")
    return kinds is not None and kinds.find(f"{DAV}collection") is not None


def sync_token(answer: Answer) -> str:
    return parse_xml(answer.body).findtext(f"{DAV}sync-token", "").strip()


def check_size(items: int) -> None:
    """Raises Fatal for a calendar that is refused."""
    if items > LISTING_LIMIT:
        raise Fatal(
            f"the calendar holds more than {LISTING_LIMIT} items", advice="give the reminders a calendar of their own"
        )
