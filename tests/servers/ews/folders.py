"""Operations on folders: GetFolder, FindFolder, CreateFolder, SyncFolderHierarchy ([MS-OXWSFOLD], [MS-OXWSSYNC])."""

from base64 import b64encode
from datetime import datetime
from weakref import WeakKeyDictionary

from tests.servers.ews import soap
from tests.servers.ews.calls import Call, operation
from tests.servers.ews.fields import Path, path_of, stamp
from tests.servers.ews.search import Page, matches, paged
from tests.servers.ews.soap import M, Node, T, attributes, children, tag, text
from tests.servers.ews.states import State
from tests.servers.ews.store import Box, Folder, Folders

_CLASSES = {"CalendarFolder": "IPF.Appointment", "ContactsFolder": "IPF.Contact", "TasksFolder": "IPF.Task"}
_COUNTING = frozenset({"Folder", "TasksFolder"})  # the kinds that know what was not read
_UNCHANGING = frozenset({"root", "msgfolderroot", "recoverableitemsroot", "searchfolders"})


def folder_id(folder: Folder) -> str:
    """The FolderId element."""
    return f"<t:FolderId{attributes(Id=folder.id, ChangeKey=_change_key(folder))}/>"


def _change_key(folder: Folder) -> str:
    return b64encode(b"\x01\0\0\0\x16\0\0\0" + folder.changed.to_bytes(8, "big")).decode()


def render(box: Box, folder: Folder, shape: Node) -> str:
    """A folder as an answer holds it."""
    base = shape.findtext(f"{T}BaseShape")
    more = {path_of(path).key for holder in shape.findall(f"{T}AdditionalProperties") for path in children(holder)}
    parts = folder_id(folder)
    inside = {
        "ParentFolderId": tag("t:ParentFolderId", Id=folder.parent.id, ChangeKey="AQAAAA==") if folder.parent else "",
        "FolderClass": text("t:FolderClass", folder.folder_class) if folder.folder_class else "",
        "DisplayName": text("t:DisplayName", folder.name),
        "TotalCount": text("t:TotalCount", str(len(folder.items))),
        "ChildFolderCount": text("t:ChildFolderCount", str(sum(f.parent is folder for f in box.folders.values()))),
        "DistinguishedFolderId": text("t:DistinguishedFolderId", folder.distinguished) if folder.distinguished else "",
        "UnreadCount": text("t:UnreadCount", str(_unread(folder))) if folder.kind in _COUNTING else "",
    }
    default = {"DisplayName", "TotalCount", "ChildFolderCount", "UnreadCount"}
    wanted = {"IdOnly": set(), "Default": default, "AllProperties": set(inside)}[base] | more
    parts += "".join(xml for name, xml in inside.items() if name in wanted)
    kept = {
        "0x670a": ("SystemTime", _committed(box, folder)),
        "0x670b": ("Integer", str(len(folder.left))),
        "0x10f4": ("Boolean", str(folder.hidden).lower()),
    }
    for path in shape.findall(f"{T}AdditionalProperties/{T}ExtendedFieldURI"):
        if found := kept.get((path.get("PropertyTag") or "").lower()):
            uri = tag("t:ExtendedFieldURI", PropertyTag=path.get("PropertyTag"), PropertyType=found[0])
            parts += tag("t:ExtendedProperty", uri + text("t:Value", found[1]))
    return f"<t:{folder.kind}>{parts}</t:{folder.kind}>"


_COMMITS: "WeakKeyDictionary[Folder, tuple[object, datetime]]" = WeakKeyDictionary()


def _committed(box: Box, folder: Folder) -> str:
    """PidTagLocalCommitTimeMax: when something in the folder changed, to the look at it that saw the change."""
    now = len(folder.left), max((max(i.created, i.changed, i.read) for i in folder.items.values()), default=0)
    before, at = _COMMITS.get(folder, (None, box.world.clock()))
    if before != now:
        _COMMITS[folder] = now, box.world.clock()
    return stamp(_COMMITS.get(folder, (now, at))[1])


def _unread(folder: Folder) -> int:
    return sum(item.value("IsRead") == "false" for item in folder.items.values())


@operation("GetFolder")
def get_folder(call: Call) -> str:
    """Folders by id."""
    shape = call.element.find(f"{M}FolderShape")

    def one(element: Node) -> str:
        box, folder = call.folder(element)
        return tag("m:Folders", render(box, folder, shape))

    return call.each(call.all("FolderIds"), one, empty="<m:Folders/>")


@operation("FindFolder")
def find_folder(call: Call) -> str:
    """Folders below folders."""
    shape = call.element.find(f"{M}FolderShape")

    def one(element: Node) -> str:
        box, folder = call.folder(element)
        found = box.below(folder)
        if call.element.get("Traversal") == "Shallow":
            found = [inner for inner in found if inner.parent is folder]
        restriction = call.element.find(f"{M}Restriction")
        found = [inner for inner in found if restriction is None or matches(restriction, lambda p: _look(inner, p))]  # noqa: B023  # used at once
        page = paged(found, call.element.find(f"{M}IndexedPageFolderView"), call.world.most_found)
        return _root_folder(page, "".join(render(box, inner, shape) for inner in page.things))

    return call.each(call.all("ParentFolderIds"), one)


def _root_folder(page: Page[Folder], content: str) -> str:
    return f"<m:RootFolder{page.attributes}>" + tag("t:Folders", content) + "</m:RootFolder>"


def _look(folder: Folder, path: Path) -> str | None:
    known = {"DisplayName": folder.name, "FolderClass": folder.folder_class, "TotalCount": str(len(folder.items))}
    return known.get(path.key) if isinstance(path.key, str) else None


@operation("CreateFolder")
def create_folder(call: Call) -> str:
    """New folders."""

    def one(element: Node) -> str:
        box, parent = call.folder(call.element.find(f"{M}ParentFolderId"), write=True)
        kind = soap.local(element)
        folder_class = element.findtext(f"{T}FolderClass") or _CLASSES.get(kind, "IPF.Note")
        kind = Folders.KINDS[folder_class] if kind == "Folder" else kind
        name = element.findtext(f"{T}DisplayName") or ""
        made = box.add_folder(name, parent, kind=kind, folder_class=folder_class)
        return tag("m:Folders", f"<t:{kind}>{folder_id(made)}</t:{kind}>")

    return call.each(call.all("Folders"), one, empty="<m:Folders/>")


@operation("SyncFolderHierarchy")
def sync_folder_hierarchy(call: Call) -> str:
    """What changed among folders since a state. The folder itself is not among them, nor what never changes."""
    asked = call.element.find(f"{M}SyncFolderId")
    shape = call.element.find(f"{M}FolderShape")

    def one(_: Node) -> str:
        box, top = call.folder(asked) if asked is not None else (call.mine(), call.mine().names["msgfolderroot"])
        state = State.read(call.element.findtext(f"{M}SyncState"), box, top)
        changes = "".join(_change(box, folder, state, shape) for folder in box.below(top))
        changes += "".join(
            tag("t:Delete", tag("t:FolderId", Id=identity, ChangeKey="AQAAAA=="))
            for number, identity, created in box.gone
            if created <= state.base < number
        )
        after = text("m:SyncState", State(base=box.number).write(box, top))
        return after + "<m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>" + tag("m:Changes", changes)

    return call.each([None], one)


def _change(box: Box, folder: Folder, state: State, shape: Node) -> str:
    if folder.changed <= state.base or folder.distinguished in _UNCHANGING:
        return ""
    return tag("t:Create" if folder.created > state.base else "t:Update", render(box, folder, shape))
