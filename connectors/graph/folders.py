"""The folders of a mailbox: one delta query tells all levels at once and, later, what changed among them.

Roles come from the well-known names, which do not depend on the language. Hidden folders and search folders are not
read, nor those in which Outlook keeps what is no mail. Pure but for `FolderTree.read`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from config.model import FolderChoice
from connectors.errors import Interrupted, Retriable
from connectors.folders.choice import Seen, choose
from connectors.folders.roles import ARCHIVE, DRAFTS, INBOX, JUNK, SENT, TRASH
from connectors.graph.client import GraphClient, Part, segment, with_query
from connectors.graph.entries import Entry, is_removed
from connectors.graph.faults import Absent, Refused
from connectors.message import Folder

MOST_FOLDERS = 5_000
"""More are not listed: Exchange advises no more than 10,000, and nobody reads mail in so many."""
_ROUNDS = 200
_DEEPEST = 300
_SELECT = "id,displayName,parentFolderId,childFolderCount,isHidden"
_PAGE = ("odata.maxpagesize=200",)
_ROLES = {
    "inbox": INBOX,
    "sentitems": SENT,
    "archive": ARCHIVE,
    "drafts": DRAFTS,
    "deleteditems": TRASH,
    "junkemail": JUNK,
}
_NO_MAIL = ("outbox", "conversationhistory", "syncissues")


@dataclass(kw_only=True)
class FolderTree:
    """All folders as the server named them last. link: where changes among them are told, '' if it tells none."""

    entries: dict[str, Entry] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    passed_over: frozenset[str] = frozenset()
    link: str = ""

    def read(self, client: GraphClient) -> None:
        """Everything. Raises ConnectorError."""
        self.entries, self.link = {}, ""
        try:
            self.follow(client, with_query(f"{client.user}/mailFolders/delta", {"$select": _SELECT}))
        except (Absent, Refused):
            self._walk(client)
        self._read_roles(client)

    def follow(self, client: GraphClient, link: str) -> None:
        """What changed since the link. Raises ConnectorError; Stale if the server has forgotten it."""
        for _ in range(_ROUNDS):
            answer = client.get(link, prefer=_PAGE)
            self.take(answer)
            if self.link:
                return
            link = str(answer.get("@odata.nextLink") or "")
            if not link:
                raise Interrupted("Microsoft Graph ended the list of folders without a link to go on from")
        raise Interrupted("Microsoft Graph never comes to the end of the list of folders")

    def take(self, answer: Mapping[str, object]) -> None:
        """One page of changes; the link is empty while more pages follow."""
        for entry in _entries(answer):
            if is_removed(entry):
                self.entries.pop(str(entry["id"]), None)
            elif len(self.entries) < MOST_FOLDERS or entry["id"] in self.entries:
                self.entries[str(entry["id"])] = {**self.entries.get(str(entry["id"]), {}), **entry}
        self.link = str(answer.get("@odata.deltaLink") or "")

    def _walk(self, client: GraphClient) -> None:
        """Level by level, where the server has no delta query for folders."""
        waiting = [f"{client.user}/mailFolders"]
        while waiting and len(self.entries) < MOST_FOLDERS:
            link = with_query(waiting.pop(), {"$select": _SELECT, "$top": 200})
            while link:
                answer = client.get(link)
                found = list(_entries(answer))
                self.entries |= {str(entry["id"]): entry for entry in found}
                parents = (str(entry["id"]) for entry in found if entry.get("childFolderCount"))
                waiting += [f"{client.user}/mailFolders/{segment(parent)}/childFolders" for parent in parents]
                link = str(answer.get("@odata.nextLink") or "")

    def _read_roles(self, client: GraphClient) -> None:
        """A mailbox need not have all of them; but junk is not taken for mail because the server had trouble."""
        names = (*_ROLES, *_NO_MAIL)
        select = {"$select": "id"}
        parts = [Part(id=name, path=with_query(f"{client.user}/mailFolders/{name}", select)) for name in names]
        found: dict[str, str] = {}
        for name, reply in client.batch(parts).items():
            if reply.ok and isinstance(reply.body, dict) and reply.body.get("id"):
                found[name] = str(reply.body["id"])
            elif not reply.ok and isinstance(fault := client.fault(reply), Retriable):
                raise fault
        self.roles = {found[name]: role for name, role in _ROLES.items() if name in found}
        self.passed_over = frozenset(found[name] for name in _NO_MAIL if name in found)

    def chosen(self, choice: FolderChoice, marks: Mapping[str, str | None]) -> Sequence[Folder]:
        """Those that are read, inbox first."""
        seen = [
            Seen(
                key=key,
                name="/".join(path),
                path=path,
                delimiter="/",
                role=self.roles.get(key),
                mark=marks.get(key),
            )
            for key in self.entries
            if (path := self._path(key)) is not None
        ]
        return choose(seen, choice, gmail=False, exchange=True).folders

    def _path(self, key: str) -> tuple[str, ...] | None:
        """Names from the top; None for what is hidden, a search, or holds no mail, and for all that lies in such."""
        names: list[str] = []
        for entry in self._upwards(key):
            hidden = entry.get("isHidden") is True or "searchfolder" in str(entry.get("@odata.type", "")).lower()
            if hidden or entry["id"] in self.passed_over:
                return None
            names.append(_readable(entry))
        return tuple(reversed(names))

    def _upwards(self, key: str) -> Iterator[Entry]:
        for _ in range(_DEEPEST):
            entry = self.entries.get(key)
            if entry is None:
                return
            yield entry
            key = str(entry.get("parentFolderId"))


def _readable(entry: Entry) -> str:
    name = str(entry.get("displayName") or entry["id"])
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


def _entries(answer: Mapping[str, object]) -> Iterable[Entry]:
    value = answer.get("value")
    return [one for one in value if isinstance(one, dict) and one.get("id")] if isinstance(value, list) else []
