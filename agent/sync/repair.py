"""Brings back what the lanes could not take: gaps, mail to be decided anew, flags, and whatever a comparison finds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from agent.store.directory import contacts
from agent.store.mail import folders, gaps, known, places, replaced
from agent.store.mail.folders import FolderState
from agent.store.mail.places import Place
from agent.store.persons import former
from agent.store.schedule import mailboxes
from agent.store.unit import fenced
from agent.sync.ingest import Task, ingest
from agent.sync.lanes import States, needs_history
from agent.sync.room import Room
from connectors.base import Searches
from connectors.errors import Interrupted, Renumbered, Skippable
from connectors.message import Page

BATCH = 500
FLAGS_EVERY = timedelta(minutes=15)
"""How often flags are asked for where the server does not tell what changed (no CONDSTORE)."""

COMPARE_EVERY = timedelta(hours=6)
"""How often all ids of a folder are compared with its rows, whatever the server said."""

MOST_SOUGHT = 50
"""Contacts for whom the server is asked; after a large import everything is to be read again anyhow."""

MOST_TURNS = 20
"""How often one message is decided anew in one pass; what is queued again then waits for the next one."""


def compare_due(room: Room, state: FolderState) -> bool:
    """Whether the periodic full comparison is due; it waits for the end of history. Pure but for the clock."""
    if needs_history(state, room.since):
        return False
    return state.compared_at is None or room.now() - state.compared_at > COMPARE_EVERY


def compare(room: Room, state: FolderState, states: States) -> None:
    """Compares the folder's ids with its rows: what left is history, what was missed is read now."""
    source, folder, validity = room.reader.source, state.folder, state.validity or ""
    everything = room.reader.now(source.ids, folder, None)
    floor = room.reader.now(source.ids, folder, room.since) if room.since else everything
    if {everything.validity, floor.validity} != {validity}:
        return  # renumbered meanwhile: the next pass says so
    with room.database.read() as connection:
        live = places.live_uids(connection, state.id, validity)
    gone = sorted(live - everything.ids)
    with fenced(room.database, room.lease) as connection:
        for some in _batches(gone):
            keys = replaced.keys_at(connection, state.id, validity, some)
            gaps.forget_place(connection, state.id, validity, some, room.now())
            replaced.drop_replaced(room.database, connection, state.id, keys, room.is_ours)
            former.follow(room.database, connection, room.lease.mailbox_id, keys)
    if not needs_history(state, room.since):
        _read_missing(room, state, states, sorted(floor.ids - live, key=_numeric))
    with fenced(room.database, room.lease) as connection:
        folders.update(connection, state.id, compared_at=room.now())


def _read_missing(room: Room, state: FolderState, states: States, missing: Sequence[str]) -> None:
    with room.database.read() as connection:
        anew = known.known_uids(connection, state.id, state.validity or "", missing) if missing else {}
    for some in _batches(missing):
        for page in _headers(room, state, state.validity or "", some):
            back = {uid: anew[uid].id for uid in some if uid in anew}
            ingest(room, Task(state=state, page=page, known_places=back), states)


def read_flags(room: Room, state: FolderState, states: States) -> None:
    """Asks for the flags of everything, where the server does not tell by itself: any mail may get a category."""
    if room.reader.source.flags_in_changes:
        return
    if not room.eager and state.flags_read_at is not None and room.now() - state.flags_read_at < FLAGS_EVERY:
        return
    validity = state.validity or ""
    with room.database.read() as connection:
        uids = sorted(places.live_uids(connection, state.id, validity), key=_numeric)
    for some in _batches(uids):
        room.step()
        page = room.reader.now(room.reader.source.flags, state.folder, validity, some)
        ingest(room, Task(state=state, page=page), states)
    with fenced(room.database, room.lease) as connection:
        folders.update(connection, state.id, flags_read_at=room.now())


def retry_gaps(room: Room, states: States) -> None:
    """Asks once more for every message that is owed and due."""
    with room.database.read() as connection:
        now = room.now() + timedelta(days=1) if room.eager else room.now()
        due = gaps.due(connection, room.lease.mailbox_id, now, 100_000)
    wanted = [
        Place(id=g.location_id or 0, folder_id=g.folder_id, validity=g.validity, uid=g.uid, outcome="", reason=None)
        for g in due
    ]
    for state, some in _by_folder(wanted, states):
        _read_again(room, replace(state, breaks=max(1, state.breaks)), states, some)


