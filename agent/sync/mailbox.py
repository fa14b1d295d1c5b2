"""One complete pass over a mailbox. Plain, synchronous, idempotent: a pass cut off anywhere is finished by the next.

Called by `agent.work` with a lease. New mail of all folders comes first, then history page by page with a look
for new mail in between, then what has to be repaired or decided anew.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from agent.store.directory import contact_writes
from agent.store.mail import folders, gaps, places, replaced, reviews
from agent.store.mail.folders import FolderState
from agent.store.persons import former
from agent.store.unit import fenced
from agent.sync import repair
from agent.sync.lanes import History, needs_history, read_forward
from agent.sync.room import Room
from connectors.base import AsksTogether
from connectors.errors import Interrupted, Renumbered, Skippable
from connectors.message import Folder

STOPPED_FOR = timedelta(minutes=15)
"""How long a folder that refuses is left alone."""

MOST_BREAKS = 3
"""So many sessions in a row may end while a folder is read, no page getting through, before it alone is stopped."""

BROKEN_FOR = timedelta(hours=1)
"""How long it is left alone if that happens again: a folder that ends sessions costs sign-ins."""

LOOK_EVERY = 10.0
"""Seconds of reading history between two looks at all folders for new mail."""


def sync_mailbox(room: Room) -> None:
    """Reads everything there is to read. Raises ConnectorError, LeaseLost or Stopped; what was committed stays."""
    _forward_pass(room)
    _read_history(room)
    states = _load(room)
    repair.retry_gaps(room, states)
    contact_writes.pay_rereads(room.database)
    repair.read_again(room, states)
    _close_left(room)


def _close_left(room: Room) -> None:
    """At the end of a pass, when whatever only moved was seen where it lies now."""
    with room.database.read() as connection:
        left = reviews.any_left(connection, room.lease.mailbox_id)
    if left:
        with fenced(room.database, room.lease) as connection:
            reviews.close_left(connection, room.lease.mailbox_id)


def _forward_pass(room: Room) -> None:
    """New mail of every listed folder; folders whose mark says that nothing happened are passed over."""
    listed = room.reader.now(room.reader.source.folders)
    with fenced(room.database, room.lease) as connection:
        folders.settle(connection, room.lease.mailbox_id, listed)
    known = _states(room)
    wanted = [
        (known[folder.key], folder.mark) for folder in listed if not _passed_over(room, known[folder.key], folder)
    ]
    source = room.reader.source
    if isinstance(source, AsksTogether):
        room.reader.now(source.expect, [(state.folder, state.forward) for state, _ in wanted])
    for state, mark in wanted:
        _read_folder(room, state, mark)
    _settle_absent(room, [state for key, state in known.items() if key not in {f.key for f in listed}], listed)


def _passed_over(room: Room, state: FolderState, folder: Folder) -> bool:
    if state.stopped and not room.eager and state.retry_at is not None and room.now() < state.retry_at:
        return True
    return (
        folder.mark is not None
        and folder.mark == state.mark
        and room.reader.source.flags_in_changes
        and not repair.compare_due(room, state)
    )


def _read_folder(room: Room, state: FolderState, mark: str | None) -> None:
    with _stopping(room, state):
        verify = read_forward(room, state, _load(room))
        fresh = _states(room)[state.key]
        if fresh.validity != state.validity:  # both lanes were begun: now the forward one is read
            read_forward(room, fresh, _load(room))
        elif verify or repair.compare_due(room, fresh):
            repair.compare(room, fresh, _load(room))
        repair.read_flags(room, fresh, _load(room))
        calm = {"renumberings": 0} if fresh.validity == state.validity else {}
        if not needs_history(fresh, room.since):
            calm["breaks"] = 0
        with fenced(room.database, room.lease) as connection:
            folders.update(connection, state.id, mark=mark, stopped=None, retry_at=None, **calm)


def _read_history(room: Room) -> None:
    """The history of every folder, inbox first; between pages the same folder, now and then all, are asked for news."""
    looked = monotonic()
    for state in list(_states(room).values()):
        if not needs_history(state, room.since) or state.stopped:
            continue
        with _stopping(room, state):
            history = History(room, state, _load(room))
            while history.read_page():
                fresh = _states(room)[state.key]
                read_forward(room, fresh, _load(room))
                if monotonic() - looked > LOOK_EVERY:
                    _forward_pass(room)
                    looked = monotonic()
            repair.compare(room, _states(room)[state.key], _load(room))


@contextmanager
def _stopping(room: Room, state: FolderState) -> Iterator[None]:
    """A folder that refuses is stopped with its reason; the others go on."""
    try:
        yield
    except Skippable as refusal:
        with fenced(room.database, room.lease) as connection:
            folders.update(connection, state.id, **_stop(room, str(refusal), STOPPED_FOR))
        room.counts["stopped-folders"] += 1
    except Interrupted as end:
        _blame(room, state, end)
    except Renumbered:
        room.counts["renumbered"] += 1  # the next pass begins the folder anew


def _blame(room: Room, state: FolderState, end: Interrupted) -> None:
    """Counts a session that ended in this folder. Raises `end` again until the folder is clearly what ends them."""
    breaks = _states(room)[state.key].breaks + 1
    wait = STOPPED_FOR if breaks == MOST_BREAKS else BROKEN_FOR
    stop = _stop(room, f"reading this folder ends the session: {end}", wait) if breaks >= MOST_BREAKS else {}
    with fenced(room.database, room.lease) as connection:
        folders.update(connection, state.id, breaks=breaks, **stop)
    if not stop:
        raise end
    room.counts["stopped-folders"] += 1


def _stop(room: Room, reason: str, wait: timedelta) -> dict[str, object]:
    """Columns of a folder that is not read for a while. Without its mark, so that it is looked at then."""
    return {"stopped": reason[:300], "retry_at": room.now() + wait, "mark": None}


def _settle_absent(room: Room, missing: Sequence[FolderState], listed: Sequence[Folder]) -> None:
    """A folder that is not listed is gone only if the server also refuses to open it; an empty list says nothing."""
    for state in missing if listed else ():
        try:
            room.reader.now(room.reader.source.ids, state.folder, room.since)
        except Skippable:
            _let_go(room, state)


def _let_go(room: Room, state: FolderState) -> None:
    with room.database.read() as connection:
        live = sorted(places.live_uids(connection, state.id, state.validity or ""))
    with fenced(room.database, room.lease) as connection:
        for start in range(0, len(live), repair.BATCH):
            some = live[start : start + repair.BATCH]
            gaps.forget_place(connection, state.id, state.validity or "", some, room.now())
            keys = replaced.keys_at(connection, state.id, state.validity or "", some)
            former.follow(room.database, connection, room.lease.mailbox_id, keys)
        folders.update(connection, state.id, absent=True, mark=None, compared_at=None)  # it may come back


def _states(room: Room) -> dict[str, FolderState]:
    with room.database.read() as connection:
        return folders.load(connection, room.lease.mailbox_id)


def _load(room: Room) -> dict[int, FolderState]:
    return {state.id: state for state in _states(room).values()}
