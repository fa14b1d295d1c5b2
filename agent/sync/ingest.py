"""One page of a folder, from envelopes to committed rows: decide, fetch what matched, settle, record.

The rows and the cursor that stands for them commit together, under the lease. Before: nothing happened. After: all
of it did.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.store.directory import lookup as directory
from agent.store.mail import folders, gaps, known, record, removals, replaced, threads
from agent.store.mail.folders import FORWARD, HISTORY, FolderState
from agent.store.mail.known import Listed
from agent.store.mail.record import Collision
from agent.store.persons import former
from agent.store.unit import fenced
from agent.sync import gaps as patience
from agent.sync import rows, standing
from agent.sync.completing import completed
from agent.sync.deciding import Deciding, decide, said_since
from agent.sync.flags import record_flags
from agent.sync.inside import look_inside, worth_reading
from agent.sync.newcoming import Place, take_in
from agent.sync.overlay import Overlay
from agent.sync.room import Room
from agent.sync.rows import Spot
from agent.sync.settling import Page as Walk
from agent.sync.settling import Settled, settle_page, wanted_bodies
from connectors.errors import Interrupted, Retriable
from connectors.message import Envelope, Message, Page, Withheld

if TYPE_CHECKING:
    import sqlalchemy as sa

MOST_ENDINGS = 3
"""So many messages of a page may end a session each; with more it is the server that is ill."""

RETRIES = 8
"""How often a page is decided again because other workers or imports came between; each time against newer facts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A page to ingest. known_places: uid -> location id of messages that are decided anew.

    lane: whose cursor moves, None for repairs and re-reads. ahead: begins to read the next page; called as soon as the
    bodies of this one are asked for.
    """

    state: FolderState
    page: Page
    lane: str | None = None
    known_places: Mapping[str, int] | None = None
    ahead: Callable[[], None] = lambda: None


def ingest(room: Room, task: Task, states: Mapping[int, FolderState]) -> None:
    """Decides and records a page. Raises ConnectorError or LeaseLost; then nothing of it was recorded."""
    for _ in range(RETRIES):
        try:
            _ingest_once(room, task, states)
        except Collision:
            continue
        return
    raise Retriable("the mailbox is being changed faster than it can be read", advice="it is tried again by itself")


def _ingest_once(room: Room, task: Task, states: Mapping[int, FolderState]) -> None:
    listed = _listed(room, task)
    task = _with_returned(task, listed)
    envelopes, older = _to_decide(room, task, listed)
    deciding, kept_back = completed(room, task.state.folder, task.page.validity, decide(room, envelopes))
    if take_in(room, deciding, Place(folder=task.state.folder, validity=task.page.validity)):
        raise Collision
    spot = Spot(
        mailbox_id=room.lease.mailbox_id,
        folder_id=task.state.id,
        validity=task.page.validity,
        now=room.now(),
    )
    telling = worth_reading(room, deciding)
    bodies = _fetch(room, task, [*wanted_bodies(room, spot, deciding), *telling], kept_back)
    deciding = look_inside(room, deciding, bodies)
    walk = Walk(
        room=room,
        spot=spot,
        overlay=Overlay(deciding.known, spot, room.hasher, room.capture),
        folders=states,
        bodies=bodies,
        known_places=task.known_places or {},
        telling=frozenset(telling),
    )
    settled = settle_page(walk, deciding)
    _commit(room, task, deciding, settled, spot, older)
    _count(room.counts, settled.outcomes, {uid: one.outcome for uid, one in listed.items()})
    room.counts["before-start"] += older


def _listed(room: Room, task: Task) -> Mapping[str, Listed]:
    """The page's messages that have a row."""
    with room.database.read() as connection:
        uids = [envelope.id for envelope in task.page.envelopes]
        return known.known_uids(connection, task.state.id, task.page.validity, uids)


def _with_returned(task: Task, listed: Mapping[str, Listed]) -> Task:
    """What had left the folder and is handed out under the same id once more lies there again: it is decided anew."""
    back = {uid: one.id for uid, one in listed.items() if one.gone}
    return replace(task, known_places={**back, **(task.known_places or {})}) if back else task


