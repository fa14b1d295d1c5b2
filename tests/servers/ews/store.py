"""What the server keeps: mailboxes, folders, items, and the order in which all of it changed.

Every change of a mailbox has a number. A folder remembers for each item when it came, changed and was read, and for
each item that left when it left: that is all that synchronisation needs. Ids name an item while it stays in its folder;
whoever moves gets a new one. One lock, `World.changed`, guards everything; it also wakes streaming connections.
"""

import hashlib
import threading
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import ClassVar

from tests.servers.ews.fields import Field, Key, moment, tagged, value
from tests.servers.ews.mime import Texts
from tests.servers.ews.people import Directory
from tests.servers.ews.soap import Refusal


@dataclass(kw_only=True, eq=False)
class Folder:
    """A folder. kind: the element of an answer. left: ids of items that are gone, by the number of that change."""

    id: str
    name: str
    parent: "Folder | None"
    kind: str = "Folder"
    folder_class: str = "IPF.Note"
    distinguished: str | None = None
    items: dict[str, "Item"] = field(default_factory=dict)
    left: list[tuple[int, str, int]] = field(default_factory=list)
    created: int = 0
    changed: int = 0
    hidden: bool = False

    def ancestors(self) -> Iterator["Folder"]:
        """Folders above, the nearest first."""
        if self.parent is not None:
            yield self.parent
            yield from self.parent.ancestors()

    @property
    def path(self) -> str:
        """Display names from below the top, joined with slashes."""
        names = [self.name, *(above.name for above in self.ancestors() if above.parent is not None)]
        return "/".join(reversed(names))


@dataclass(kw_only=True, eq=False)
class Item:
    """An item. kind: the element of an answer. created, changed, read: numbers of changes, created since it is here.

    transported: it came by mail, so it has the headers of its way. set_at: the change that last set a property.
    """

    id: str
    kind: str
    folder: Folder
    fields: dict[Key, Field]
    raw: bytes | None = None
    created: int = 0
    changed: int = 0
    read: int = 0
    change_key: str = ""
    transported: bool = True
    set_at: dict[Key, int] = field(default_factory=dict)
    made: dict[Key, Field | None] = field(default_factory=dict)
    _texts: Texts | None = None

    @property
    def texts(self) -> Texts:
        """The message's texts, read once."""
        if self._texts is None:
            self._texts = Texts(self.raw or b"")
        return self._texts

    @property
    def is_one_time(self) -> bool:
        """Whether it is one time of a series, which only a view of the calendar shows."""
        return self.value("CalendarItemType") in ("Occurrence", "Exception")

    def value(self, key: Key) -> str:
        """A property's value, empty if the item does not have it."""
        found = self.fields.get(key)
        return "" if found is None else found.value


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened, for subscribers. name: the element of a notification without "Event".

    item: None where it is the folder itself that changed, then with the number of what was not read in it.
    """

    number: int
    name: str
    at: datetime
    item: str | None
    change_key: str = ""
    unread: int = 0
    folder: Folder
    old_item: str | None = None
    old_folder: Folder | None = None


@dataclass(kw_only=True, eq=False)
class Subscription:
    """What a client wants to hear of. folders: None for all. heard: the number of the last event told."""

    id: str
    box: "Box"
    owner: str
    folders: frozenset[str] | None
    names: frozenset[str]
    heard: int

    def news(self) -> list[Event]:
        """Events not told yet."""
        return [event for event in self.box.events if event.number > self.heard and self._wants(event)]

    def _wants(self, event: Event) -> bool:
        places = {event.folder.id} | ({event.old_folder.id} if event.old_folder else set())
        return event.name in self.names and (self.folders is None or bool(places & self.folders))


@dataclass(kw_only=True, eq=False)
class Pace:
    """Seconds that a minute of ConnectionTimeout lasts, and seconds between two signs of life.

    most: subscriptions to one mailbox (EWSMaxSubscriptions).
    """

    minute: float = 60.0
    heartbeat: float = 45.0
    most: int = 20
    drops: int = 0
    subscriptions: dict[str, Subscription] = field(default_factory=dict)


class World:
    """All mailboxes. newest_first: the order of a first listing, which the protocol leaves open.

    most_found: EWSFindCountLimit, things in a page of FindItem or FindFolder. merges: an arrival that was changed
    before it was told of is told as a change alone.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.boxes: dict[str, Box] = {}
        self.directory = Directory()
        self.pace = Pace()
        self.newest_first = True
        self.most_found = 1_000
        self.merges = False
        self.items: dict[str, tuple[Box, Item]] = {}
        self.folders: dict[str, tuple[Box, Folder]] = {}
        self._serial = count(1)

    def clock(self) -> datetime:
        """Now."""
        return datetime.now(UTC)

    def new_id(self, kind: str) -> str:
        """An id as Exchange makes them: long, base64, and of two neighbours often only the case of a letter differs."""
        serial = next(self._serial)
        twin, number = serial % 2 == 0, serial - 1 if serial % 2 == 0 else serial
        digest = b64encode(b"".join(hashlib.sha256(f"{kind}{number}{part}".encode()).digest() for part in range(3)))
        letters = digest.decode().rstrip("=")
        return "AAMkAD" + (letters[:60] + letters[60:].swapcase() if twin else letters) + "AAA="


