"""A mailbox of Exchange Online as the agent reads it, with all that `connectors.base` offers beside a `MailSource`.

Nothing connects before it is used. Reading asks for the permission Mail.Read alone and changes nothing, not even
`isRead`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from config.model import FolderChoice, GraphAccess
from connectors.errors import Fatal
from connectors.graph import lanes
from connectors.graph.client import GraphClient
from connectors.graph.contacts import contacts
from connectors.graph.faults import Absent, Refused
from connectors.graph.fetching import Fetcher
from connectors.graph.folders import FolderTree
from connectors.graph.place import VALIDITY
from connectors.graph.search import naming
from connectors.graph.together import Together
from connectors.graph.watch import Watch
from connectors.message import Away, Card, Cursor, Folder, Listing, Message, Page, Withheld
from connectors.zones import iana_name


class GraphSource:
    """One mailbox. timezone: where its owner is (IANA). page: messages asked for at once, None: the usual number."""

    flags_in_changes = True

    def __init__(
        self,
        access: GraphAccess,
        choice: FolderChoice | None = None,
        *,
        timezone: str = "UTC",
        page: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = GraphClient(access, sleep=sleep)
        self._access, self._sleep = access, sleep
        self._choice = choice or FolderChoice()
        self._tree = FolderTree()
        self._fetcher = Fetcher(self.client, timezone)
        size = page or lanes.PAGE
        prefer = (f"odata.maxpagesize={size}",)
        self._watch = Watch(prefer)
        self._lanes = lanes.Lanes(
            client=self.client,
            fetcher=self._fetcher,
            watch=self._watch,
            together=Together(self.client, prefer),
            page=size,
        )

    def folders(self) -> Sequence[Folder]:
        """Read once; then the list and all folders are polled together, in one round trip."""
        if not self._tree.entries or not self._watch.poll(self.client, self._tree):
            self._tree.read(self.client)
        self._fetcher.known_folders = frozenset(self._tree.entries)
        return self._tree.chosen(self._choice, self._watch.marks())

    def expect(self, wanted: Sequence[tuple[Folder, Cursor | None]]) -> None:
        self._lanes.expect(wanted)

    def changes(self, folder: Folder, cursor: Cursor | None) -> Iterator[Page]:
        return self._lanes.changes(folder, cursor)

    def history(self, folder: Folder, cursor: Cursor, since: date | None) -> Iterator[Page]:
        return self._lanes.history(folder, cursor, since)

    def headers(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Page]:
        return self._fetcher.headers(folder, ids)

    def complete(self, folder: Folder, validity: str, ids: Sequence[str], *, texts: bool) -> Iterator[Page]:
        return self._fetcher.complete(folder, ids, texts=texts)

    def bodies(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Message | Withheld]:
        return self._fetcher.bodies(folder, ids)

    def flags(self, folder: Folder, validity: str, ids: Sequence[str]) -> Page:
        return self._fetcher.flags(folder, ids)

    def ids(self, folder: Folder, since: date | None) -> Listing:
        return Listing(validity=VALIDITY, ids=self._lanes.ids(folder, since))

    def naming(self, folder: Folder, validity: str, addresses: Sequence[str]) -> frozenset[str]:
        return naming(self.client, folder, addresses)

    def away(self) -> Away | None:
        """Automatic replies. None too where the application may not read the mailbox's settings."""
        try:
            answer = self.client.get(f"{self.client.user}/mailboxSettings", {"$select": "automaticRepliesSetting"})
        except (Fatal, Absent, Refused):
            return None
        setting = answer.get("automaticRepliesSetting")
        return _away(setting) if isinstance(setting, dict) else None

    def contacts(self) -> Iterator[Card]:
        return contacts(self._access, sleep=self._sleep)

    def close(self) -> None:
        """The connections belong to all mailboxes of the tenant."""


def _away(setting: dict[str, object]) -> Away | None:
    status = str(setting.get("status", "")).lower()
    if status == "alwaysenabled":
        return Away()
    if status != "scheduled":
        return None
    start, end = (_aware(setting.get(name)) for name in ("scheduledStartDateTime", "scheduledEndDateTime"))
    return Away(start=start, end=end)


def _aware(written: object) -> datetime | None:
    """A dateTimeTimeZone."""
    if not isinstance(written, dict):
        return None
    zone = iana_name(str(written.get("timeZone", ""))) or "UTC"
    try:
        return datetime.fromisoformat(str(written.get("dateTime"))).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return None
