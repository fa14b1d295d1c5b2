"""The four questions that mail is read by: items by id, a view of a folder, its changes, its folders.

Every answer is one request, so that callers say how much is read and where a pass can be cut off. An item that the
server keeps back costs itself alone; what concerns the whole request is raised.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from connectors.errors import ConnectorError, Interrupted
from connectors.exchange import shapes
from connectors.exchange.faults import GONE
from connectors.exchange.items import id_of, named, received
from connectors.exchange.soap import Seat, code_of, each, error_of, only
from connectors.exchange.wire import TooLong
from connectors.exchange.xml import MESSAGES, Element, children, local, m, t

BATCH = 100
"""Items in one GetItem: Microsoft says tens to hundreds."""
MOST_CHANGES = 512
"""Changes in one SyncFolderItems; the server gives no more."""
MOST_LISTED = 1_000
"""Items in one FindItem; the default limit of a server (EWSFindCountLimit)."""
RECEIVED = "item:DateTimeReceived"
_STOPPED = "ErrorBatchProcessingStopped"
_MOST_TURNS = 5
_OF_THE_SERVER = (
    "ErrorServerBusy", "ErrorTooManyObjectsOpened", "ErrorMailboxMoveInProgress", "ErrorMailboxStoreUnavailable",
    "ErrorInternalServerTransientError", "ErrorConnectionFailed", "ErrorTimeoutExpired",
    "ErrorNonExistentMailbox", "ErrorImpersonateUserDenied", "ErrorADUnavailable", "ErrorMailboxFailover",
)  # fmt: skip
"""Said for an item, and meant for all: the request is tried again later, nothing is taken for the item's fault."""


@dataclass(kw_only=True)
class Got:
    """What GetItem gave: items by id, in the order asked for; ids that are gone; why others were kept back.

    long: ids of what alone is longer than an answer may be.
    """

    items: dict[str, Element] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    long: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of a folder. `read` is a message that was opened, which tells us nothing."""

    kind: Literal["create", "update", "delete", "read"]
    id: str


@dataclass(frozen=True, kw_only=True)
class Changes:
    """One answer of SyncFolderItems. last: nothing was left when it was given."""

    changes: tuple[Change, ...]
    state: str
    last: bool


@dataclass(frozen=True, kw_only=True)
class Listed:
    """An item in a view."""

    id: str
    received: datetime | None


@dataclass(frozen=True, kw_only=True)
class View:
    """One page of a folder's items. next: the offset of the page after it, None at the end. total: items in view."""

    items: tuple[Listed, ...]
    next: int | None
    total: int


def get_items(seat: Seat, ids: Sequence[str], shape: Element, *, batch: int = BATCH) -> Iterator[Got]:
    """These items in batches, each id told once. An answer that is too long is asked for in halves."""
    for start in range(0, len(ids), batch):
        yield _get(seat, ids[start : start + batch], shape)


def _get(seat: Seat, ids: Sequence[str], shape: Element) -> Got:
    got = Got()
    left = list(ids)
    for _ in range(_MOST_TURNS):
        try:
            left = _get_once(seat, left, shape, got)
        except TooLong:
            return _in_halves(seat, ids, shape)
        if not left:
            return got
    got.refused.update((id, "the server answered without it") for id in left)
    return got


def _in_halves(seat: Seat, ids: Sequence[str], shape: Element) -> Got:
    if len(ids) == 1:
        return Got(long=[ids[0]])
    half = len(ids) // 2
    first, second = _get(seat, ids[:half], shape), _get(seat, ids[half:], shape)
    return Got(
        items={**first.items, **second.items},
        gone=[*first.gone, *second.gone],
        refused={**first.refused, **second.refused},
        long=[*first.long, *second.long],
    )


def _get_once(seat: Seat, ids: Sequence[str], shape: Element, got: Got) -> list[str]:
    """Adds one answer to what was got; the ids that the server did not come to."""
    messages = seat.ask(m("GetItem", shapes.again(shape), m("ItemIds", *(t("ItemId", Id=id) for id in ids))))
    left: list[str] = []
    for id, message in zip(ids, each(messages, len(ids), "items"), strict=True):
        code = code_of(message)
        if code == _STOPPED:
            left.append(id)
        elif code == "NoError":
            _take(id, message, got)
        else:
            _refuse(id, code, error_of(message), got)
    return left