class Box:
    """One mailbox. address: primary SMTP address. epoch: grows when all sync states are declared void."""

    def __init__(self, world: World, address: str, name: str) -> None:
        self.world = world
        self.address = address
        self.name = name
        self.aliases: set[str] = set()
        self.folders: dict[str, Folder] = {}
        self.gone: list[tuple[int, str, int]] = []
        self.events: list[Event] = []
        self.watched = False
        self.epoch = 1
        self.number = 0
        self.refusal: str | None = None
        self.out_of_office: dict[str, str] = {"state": "Disabled"}
        self.names: dict[str, Folder] = {}

    def next(self) -> int:
        """The number of a change that happens now."""
        self.number += 1
        return self.number

    def number_of(self, key: str) -> int | None:
        """The change that a change key names; None if it is no key of this mailbox."""
        try:
            octets = b64decode(key, validate=True)
        except ValueError:
            return None
        return int.from_bytes(octets[-8:], "big") if octets[:-8] == self._mark() else None

    def _mark(self) -> bytes:
        return b"\x09\x00\x00\x00\x16\x00\x00\x00" + hashlib.sha256(self.address.encode()).digest()[:16]

    def key(self) -> str:
        """The change key of the change that happens now."""
        return b64encode(self._mark() + self.number.to_bytes(8, "big")).decode()

    def add_folder(self, name: str, parent: Folder | None, **manners: object) -> Folder:
        """A new folder. Raises Refusal if one of that name is there."""
        if any(other.parent is parent and other.name.lower() == name.lower() for other in self.folders.values()):
            raise Refusal("ErrorFolderExists", "A folder with the specified name already exists.")
        folder = Folder(id=self.world.new_id("folder"), name=name, parent=parent, **manners)  # type: ignore[arg-type]  # passed on
        folder.created = folder.changed = self.next()
        self.folders[folder.id] = folder
        self.world.folders[folder.id] = (self, folder)
        if folder.distinguished:
            self.names[folder.distinguished] = folder
        return folder

    def below(self, folder: Folder) -> list[Folder]:
        """All folders below one, in the order of their names at each level."""
        found: list[Folder] = []
        for inner in sorted((f for f in self.folders.values() if f.parent is folder), key=lambda f: f.name.lower()):
            found += [inner, *self.below(inner)]
        return found

    def remove_folder(self, folder: Folder) -> None:
        """A folder goes, with what is in it and below it."""
        for inner in [*self.below(folder), folder]:
            for item in list(inner.items.values()):
                self.remove(item)
            del self.folders[inner.id], self.world.folders[inner.id]
            self.gone.append((self.next(), inner.id, inner.created))

    def add(self, folder: Folder, kind: str, fields: dict[Key, Field], raw: bytes | None, *, event: str) -> Item:
        """An item comes into a folder. event: NewMail for what came by mail, else Created."""
        item = Item(id=self.world.new_id("item"), kind=kind, folder=folder, fields=fields, raw=raw)
        item.transported = event == "NewMail"
        self._enter(item, folder)
        self._tell("Created", item)
        if event == "NewMail":
            self._tell("NewMail", item)
            self._tell_of_folder(folder)
        return item

    def touch(self, item: Item, *keys: Key, only_read: bool = False) -> None:
        """Properties of an item were set: new change key, new time, and synchronisation learns of it."""
        number = self.next()
        item.set_at.update(dict.fromkeys(keys, number))
        item.change_key = self.key()
        item.made.clear()
        item.fields["LastModifiedTime"] = moment("LastModifiedTime", self.world.clock())
        if only_read:
            item.read = number
        else:
            item.changed = number
        self._tell("Modified", item)

    def remove(self, item: Item) -> None:
        """An item goes for good."""
        self._leave(item)
        self._tell("Deleted", item)

    def move(self, item: Item, folder: Folder, *, home: "Box | None" = None) -> Item:
        """An item goes to another folder, where it is a new one with a new id."""
        there = home or self
        self._leave(item)
        moved = self._again(item, folder)
        there._enter(moved, folder)
        there._tell("Moved", moved, item)
        return moved

    def copy(self, item: Item, folder: Folder) -> Item:
        """A copy in another folder, or the same."""
        copied = self._again(item, folder)
        self._enter(copied, folder)
        self._tell("Copied", copied, item)
        return copied

    def _again(self, item: Item, folder: Folder) -> Item:
        """The same item elsewhere, under a new id."""
        identity = self.world.new_id("item")
        return replace(item, id=identity, folder=folder, fields=dict(item.fields), set_at={}, made={})

    def _enter(self, item: Item, folder: Folder) -> None:
        item.created = item.changed = item.read = self.next()
        item.change_key = self.key()
        item.fields["LastModifiedTime"] = moment("LastModifiedTime", self.world.clock())
        item.fields.setdefault(tagged(0x300B, "Binary"), _search_key(item))
        folder.items[item.id] = item
        self.world.items[item.id] = (self, item)

    def _leave(self, item: Item) -> None:
        del item.folder.items[item.id], self.world.items[item.id]
        item.folder.left.append((self.next(), item.id, item.created))

    def _tell_of_folder(self, folder: Folder) -> None:
        """New mail changes its folder too."""
        if self.watched:
            unread = sum(item.value("IsRead") == "false" for item in folder.items.values())
            now = self.world.clock()
            self.events.append(
                Event(number=self.number, name="Modified", at=now, item=None, folder=folder, unread=unread)
            )

    def _tell(self, name: str, item: Item, old: Item | None = None) -> None:
        if not self.watched:
            return
        self.events.append(
            Event(
                number=self.number,
                name=name,
                at=self.world.clock(),
                item=item.id,
                change_key=item.change_key,
                folder=item.folder,
                old_item=None if old is None else old.id,
                old_folder=None if old is None else old.folder,
            )
        )
        self.world.changed.notify_all()


