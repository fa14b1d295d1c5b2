"""Writes what was decided about a page: everything in the caller's transaction, keys sorted so workers never deadlock.

Called by `agent.sync`, inside `agent.store.unit.fenced`, together with the cursor that stands for the page.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from agent.store import feed
from agent.store.database import Database, Row
from agent.store.mail import dating, joining, revise, threads
from agent.store.tables import (
    company_links,
    interactions,
    links,
    locations,
    message_refs,
    participants,
    reviews,
    signals,
    suggestions,
    texts,
)

Changing = dict[str, object]


class Collision(Exception):
    """Another worker recorded something meanwhile that these decisions did not know: decide the page again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRows:
    """Rows by table, as dictionaries of column values.

    places: new locations; moved_on: changes of known ones (`id` and columns); refs: of skipped and doubtful mail.
    ids: interaction id -> the id hashes it has and refers to, its root first; signal_ids: the same of a signal's
    message key; tying_ids: of mail in review, which holds a conversation together as logged mail does, and of logged
    mail that was met once more, where a server may know it by another conversation.
    earlier: (interaction id, instant) of places that may date an undated message earlier. strangers: ids of mail not
    logged that belonged to no thread when it was decided. relinked: interactions decided anew. deepened: columns of
    interactions of which more may be kept than before. made_up_for: places left before the message could be decided
    anew from there, as it is here.
    """

    places: list[Row] = field(default_factory=list)
    moved_on: list[Changing] = field(default_factory=list)
    refs: list[Row] = field(default_factory=list)
    interactions: list[Changing] = field(default_factory=list)
    ids: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    texts: list[Row] = field(default_factory=list)
    participants: list[Changing] = field(default_factory=list)
    links: list[Changing] = field(default_factory=list)
    company_links: list[Row] = field(default_factory=list)
    reviews: list[Row] = field(default_factory=list)
    suggestions: list[Row] = field(default_factory=list)
    signals: list[Changing] = field(default_factory=list)
    signal_ids: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    tying_ids: list[tuple[bytes, ...]] = field(default_factory=list)
    earlier: list[tuple[str, datetime]] = field(default_factory=list)
    strangers: set[bytes] = field(default_factory=set)
    relinked: dict[str, revise.Relink] = field(default_factory=dict)
    deepened: list[Changing] = field(default_factory=list)
    made_up_for: list[int] = field(default_factory=list)


def record(database: Database, connection: sa.Connection, rows: PageRows, now: datetime) -> None:
    """Writes the page. Raises Collision, after which the transaction must be given up.

    One worker at a time, from the first look at conversations on: another one could join or rename them meanwhile.
    """
    database.serialise(connection)
    groups = [rows.ids[str(row["id"])] for row in rows.interactions]
    joined = joining.join(database, connection, [*groups, *rows.tying_ids])
    _enter(database, connection, rows, joined)
    older = _linked_again(rows)
    held = revise.holders(connection, older)
    changed = _link(database, connection, rows, joined)
    holding = revise.holders(connection, older)
    for table, new in (
        (texts, rows.texts),
        (participants, rows.participants),
        (locations, rows.places),
        (message_refs, rows.refs),
        (reviews, rows.reviews),
        (suggestions, rows.suggestions),
    ):
        database.insert_new(connection, table, new)
    revise.ask_anew(connection, rows.moved_on, rows.reviews)
    if threads.threads_of(connection, rows.strangers - joined.fresh):
        raise Collision
    _record_signals(database, connection, rows)
    revise.move_on(database, connection, rows.moved_on)
    revise.settle(connection, rows.made_up_for)
    revise.deepen(connection, rows.deepened)
    redated = _redate(connection, rows.earlier)
    threads.queue_hanging(database, connection, changed | joined.merged)
    threads.queue_touching(database, connection, joined.fresh)
    changes = [*_told(rows), *_relinked(held, holding), *_deepened(rows), *_redated(redated), *_merged(joined)]
    feed.append(database, connection, [*changes, *_logged(rows)])


def add_places(database: Database, connection: sa.Connection, places: Sequence[Row]) -> None:
    """Places without a decision yet."""
    database.insert_new(connection, locations, places)


def _enter(database: Database, connection: sa.Connection, rows: PageRows, joined: joining.Joined) -> None:
    """Interactions with their threads. Those that are there already are in `rows` no more."""
    for row in rows.interactions:
        row["thread_id"] = joined.names[rows.ids[str(row["id"])][0]]
    _insert_interactions(database, connection, rows.interactions)


def _link(database: Database, connection: sa.Connection, rows: PageRows, joined: joining.Joined) -> set[str]:
    """Whom interactions concern. Returns the threads that concern others than before."""
    dating.date(connection, [*rows.participants, *rows.links], rows.interactions)
    touched = joined.touched | _threads_of_links(connection, rows) | _shared_threads(rows)
    before = threads.concerned(connection, touched)
    revise.forget_links(connection, rows.relinked)
    database.insert_new(connection, links, sorted(rows.links, key=_link_key))
    database.insert_new(connection, company_links, sorted(rows.company_links, key=_link_key))
    return {thread for thread, _ in threads.concerned(connection, touched) ^ before}


def _insert_interactions(database: Database, connection: sa.Connection, new: list[Changing]) -> None:
    """Inserts and keeps in `new` only what was not there before. Raises Collision if one was, as another message."""
    if not new:
        return
    new.sort(key=lambda row: str(row["id"]))
    added = database.insert_and_tell(connection, interactions, new, "id")
    _refuse_strangers(connection, [row for row in new if row["id"] not in added])
    new[:] = [row for row in new if row["id"] in added]


