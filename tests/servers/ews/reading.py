"""Operations that read items: SyncFolderItems ([MS-OXWSSYNC]), FindItem ([MS-OXWSSRCH]), GetItem ([MS-OXWSCORE])."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

from tests.servers.ews.calls import Call, operation
from tests.servers.ews.fields import Path
from tests.servers.ews.search import MOST, Page, asked_for, comparable, matches, ordered, paged
from tests.servers.ews.shapes import Shape, look
from tests.servers.ews.soap import M, Node, Refusal, attributes, tag, text
from tests.servers.ews.states import State
from tests.servers.ews.store import Folder, Item

MOST_CHANGES = 512  # a call of SyncFolderItems
_OTHER_VIEWS = ("FractionalPageItemView", "SeekToConditionPageItemView", "ContactsView")
_ADDRESS = re.compile("<t:EmailAddress>([^<]+)</t:EmailAddress>")
Change = tuple[int, str]


@operation("GetItem")
def get_item(call: Call) -> str:
    """Items by id."""
    shape = cache(lambda: Shape.of(call.element.find(f"{M}ItemShape")))

    def one(element: Node) -> str:
        return tag("m:Items", shape().render(call.item(element)[1]))

    return call.each(call.all("ItemIds"), one, empty="<m:Items/>")


@operation("FindItem")
def find_item(call: Call) -> str:
    """Items of folders, restricted, in order, by pages or by days."""

    def one(element: Node) -> str:
        shape = Shape.of(call.element.find(f"{M}ItemShape"), listing=True)
        _, folder = call.folder(element)
        page = _page(call.element, list(folder.items.values()), call.world.most_found)
        items = tag("t:Items", "".join(shape.render(item) for item in page.things))
        return f"<m:RootFolder{page.attributes}>{items}</m:RootFolder>"

    return call.each(call.all("ParentFolderIds"), one)


def _page(element: Node, found: list[Item], most: int) -> Page[Item]:
    if element.get("Traversal") == "Associated":
        found = []
    elif element.get("Traversal") != "Shallow":
        raise Refusal("ErrorUnsupportedQueryFilter", "Only shallow traversal is known here.")
    if any(element.find(f"{M}{name}") is not None for name in _OTHER_VIEWS):
        raise Refusal("ErrorInvalidPagingMaxRows", "Only indexed pages and calendar views are known here.")
    days = element.find(f"{M}CalendarView")
    if days is not None:
        return _days(days, found)
    found = [item for item in found if not item.is_one_time]
    query, restriction = element.findtext(f"{M}QueryString"), element.find(f"{M}Restriction")
    if query is not None:
        wanted = asked_for(query)
        found = [item for item in found if wanted & _people(item)]
    elif restriction is not None:
        found = [item for item in found if matches(restriction, lambda path: _value(item, path))]  # noqa: B023  # used at once
    found.reverse()  # the newest first, as a mailbox shows its mail
    return paged(ordered(found, element.find(f"{M}SortOrder"), _value), element.find(f"{M}IndexedPageItemView"), most)


def _people(item: Item) -> set[str]:
    """What the index knows of the people of a message, by the word that asks for them."""
    groups = {"from": ("From", "Sender"), "participants": ("ToRecipients", "CcRecipients", "BccRecipients")}
    found = ((word, item.fields[name].xml) for word, names in groups.items() for name in names if name in item.fields)
    return {f"{word} {address}".lower() for word, xml in found for address in _ADDRESS.findall(xml)}


def _value(item: Item, path: Path) -> str | None:
    if isinstance(path.key, tuple) and path.key[0] == "indexed":
        raise Refusal("ErrorUnsupportedPathForQuery", "The property cannot be used with this type of restriction.")
    if path.key == "UID":
        raise Refusal("ErrorUnsupportedPathForQuery", "The property cannot be used with this type of restriction.")
    found = look(item, path.key)
    return None if found is None else found.value


def _days(view: Node, found: list[Item]) -> Page[Item]:
    """What happens between two moments, by its start."""
    begin, end = comparable(view.get("StartDate")), comparable(view.get("EndDate"))
    shown = [item for item in found if item.value("CalendarItemType") != "RecurringMaster"]
    inside = [item for item in shown if item.kind == "CalendarItem" and _overlaps(item, begin, end)]
    inside.sort(key=lambda item: item.value("Start"))
    most = min(int(view.get("MaxEntriesReturned") or MOST), MOST)
    return Page(things=inside[:most], next=None if len(inside) <= most else most, total=len(inside))


def _overlaps(item: Item, begin: Node, end: Node) -> bool:
    return bool(comparable(item.value("Start")) < end and comparable(item.value("End")) > begin)


@operation("SyncFolderItems")
def sync_folder_items(call: Call) -> str:
    """What changed in a folder since a state: the first listing is newest first, then changes as they happened."""

    def one(_: Node) -> str:
        shape = Shape.of(call.element.find(f"{M}ItemShape"), listing=True)
        box, folder = call.folder(call.element.find(f"{M}SyncFolderId"))
        most = min(int(call.element.findtext(f"{M}MaxChangesReturned")), MOST_CHANGES)
        state = State.read(call.element.findtext(f"{M}SyncState"), box, folder)
        ignored = {element.get("Id") for element in call.all("Ignore")}
        if not state.base:
            state = State(base=box.number, before=box.number + 1 if call.world.newest_first else -1)
        changes, after, last = _changes(folder, state, most, shape, ignored, call.world.merges)
        end = after if after is not None else State(base=box.number)
        return (
            text("m:SyncState", end.write(box, folder))
            + text("m:IncludesLastItemInRange", "true" if last else "false")
            + tag("m:Changes", "".join(changes))
        )

    return call.each([None], one)


def _changes(
    folder: Folder, state: State, most: int, shape: Shape, ignored: set[str], merges: bool
) -> tuple[list[str], State | None, bool]:
    """At most so many changes, the state after them (None: all is known), and whether that is all."""
    if state.before is not None:
        arrivals = _arrivals(folder, state)
        page = arrivals[:most]
        listed = [tag("t:Create", shape.render(item)) for item in page if item.id not in ignored]
        if len(arrivals) > most:
            return listed, state.listed_to(page[-1].created), False
        state, most = State(base=state.base), most - len(page)
        later = list(islice(_later(folder, state, shape, ignored, merges), most + 1))
        return _cut(listed, later, most, state)
    later = list(islice(_later(folder, state, shape, ignored, merges), most + 1))
    return _cut([], later, most, state)


def _cut(listed: list[str], later: list[Change], most: int, state: State) -> tuple[list[str], State | None, bool]:
    if len(later) <= most:
        return listed + [xml for _, xml in later], None, True
    known = later[most - 1][0] if most else state.base
    return listed + [xml for _, xml in later[:most]], State(base=known), False


def _arrivals(folder: Folder, state: State) -> list[Item]:
    """What the first listing still has to name, in its order."""
    everything = [item for item in folder.items.values() if not item.is_one_time]
    known, before = (item for item in everything if item.created <= state.base), state.before or 0
    if before < 0:
        return [item for item in known if item.created >= -before]
    return [item for item in known if item.created < before][::-1]


def _later(folder: Folder, state: State, shape: Shape, ignored: set[str], merges: bool) -> Iterator[Change]:
    """Changes after a state by their number."""
    base = state.base
    left = [(number, identity) for number, identity, created in folder.left if created <= base < number]
    shown = (item for item in folder.items.values() if not item.is_one_time)
    here = [(number, item) for item in shown if (number := max(item.changed, item.read)) > base]
    merged: list[tuple[int, Item | str]] = [*left, *here]
    for number, thing in sorted(merged, key=lambda change: change[0]):
        if isinstance(thing, str):
            yield number, tag("t:Delete", f"<t:ItemId{attributes(Id=thing, ChangeKey='AQAAAA==')}/>")
        elif thing.id not in ignored:
            yield number, _written(thing, base, shape, merges)


def _written(item: Item, base: int, shape: Shape, merges: bool) -> str:
    if item.created > base and not (merges and item.changed > item.created):
        return tag("t:Create", shape.render(item))
    if item.changed > base:
        return tag("t:Update", shape.render(item))
    identity = f"<t:ItemId{attributes(Id=item.id, ChangeKey=item.change_key)}/>"
    return tag("t:ReadFlagChange", identity + text("t:IsRead", item.value("IsRead")))