def _search_key(item: Item) -> Field:
    """PidTagSearchKey: stays with an item wherever it goes."""
    return value(b64encode(hashlib.md5(item.id.encode(), usedforsecurity=False).digest()).decode())


class Folders:
    """The folders of a new mailbox: the tree of a person who has Outlook in English."""

    TOP = "Top of Information Store"
    TREE = (
        ("inbox", "Inbox", "IPF.Note"),
        ("drafts", "Drafts", "IPF.Note"),
        ("sentitems", "Sent Items", "IPF.Note"),
        ("deleteditems", "Deleted Items", "IPF.Note"),
        ("junkemail", "Junk Email", "IPF.Note"),
        ("outbox", "Outbox", "IPF.Note"),
        ("calendar", "Calendar", "IPF.Appointment"),
        ("contacts", "Contacts", "IPF.Contact"),
        ("tasks", "Tasks", "IPF.Task"),
        ("notes", "Notes", "IPF.StickyNote"),
        ("journal", "Journal", "IPF.Journal"),
    )
    KINDS: ClassVar = defaultdict(
        lambda: "Folder",
        {"IPF.Appointment": "CalendarFolder", "IPF.Contact": "ContactsFolder", "IPF.Task": "TasksFolder"},
    )

    @classmethod
    def plant(cls, box: Box) -> None:
        """Give a new mailbox its folders."""
        root = box.add_folder("", None, distinguished="root", folder_class="")
        top = box.add_folder(cls.TOP, root, distinguished="msgfolderroot", folder_class="IPF.Note")
        box.add_folder("Finder", root, distinguished="searchfolders", folder_class="")
        dumpster = box.add_folder("Recoverable Items", root, distinguished="recoverableitemsroot", folder_class="")
        box.add_folder("Deletions", dumpster, distinguished="recoverableitemsdeletions", folder_class="IPF.Note")
        for distinguished, name, folder_class in cls.TREE:
            kind = cls.KINDS[folder_class]
            box.add_folder(name, top, distinguished=distinguished, folder_class=folder_class, kind=kind)
