"""The folders of a mailbox: one FindFolder from its root, and the roles by the ids that Exchange itself gives them.

The key is the folder's id, which survives a new name. Roles cost one GetFolder, asked once an opened mailbox: a role
never moves to another folder. Where the server names no distinguished id, the folder's name tells, as by IMAP.

The listing also says when each folder last changed, where the server keeps that: then a quiet mailbox is asked one
question a poll. Such a mark is given only for a change that is over for some seconds, because times are whole seconds,
and is another one every quarter of an hour, so that a server whose word cannot be trusted costs no more than that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.errors import Interrupted
from connectors.exchange import shapes
from connectors.exchange.items import extended
from connectors.exchange.reading import MOST_LISTED, next_offset, root_of
from connectors.exchange.soap import Seat, code_of, each, error_of, only
from connectors.exchange.xml import MESSAGES, Element, children, find, local, m, moment, t, text
from connectors.folders.choice import Seen
from connectors.folders.roles import DRAFTS, INBOX, JUNK, SENT, TRASH

ROLES = {"inbox": INBOX, "sentitems": SENT, "drafts": DRAFTS, "junkemail": JUNK, "deleteditems": TRASH}
"""Distinguished ids that have a role here. That of the archive is younger than Exchange 2013: its name tells."""
_NO_MAIL = ("outbox", "syncissues", "conversationhistory", "calendar", "contacts", "tasks", "notes", "journal")
"""Distinguished ids of folders that hold no correspondence, whatever class they call themselves."""
_MAIL_CLASS = "ipf.note"
_OTHER_CLASSES = ("ipf.note.outlookhomepage", "ipf.note.socialconnector")
COMMITTED, DELETED = "0x670A", "0x670B"
"""PidTagLocalCommitTimeMax: when something in the folder last changed; PidTagDeletedCountTotal ([MS-OXCFOLD])."""
HIDDEN = "0x10F4"
"""PidTagAttributeHidden ([MS-OXCFOLD]): programs keep such folders for themselves, some of the class of mail."""
SETTLED = timedelta(seconds=5)
"""How long ago a change must be for a mark: longer than the clocks of one domain differ."""
_DOUBT_EVERY = 900
"""Seconds after which every folder is looked into, whatever its mark."""
_SEARCH = "search"
"""A folder that only shows what lies elsewhere."""
_LONGEST_PATH = 50
_SEPARATOR = "/"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder as the server lists it. kind: its class in lower case, '' if it says none. hidden: no person sees it."""

    id: str
    parent: str
    name: str
    kind: str
    hidden: bool = False
    mark: str | None = None


def distinguished(name: str, address: str) -> Element:
    """A folder by the id that Exchange gives it, in this mailbox and no other."""
    return t("DistinguishedFolderId", t("Mailbox", t("EmailAddress", address)), Id=name)


def list_folders(seat: Seat) -> list[Place]:
    """All folders below the root of what people see, and the root itself is not one of them."""
    found: list[Place] = []
    offset: int | None = 0
    while offset is not None:
        root = root_of(only(seat.ask(_find(seat, offset))))
        page = [_place(folder, seat.answered) for folder in children(root, "Folders")]
        found += page
        offset = next_offset(root, offset, len(page))
    return found


def _shape() -> Element:
    named = ("folder:DisplayName", "folder:FolderClass", "folder:ParentFolderId", "folder:TotalCount")
    kept = ((COMMITTED, "SystemTime"), (DELETED, "Integer"), (HIDDEN, "Boolean"))
    paths = [*map(shapes.field, named), *(shapes.tagged(tag, kind) for tag, kind in kept)]
    return m("FolderShape", t("BaseShape", "IdOnly"), t("AdditionalProperties", *paths))


def _find(seat: Seat, offset: int) -> Element:
    return m(
        "FindFolder",
        _shape(),
        m("IndexedPageFolderView", MaxEntriesReturned=str(MOST_LISTED), Offset=str(offset), BasePoint="Beginning"),
        m("ParentFolderIds", distinguished("msgfolderroot", seat.primary_smtp_address)),
        Traversal="Deep",
    )