def _refuse_strangers(connection: sa.Connection, present: Sequence[Changing]) -> None:
    if not present:
        return
    mine = {row["id"]: (row["from_address"], row["date"]) for row in present}
    rows = connection.execute(
        sa.select(interactions.c.id, interactions.c.from_address, interactions.c.date).where(
            interactions.c.id.in_(list(mine))
        )
    )
    if {row.id: (row.from_address, row.date) for row in rows} != mine:  # another one may have taken its variant
        raise Collision


def _shared_threads(rows: PageRows) -> frozenset[str]:
    """Threads in which messages of this page were decided without knowing of each other, and one would mind."""
    counts = Counter(str(row["thread_id"]) for row in rows.interactions)
    minding = {str(row["thread_id"]) for row in rows.interactions if row["rule"] in threads.WEAK_RULES}
    return frozenset(thread for thread in minding if counts[thread] > 1)


def _threads_of_links(connection: sa.Connection, rows: PageRows) -> frozenset[str]:
    """Threads of interactions that were there before and get another link now."""
    older = _linked_again(rows)
    if not older:
        return frozenset()
    found = connection.execute(sa.select(interactions.c.thread_id).where(interactions.c.id.in_(older))).scalars()
    return frozenset(thread for thread in found if thread is not None)


def _linked_again(rows: PageRows) -> set[str]:
    """Interactions that were there before and may get other links now."""
    met = {str(row["interaction_id"]) for row in (*rows.links, *rows.company_links)} | rows.relinked.keys()
    return met - {str(row["id"]) for row in rows.interactions}


def _record_signals(database: Database, connection: sa.Connection, rows: PageRows) -> None:
    if not rows.signals:
        return
    known = threads.threads_of(connection, {one for ids in rows.signal_ids.values() for one in ids})
    for row in rows.signals:
        ids = rows.signal_ids[bytes(row["message_key"])]  # type: ignore[call-overload]  # a Hash column holds bytes
        row["thread_id"] = next((known[one] for one in ids if one in known), None)
    database.insert_new(connection, signals, rows.signals)


def _told(rows: PageRows) -> list[feed.Change]:
    """For the reminder rules, which ask the feed alone what they have to look at again."""
    return _signals({str(row["contact_id"]) for row in rows.signals})


def _signals(people: Collection[str]) -> list[feed.Change]:
    return [feed.Change(kind=feed.SIGNAL, event="told", entity=one, body={}) for one in sorted(people)]


def _relinked(before: Mapping[str, frozenset[str]], after: Mapping[str, frozenset[str]]) -> list[feed.Change]:
    """What others have now than before the page. Reminder rules are told who lost it: it may have settled theirs."""
    others = [id for id in sorted(after) if after[id] != before[id]]
    bodies = {id: {"contacts": sorted(after[id])} for id in others}
    updated = [feed.Change(kind="interaction", event="updated", entity=id, body=body) for id, body in bodies.items()]
    return [*_signals({one for id in others for one in before[id] - after[id]}), *updated]


def _deepened(rows: PageRows) -> list[feed.Change]:
    """Of which more is kept than before: whoever follows the feed, and the reminder rules, have not seen that text."""
    kept = {str(row["id"]): {"capture": row["capture"]} for row in rows.deepened}
    return [feed.Change(kind="interaction", event="updated", entity=id, body=body) for id, body in kept.items()]


def _redate(connection: sa.Connection, earlier: Collection[tuple[str, datetime]]) -> dict[str, datetime]:
    """Dates interactions earlier. Returns those that were dated later before, with the time they have now."""
    moved = {id: instant for id, instant in earlier if _is_earlier(connection, id, instant)}
    dating.follow(connection, moved)
    return moved


def _is_earlier(connection: sa.Connection, interaction_id: str, instant: datetime) -> bool:
    """Dates an interaction earlier; whether it was dated later before."""
    changed = connection.execute(
        sa.update(interactions)
        .where(interactions.c.id == interaction_id, interactions.c.occurred_at > instant)
        .values(occurred_at=instant)
    )
    return changed.rowcount > 0


def _redated(moved: Mapping[str, datetime]) -> list[feed.Change]:
    bodies = {id: {"occurred_at": instant.isoformat()} for id, instant in moved.items()}
    return [feed.Change(kind="interaction", event="updated", entity=id, body=body) for id, body in bodies.items()]


def _merged(joined: joining.Joined) -> list[feed.Change]:
    """One row a thread, however many messages it has: as with contacts, who follows gives them the other name."""
    return [feed.Change(kind=feed.THREAD, event="merged", entity=old, body={"into": new}) for old, new in joined.moves]


def _link_key(row: Row) -> tuple[str, str]:
    return str(row["interaction_id"]), str(row.get("contact_id") or row.get("company_id"))


def _logged(rows: PageRows) -> list[feed.Change]:
    who: dict[object, list[str]] = {}
    for link in rows.links:
        who.setdefault(link["interaction_id"], []).append(str(link["contact_id"]))
    return [_logged_one(row, who.get(row["id"], [])) for row in rows.interactions]


def _logged_one(row: Changing, who: list[str]) -> feed.Change:
    body = {"direction": row["direction"], "thread_id": row["thread_id"], "contacts": who}
    return feed.Change(kind="interaction", event="logged", entity=str(row["id"]), body=body)