def _count(counts: Counter[str], outcomes: Mapping[str, str], before: Mapping[str, str]) -> None:
    """A message that was decided anew counts once, as what it is now."""
    for uid, outcome in outcomes.items():
        earlier = before.get(uid)
        if earlier == outcome:
            continue
        counts[outcome] += 1
        if earlier is not None and counts[earlier] > 0:
            counts[earlier] -= 1


def _to_decide(room: Room, task: Task, listed: Mapping[str, Listed]) -> tuple[list[Envelope], int]:
    """The page's messages that have no row yet (or are decided anew), and how many lie before the floor."""
    anew = task.known_places or {}
    fresh = [envelope for envelope in task.page.envelopes if envelope.id in anew or envelope.id not in listed]
    kept = [envelope for envelope in fresh if envelope.id in anew or not _before_start(room, envelope)]
    return kept, len(fresh) - len(kept)


def _before_start(room: Room, envelope: Envelope) -> bool:
    """Server date, as the server writes it: what SEARCH SINCE compares (RFC 3501, 6.4.4)."""
    return room.since is not None and envelope.server_time is not None and envelope.server_time.date() < room.since


def _fetch(
    room: Room, task: Task, wanted: Sequence[str], kept_back: Mapping[str, Withheld]
) -> Mapping[str, Message | Withheld]:
    """Texts of what is wanted, but of what the server kept back already, which is told with them."""
    return {**_fetch_texts(room, task, [uid for uid in wanted if uid not in kept_back]), **kept_back}


def _fetch_texts(room: Room, task: Task, ids: Sequence[str]) -> dict[str, Message | Withheld]:
    """Texts, all in one request; one by one where the last session ended in this folder before a page got through."""
    if ids and task.state.breaks:
        return _fetch_each(room, task, ids)
    asked = room.reader.bodies(task.state.folder, task.page.validity, ids) if ids else None
    task.ahead()
    try:
        return {body.id: body for body in asked.result()} if asked else {}
    except Interrupted:
        if task.lane is not None:
            raise
        return _fetch_each(room, task, ids)


def _fetch_each(room: Room, task: Task, ids: Sequence[str]) -> dict[str, Message | Withheld]:
    """Tells a message that ends the session whenever it is asked for from the others: it waits as a gap."""
    found: dict[str, Message | Withheld] = {}
    endings = 0
    for uid in ids:
        try:
            found |= {
                body.id: body for body in room.reader.bodies(task.state.folder, task.page.validity, [uid]).result()
            }
        except Interrupted:
            endings += 1
            if endings > MOST_ENDINGS:
                raise
            found[uid] = Withheld(id=uid, reason="asking for it ends the session", ended=True)
    return found


def _commit(room: Room, task: Task, deciding: Deciding, settled: Settled, spot: Spot, older: int) -> None:
    with fenced(room.database, room.lease) as connection:
        if directory.changed_since(connection, deciding.stamp):
            raise Collision
        room.database.serialise(connection)
        if not _still_holds(connection, deciding, settled) or said_since(connection, deciding):
            raise Collision
        _record_withheld(room, connection, task, settled, spot)
        record.record(room.database, connection, settled.rows, spot.now)
        _look_again(room, connection, deciding, settled)
        through = [one.envelope.id for one in deciding.messages if one.envelope.id in (task.known_places or {})]
        gaps.settle(connection, spot.folder_id, spot.validity, set(through) - _kept_back(settled))
        gone = _gone(task)
        gaps.forget_place(connection, spot.folder_id, spot.validity, gone, spot.now)
        left = replaced.keys_at(connection, spot.folder_id, spot.validity, gone)
        _settle_shared(room, connection, settled, spot, left)
        former.follow(room.database, connection, spot.mailbox_id, left | _decided_otherwise(deciding, settled))
        removals.note(room.database, connection, settled.removed)
        removals.reconsider(room.database, connection, settled.mistaken)
        record_flags(room, connection, task.state, task.page, spot.now)
        folders.add_before_start(connection, spot.folder_id, older)
        _move_cursor(connection, task)