def _place(folder: Element, answered: datetime | None) -> Place:
    own, parent = find(folder, "FolderId"), find(folder, "ParentFolderId")
    if own is None or not own.get("Id"):
        raise Interrupted("the mail server listed a folder without an id")
    properties = extended(folder)
    return Place(
        id=own.get("Id"),
        parent="" if parent is None else parent.get("Id", ""),
        name=text(folder, "DisplayName"),
        kind=_SEARCH if local(folder) == "SearchFolder" else text(folder, "FolderClass").lower(),
        hidden=properties.get(HIDDEN, "").lower() in ("true", "1"),
        mark=_mark(folder, properties, answered),
    )


def _mark(folder: Element, properties: Mapping[str, str], answered: datetime | None) -> str | None:
    """Equal for a folder in which nothing happened. None where that cannot be told yet, or not at all."""
    changed = moment(properties.get(COMMITTED, ""))
    if changed is None or answered is None or answered - changed < SETTLED:
        return None
    doubt = int(answered.timestamp()) // _DOUBT_EVERY
    return f"{changed.isoformat()} {text(folder, 'TotalCount')} {properties.get(DELETED, '')} {doubt}"


def look_at(seat: Seat, name: str) -> tuple[str, str | None]:
    """(id, mark) of a distinguished folder. Raises Skippable if there is none."""
    payload = m("GetFolder", _shape(), m("FolderIds", distinguished(name, seat.primary_smtp_address)))
    folders = only(seat.ask(payload), folder=True).find(MESSAGES + "Folders")
    if folders is None or len(folders) == 0:
        raise Interrupted("the mail server named a folder without telling of it")
    place = _place(folders[0], seat.answered)
    return place.id, place.mark


def distinguished_ids(seat: Seat) -> dict[str, str]:
    """Distinguished name by folder id. A mailbox need not have all of them."""
    names = (*ROLES, *_NO_MAIL)
    payload = m(
        "GetFolder",
        m("FolderShape", t("BaseShape", "IdOnly")),
        m("FolderIds", *(distinguished(name, seat.primary_smtp_address) for name in names)),
    )
    messages = seat.ask(payload)
    found: dict[str, str] = {}
    for name, message in zip(names, each(messages, len(names), "folders"), strict=True):
        if code_of(message) == "NoError":
            found.update((id, name) for id in _ids(message))
        elif name == "inbox" and (refused := error_of(message)) is not None:
            raise refused
    return found


def _ids(message: Element) -> Iterable[str]:
    folders = message.find(MESSAGES + "Folders")
    for folder in () if folders is None else folders:
        own = find(folder, "FolderId") if isinstance(folder.tag, str) else None
        if own is not None and own.get("Id"):
            yield own.get("Id")


def seen(places: Iterable[Place], special: Mapping[str, str]) -> list[Seen]:
    """The folders that may hold mail, with their paths and roles. Pure.

    What lies below a folder without mail (Sync Issues with its Conflicts), or a hidden one, is left out with it.
    """
    by_id = {place.id: place for place in places}
    kept = [place for place in by_id.values() if _holds_mail(place, by_id, special)]
    return [_seen(place, by_id, special) for place in kept]


def _holds_mail(place: Place, by_id: Mapping[str, Place], special: Mapping[str, str]) -> bool:
    line = _line(place, by_id)
    if place.kind in _OTHER_CLASSES or any(one.hidden or special.get(one.id) in _NO_MAIL for one in line):
        return False
    return place.kind in ("", _MAIL_CLASS) or place.kind.startswith(_MAIL_CLASS + ".")


def _line(place: Place, by_id: Mapping[str, Place]) -> list[Place]:
    """The folder and those above it, itself last."""
    line = [place]
    while line[0].parent in by_id and len(line) < _LONGEST_PATH:
        line.insert(0, by_id[line[0].parent])
    return line


def _seen(place: Place, by_id: Mapping[str, Place], special: Mapping[str, str]) -> Seen:
    path = tuple(one.name for one in _line(place, by_id))
    role = ROLES.get(special.get(place.id, ""))
    name = "INBOX" if role == INBOX and len(path) == 1 else _SEPARATOR.join(path)
    return Seen(key=place.id, name=name, path=path, delimiter=_SEPARATOR, role=role, mark=place.mark)