def _take(id: str, message: Element, got: Got) -> None:
    item = next(iter(_items_of(message)), None)
    if item is None:
        got.refused[id] = "the server answered without it"
    else:
        got.items[id] = named(item, id)


def _refuse(id: str, code: str, error: ConnectorError | None, got: Got) -> None:
    if code in GONE:
        got.gone.append(id)
    elif error is not None and code in _OF_THE_SERVER:
        raise error
    else:
        got.refused[id] = f"the server refused it ({code})"


def _items_of(message: Element) -> Iterator[Element]:
    items = message.find(MESSAGES + "Items")
    yield from () if items is None else (item for item in items if isinstance(item.tag, str))


def sync(seat: Seat, folder: str, state: str) -> Changes:
    """What happened in a folder since a state; '' asks for all of it. Raises NoState, and Skippable for the folder."""
    payload = m(
        "SyncFolderItems",
        shapes.ids_alone(),
        m("SyncFolderId", folder_id(folder)),
        m("SyncState", state) if state else None,
        m("MaxChangesReturned", str(MOST_CHANGES)),
        m("SyncScope", "NormalItems"),
    )
    message = only(seat.ask(payload), folder=True)
    new = message.findtext(MESSAGES + "SyncState")
    last = message.findtext(MESSAGES + "IncludesLastItemInRange")
    if not new or last is None:
        raise Interrupted("the mail server told changes without where they end")
    found = message.find(MESSAGES + "Changes")
    changes = () if found is None else tuple(_change(one) for one in found if isinstance(one.tag, str))
    return Changes(changes=changes, state=new, last=last.strip().lower() in ("true", "1"))


def _change(one: Element) -> Change:
    kind = {"Create": "create", "Update": "update", "Delete": "delete"}.get(local(one), "read")
    inner = one if kind in ("delete", "read") else next(children(one), one)
    return Change(kind=kind, id=id_of(inner))  # type: ignore[arg-type]  # the words of the table above


def view(
    seat: Seat,
    folder: str,
    *,
    restriction: Element | None = None,
    offset: int = 0,
    newest_first: bool = True,
) -> View:
    """Items of a folder by the time they were received."""
    order = m("SortOrder", t("FieldOrder", shapes.field(RECEIVED),
                             Order="Descending" if newest_first else "Ascending"))  # fmt: skip
    payload = m(
        "FindItem",
        shapes.shape([shapes.field(RECEIVED)]),
        m("IndexedPageItemView", MaxEntriesReturned=str(MOST_LISTED), Offset=str(offset), BasePoint="Beginning"),
        None if restriction is None else m("Restriction", restriction),
        order,
        m("ParentFolderIds", folder_id(folder)),
        Traversal="Shallow",
    )
    root = root_of(only(seat.ask(payload), folder=True))
    items = tuple(Listed(id=id_of(item), received=received(item)) for item in children(root, "Items"))
    return View(items=items, next=next_offset(root, offset, len(items)), total=int(root.get("TotalItemsInView") or 0))


def root_of(message: Element) -> Element:
    """Where a paged answer stands. Raises Interrupted if it is missing, for that is no empty folder."""
    root = message.find(MESSAGES + "RootFolder")
    if root is None:
        raise Interrupted("the mail server listed nothing, not even an end")
    return root


def next_offset(root: Element, offset: int, count: int) -> int | None:
    """Where the next page begins. A page without items ends the view, whatever it says."""
    if (root.get("IncludesLastItemInRange") or "").lower() in ("true", "1") or count == 0:
        return None
    written = root.get("IndexedPagingOffset") or ""
    return int(written) if written.isdigit() and int(written) > offset else offset + count


def folder_id(folder: str) -> Element:
    return t("FolderId", Id=folder)


def time_is(word: str, when: datetime) -> Element:
    """A condition on the time of receipt: `IsLessThan`, `IsGreaterThanOrEqualTo`."""
    constant = t("Constant", Value=when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    return t(word, shapes.field(RECEIVED), t("FieldURIOrConstant", constant))


def both(*conditions: Element | None) -> Element | None:
    """All of these, as one condition; None if there are none."""
    real = [one for one in conditions if one is not None]
    return real[0] if len(real) == 1 else (t("And", *real) if real else None)