def read_again(room: Room, states: States) -> None:
    """Works off the queue of mail to be decided anew, until it is empty or only holds what the server keeps back.

    One decision may put others into the queue again, so each message has a bounded number of turns in a pass.
    """
    _sought_first(room, states)
    turns: Counter[int] = Counter()
    passed: set[int] = set()
    while True:
        with room.database.read() as connection:
            queued = places.queued(connection, room.lease.mailbox_id, BATCH, passed)
        if not queued:
            return
        through: set[int] = set()
        for state, some in _by_folder(queued, states):
            through |= _read_again(room, state, states, some)
        turns.update(place.id for place in queued)
        passed |= {place.id for place in queued if place.id not in through or turns[place.id] >= MOST_TURNS}


def _sought_first(room: Room, states: States) -> None:
    """Where much is to be decided anew for a few contacts, what the server finds of theirs comes first.

    An order and nothing else: the rest of the queue follows, whatever the server did not find.
    """
    source = room.reader.source
    with room.database.read() as connection:
        if not isinstance(source, Searches) or places.how_many_queued(connection, room.lease.mailbox_id) <= BATCH:
            return
        before = mailboxes.last_success(connection, room.lease.mailbox_id)
        wanted = contacts.changed_addresses(connection, before, MOST_SOUGHT)
    for state in states.values() if wanted else ():
        found = _naming(room, source, state, wanted)
        with room.database.read() as connection:
            some = places.queued_at(connection, state.id, state.validity or "", found)
        for _, batch in _by_folder(some, states):
            _read_again(room, state, states, batch)


def _naming(room: Room, source: Searches, state: FolderState, wanted: Sequence[str]) -> frozenset[str]:
    """Nothing of a folder that is out of reach, renumbered or not to be searched."""
    if not state.validity or state.stopped:
        return frozenset()
    room.step()
    try:
        return room.reader.now(source.naming, state.folder, state.validity, wanted)
    except (Renumbered, Skippable):
        return frozenset()


def _read_again(room: Room, state: FolderState, states: States, some: Sequence[Place]) -> set[int]:
    """The ids of places that the server handed out, or said to be gone."""
    by_uid = {place.uid: place.id for place in some if place.id}
    through: set[int] = set()
    for page in _headers(room, state, some[0].validity, [place.uid for place in some]):
        ingest(room, Task(state=state, page=page, known_places=by_uid), states)
        through |= {by_uid[uid] for uid in (*(e.id for e in page.envelopes), *page.gone) if uid in by_uid}
    return through


def _headers(room: Room, state: FolderState, validity: str, uids: Sequence[str]) -> Iterator[Page]:
    """Envelopes once more. A folder out of reach or renumbered yields nothing: the lanes will tell.

    If that ends the session, they are asked for with care, so that the one which ends it is found.
    """
    room.step()
    fragile = replace(state.folder, fragile=True)
    try:
        try:
            yield from room.reader.now(lambda: list(room.reader.source.headers(state.folder, validity, uids)))
        except Interrupted:
            yield from room.reader.now(lambda: list(room.reader.source.headers(fragile, validity, uids)))
    except (Renumbered, Skippable):
        return


def _by_folder(wanted: Sequence[Place], states: States) -> Iterator[tuple[FolderState, list[Place]]]:
    """Places in batches that one request can ask for."""
    groups: dict[tuple[int, str], list[Place]] = {}
    for place in wanted:
        if place.folder_id in states and states[place.folder_id].validity == place.validity:
            groups.setdefault((place.folder_id, place.validity), []).append(place)
    for (folder_id, _), members in groups.items():
        for start in range(0, len(members), BATCH):
            yield states[folder_id], members[start : start + BATCH]


def _batches(uids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(uids), BATCH):
        yield uids[start : start + BATCH]


def _numeric(uid: str) -> tuple[int, str]:
    return (int(uid), uid) if uid.isdecimal() else (0, uid)