def _still_holds(connection: "sa.Connection", deciding: Deciding, settled: Settled) -> bool:
    """Whether what the page adds to is still in the history, and nobody took out or decided what it brings."""
    new = {str(row["id"]) for row in settled.rows.interactions}
    places = (*settled.rows.places, *settled.rows.moved_on)
    older = {str(row["interaction_id"]) for row in places if row["interaction_id"] is not None} - new
    told = {one.key for one in deciding.messages} if settled.rows.links or settled.rows.reviews else set()
    return (
        known.all_logged(connection, older)
        and not removals.came_between(connection, new)
        and not (told and known.said_anew(connection, deciding.known, told))
    )


def _look_again(room: Room, connection: "sa.Connection", deciding: Deciding, settled: Settled) -> None:
    """Queues what rests on an older state of its conversation."""
    own = {key: [one.id for one in known] for key, known in deciding.known.interactions.items()}
    for interaction, ids in settled.rows.ids.items():
        own.setdefault(ids[-1], []).append(interaction)
    old = standing.outdated(connection, [one for one in deciding.messages if standing.hangs(one)], own)
    threads.queue_hanging(room.database, connection, old)


def _settle_shared(
    room: Room, connection: "sa.Connection", settled: Settled, spot: Spot, left: Collection[bytes]
) -> None:
    """Saves of a draft that a later save took the place of: seen when the later one comes, or when the earlier goes.

    What shares its key with another message and is no such save is told.
    """
    came = {settled.rows.ids[str(row["id"])][-1] for row in settled.rows.interactions if row["variant"]}
    replaced.tell_shared(connection, came)
    replaced.drop_replaced(room.database, connection, spot.folder_id, came | {*left}, room.is_ours)


def _decided_otherwise(deciding: Deciding, settled: Settled) -> set[bytes]:
    """Keys of messages that are not logged here and were logged before, here or elsewhere."""
    logged = deciding.known.interactions
    return {m.key for m in deciding.messages if m.key in logged and settled.outcomes.get(m.envelope.id) != "logged"}


def _kept_back(settled: Settled) -> set[str]:
    return {one.envelope.id for one, _ in settled.withheld}


def _gone(task: Task) -> Collection[str]:
    anew = task.known_places or {}
    return {*task.page.gone, *(one.id for one in task.page.withheld if one.gone and one.id in anew)}


def _record_withheld(room: Room, connection: "sa.Connection", task: Task, settled: Settled, spot: Spot) -> None:
    """Messages owed by the server, header or body, wait as pending places with a gap each."""
    owed: list[tuple[Withheld, bytes | None]] = [(held, None) for held in task.page.withheld if not held.gone]
    owed += [(held, one.key) for one, held in settled.withheld]
    if not owed:
        return
    pending = [rows.pending_place(spot, held.id, key) for held, key in owed]
    record.add_places(room.database, connection, pending)
    before = gaps.attempts(connection, spot.folder_id, spot.validity, [held.id for held, _ in owed])
    failures = [_failure(held, before.get(held.id, 0) + 1, spot) for held, _ in owed]
    gaps.record_failures(room.database, connection, spot.mailbox_id, spot.folder_id, spot.validity, failures, spot.now)
    room.counts["withheld"] += len(owed)


def _failure(held: Withheld, attempts: int, spot: Spot) -> gaps.Failure:
    return gaps.Failure(
        uid=held.id,
        reason=held.reason,
        attempts=attempts,
        next_try=patience.next_try(attempts, spot.now, costly=held.ended),
        given_up=patience.given_up(attempts),
    )


def _move_cursor(connection: "sa.Connection", task: Task) -> None:
    if task.page.cursor is not None and task.lane is not None:
        floor = task.state.history_since if task.lane == HISTORY else None
        folders.save_cursor(connection, task.state.id, task.lane, task.page.cursor, since=floor)
    if task.page.forward is not None:
        folders.save_cursor(connection, task.state.id, FORWARD, task.page.forward)
