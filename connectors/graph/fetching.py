"""Messages by their ids, twenty a request: envelopes once more, whole headers, texts, flags.

Called by `connectors.graph.source`. A message that was moved has kept its id, so it is compared where it lies now.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from connectors.errors import Fatal
from connectors.graph import whole
from connectors.graph.client import MOST_PARTS, GraphClient, Part, segment, with_query
from connectors.graph.directory import resolve
from connectors.graph.entries import FIELDS, LISTED, SENSITIVITY, Entry, envelope_of, expand_of, flags_of
from connectors.graph.faults import Absent, Reply
from connectors.graph.place import VALIDITY
from connectors.message import Envelope, FlagChange, Folder, Message, Page, Withheld

_T = TypeVar("_T")
_FLAGS = "categories,flag,isDraft,parentFolderId"
_LEFT = "it has left the folder"


@dataclass(frozen=True, kw_only=True, slots=True)
class Want:
    """What is asked of each message. plainer: without what some servers do not take in a `$expand`."""

    select: str
    expand: str = ""
    prefer: tuple[str, ...] = ()

    def path(self, user: str, folder: str, id: str, *, plainer: bool = False) -> str:
        query = {"$select": f"id,{self.select}"}
        if self.expand and not plainer:
            query["$expand"] = self.expand
        return with_query(f"{user}/mailFolders/{segment(folder)}/messages/{segment(id)}", query)


LISTING = Want(select=FIELDS, expand=LISTED)
FLAGS = Want(select=_FLAGS, expand=expand_of(SENSITIVITY))
HEADERS = Want(select=whole.HEADERS, expand=LISTED)
TEXTS = Want(
    select=f"{whole.HEADERS},{whole.TEXTS}",
    expand=f"{LISTED},{whole.ATTACHMENTS}",
    prefer=(whole.AS_TEXT,),
)


@dataclass(kw_only=True, slots=True)
class Found:
    """What came of some ids."""

    entries: list[Entry] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)


class Fetcher:
    """Reads messages of one mailbox by id. zone: where its owner is (IANA).

    Texts that came with headers are kept for those who ask for them next.
    """

    def __init__(self, client: GraphClient, zone: str) -> None:
        self._client, self._zone = client, zone
        self._texts: dict[str, Message] = {}
        self.expands = True
        """Whether the server takes a `$expand` in listings; if not, kind and sensitivity come with the header."""
        self.known_folders: frozenset[str] = frozenset()
        """Ids of all folders of the mailbox: whoever lies in another one of them has left."""

    def headers(self, folder: Folder, ids: Sequence[str]) -> Iterator[Page]:
        for some in _portions(ids):
            found = self.entries(folder, some, LISTING)
            yield _page(found, self.envelopes(found.entries))

    def complete(self, folder: Folder, ids: Sequence[str], *, texts: bool) -> Iterator[Page]:
        self._texts.clear()
        for some in _portions(ids):
            found = self.entries(folder, some, TEXTS if texts else HEADERS)
            if texts:
                self._texts |= {str(entry["id"]): whole.message_of(entry) for entry in found.entries}
            yield _page(
                found, resolve(self._client, [whole.whole_envelope(entry, self._zone) for entry in found.entries])
            )

    def bodies(self, folder: Folder, ids: Sequence[str]) -> Iterator[Message | Withheld]:
        for some in _portions(ids):
            kept = {id: self._texts.pop(id) for id in some if id in self._texts}
            yield from kept.values()
            found = self.entries(folder, [id for id in some if id not in kept], TEXTS)
            yield from (whole.message_of(entry) for entry in found.entries)
            yield from found.withheld
            yield from (Withheld(id=id, reason=_LEFT, gone=True) for id in found.gone)

    def flags(self, folder: Folder, ids: Sequence[str]) -> Page:
        entries: list[Entry] = []
        gone: list[str] = []
        for some in _portions(ids):
            found = self.entries(folder, some, FLAGS)
            entries += found.entries
            gone += found.gone
        return Page(validity=VALIDITY, flags=self._marks(entries), gone=tuple(gone))

    def marks(self, folder: Folder, entries: Sequence[Entry]) -> tuple[tuple[FlagChange, ...], list[Withheld]]:
        """Of messages as a listing tells them, and what the server keeps back of that. One that came without MAPI
        properties, where every message has its class, does not say whether it is private: that is asked for, twenty a
        request.
        """
        silent = [str(entry["id"]) for entry in entries if "singleValueExtendedProperties" not in entry]
        asked = [self.entries(folder, some, FLAGS) for some in _portions(silent)]
        told = [entry for entry in entries if "singleValueExtendedProperties" in entry]
        told += [entry for found in asked for entry in found.entries]
        return self._marks(told), [held for found in asked for held in found.withheld]

    def _marks(self, entries: Sequence[Entry]) -> tuple[FlagChange, ...]:
        return tuple(FlagChange(id=str(entry["id"]), flags=flags_of(entry, self._zone)) for entry in entries)

    def envelopes(self, entries: Sequence[Entry]) -> tuple[Envelope, ...]:
        return resolve(self._client, [envelope_of(entry, self._zone) for entry in entries])

    def entries(self, folder: Folder, ids: Sequence[str], want: Want) -> Found:
        """Each of these ids once: its JSON, or why there is none."""
        if not ids:
            return Found()
        replies = self._client.batch(self._parts(folder, ids, want))
        refused = [id for number, id in enumerate(ids) if replies[str(number)].status == 400]
        again = dict(zip(refused, self._asked_plainly(folder, refused, want), strict=True)) if want.expand else {}
        found = Found()
        for number, id in enumerate(ids):
            self._sort(found, folder, id, again.get(id, replies[str(number)]))
        return found

    def _asked_plainly(self, folder: Folder, ids: Sequence[str], want: Want) -> Sequence[Reply]:
        replies = self._client.batch(self._parts(folder, ids, want, plainer=True))
        return [replies[str(number)] for number in range(len(ids))]

    def _parts(self, folder: Folder, ids: Sequence[str], want: Want, *, plainer: bool = False) -> list[Part]:
        return [
            Part(
                id=str(number),
                path=want.path(self._client.user, folder.key, id, plainer=plainer),
                prefer=want.prefer,
            )
            for number, id in enumerate(ids)
        ]

    def _sort(self, found: Found, folder: Folder, id: str, reply: Reply) -> None:
        """Into what is there, what has left, and what the server keeps back. Raises Fatal where all would be kept."""
        if reply.ok and isinstance(reply.body, Mapping):
            entry = {**reply.body, "id": id}
            if self._lies_elsewhere(folder, entry):
                found.gone.append(id)
            else:
                found.entries.append(entry)
            return
        fault = self._client.fault(reply)
        if isinstance(fault, Absent):
            found.gone.append(id)
        elif isinstance(fault, Fatal):
            raise fault
        else:
            found.withheld.append(Withheld(id=id, reason=str(fault)))

    def _lies_elsewhere(self, folder: Folder, entry: Entry) -> bool:
        place = entry.get("parentFolderId")
        return place != folder.key and place in self.known_folders


def _page(found: Found, envelopes: tuple[Envelope, ...]) -> Page:
    return Page(validity=VALIDITY, envelopes=envelopes, gone=tuple(found.gone), withheld=tuple(found.withheld))


def _portions(ids: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(ids), MOST_PARTS):
        yield ids[start : start + MOST_PARTS]
