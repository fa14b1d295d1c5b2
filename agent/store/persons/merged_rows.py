"""The rows that move when two contacts become one, and go back when they become two again.

Called by `agent.store.persons.merging`, inside its transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from agent.reminders import identity
from agent.reminders.cycle import NOT_NEEDED
from agent.store.bulk import chunks
from agent.store.calendar import reminders as shelf
from agent.store.directory.purchases import renew_rhythms
from agent.store.tables import (
    calendar_items,
    contact_emails,
    interactions,
    links,
    mailboxes,
    merged_links,
    merges,
    participants,
    purchases,
    reminders,
    rulings,
    signals,
)
from matchers.address import normalise

if TYPE_CHECKING:
    from agent.store.directory.contact_writes import Writer

_KEPT = ("role", "email", "rule", "confidence", "evidence", "origin")
"""Columns of a link that a merge remembers."""
_THEIRS, _OURS = links.alias("theirs"), links.alias("ours")
"""The links of the one who goes and of the one who stays to one interaction."""
_SURER = sa.or_(
    sa.and_(_THEIRS.c.origin == "manual", _OURS.c.origin != "manual"),
    sa.and_(_THEIRS.c.origin == _OURS.c.origin, _THEIRS.c.confidence > _OURS.c.confidence),
)
"""Where ours gives way: theirs alone is by hand, or it is the surer of two alike."""


def move_links(connection: sa.Connection, merge: int, gone: str, kept: str) -> int:
    """Every link of `gone` becomes one of `kept`. How many interactions had both."""
    _remember(connection, merge, links.c.contact_id == gone, of_kept=False)
    doubled = _doubled(gone, kept)
    _remember(connection, merge, links.c.contact_id == kept, links.c.interaction_id.in_(doubled), of_kept=True)
    for one, gives_way in ((kept, doubled.where(_SURER)), (gone, doubled)):
        second = (links.c.contact_id == one, links.c.interaction_id.in_(gives_way))
        connection.execute(sa.delete(links).where(*second))
    connection.execute(sa.update(links).where(links.c.contact_id == gone).values(contact_id=kept))
    return count_links(connection, merge, of_kept=True)


def count_links(connection: sa.Connection, merge: int, *, of_kept: bool = False) -> int:
    """How many interactions moved with a merge; of_kept: of these, how many the other one had too."""
    query = sa.select(sa.func.count()).where(merged_links.c.merge_id == merge, merged_links.c.of_kept == of_kept)
    return int(connection.execute(query).scalar_one())


def return_links(connection: sa.Connection, merge: int, kept: str, gone: str) -> int:
    """Puts back what moved. How many interactions both had.

    A link that somebody made by hand since then stays as it is, and one that was taken away is not given back.
    """
    of_merge, both = merged_links.c.merge_id == merge, count_links(connection, merge, of_kept=True)
    connection.execute(sa.delete(merged_links).where(of_merge, ~_stands_as_moved(kept)))
    its = sa.select(merged_links.c.interaction_id).where(of_merge)
    connection.execute(sa.delete(links).where(links.c.interaction_id.in_(its), links.c.contact_id.in_([kept, gone])))
    whose = sa.case((merged_links.c.of_kept, kept), else_=gone)
    wanted = (
        sa.select(merged_links.c.interaction_id, whose, interactions.c.occurred_at, *(merged_links.c[n] for n in _KEPT))
        .join(interactions, interactions.c.id == merged_links.c.interaction_id)
        .where(of_merge)
    )
    names = ["interaction_id", "contact_id", "occurred_at", *_KEPT]
    connection.execute(sa.insert(links).from_select(names, wanted))
    return both


def follow_addresses(connection: sa.Connection, kept: str, gone: str, keys: Sequence[str]) -> None:
    """What was linked since the merge by an address that goes back follows it."""
    named = sa.select(participants.c.interaction_id).where(
        participants.c.interaction_id == links.c.interaction_id, participants.c.match_key.in_(list(keys))
    )
    own = sa.select(participants.c.interaction_id).where(
        participants.c.interaction_id == links.c.interaction_id, participants.c.match_key.in_(_keys_of(kept))
    )
    theirs = sa.select(links.c.interaction_id).where(links.c.contact_id == gone)
    connection.execute(
        sa.update(links)
        .where(links.c.contact_id == kept, links.c.origin == "automatic", named.exists(), ~own.exists())
        .where(links.c.interaction_id.not_in(theirs))
        .values(contact_id=gone)
    )


def _keys_of(contact_id: str) -> "sa.Select[tuple[str]]":
    return sa.select(contact_emails.c.match_key).where(contact_emails.c.contact_id == contact_id)


def _remember(connection: sa.Connection, merge: int, *which: sa.ColumnElement[bool], of_kept: bool) -> None:
    wanted = sa.select(
        sa.literal(merge), links.c.interaction_id, sa.literal(of_kept), *(links.c[name] for name in _KEPT)
    ).where(*which)
    connection.execute(sa.insert(merged_links).from_select(["merge_id", "interaction_id", "of_kept", *_KEPT], wanted))


def _doubled(gone: str, kept: str) -> "sa.Select[tuple[str]]":
    return (
        sa.select(_THEIRS.c.interaction_id)
        .join(_OURS, _OURS.c.interaction_id == _THEIRS.c.interaction_id)
        .where(_THEIRS.c.contact_id == gone, _OURS.c.contact_id == kept)
    )


def _stands_as_moved(kept: str) -> sa.ColumnElement[bool]:
    """Of a remembered link: `kept` has one to the interaction, and nobody made it by hand since the merge."""
    memory = merged_links.alias()
    was_by_hand = sa.select(memory.c.interaction_id).where(
        memory.c.merge_id == merged_links.c.merge_id,
        memory.c.interaction_id == merged_links.c.interaction_id,
        memory.c.origin == "manual",
    )
    return (
        sa.select(links.c.interaction_id)
        .where(
            links.c.interaction_id == merged_links.c.interaction_id,
            links.c.contact_id == kept,
            sa.or_(links.c.origin != "manual", was_by_hand.exists()),
        )
        .exists()
    )


def move_rest(writer: "Writer", gone: str, kept: str, now: datetime) -> dict[str, list[Any]]:
    """Rulings, signals, reminders and earlier merges; what moved, as the merge remembers it."""
    connection = writer.connection
    earlier = connection.execute(sa.select(merges.c.id).where(merges.c.kept_id == gone)).scalars().all()
    connection.execute(sa.update(merges).where(merges.c.id.in_(earlier)).values(kept_id=kept))
    return {
        "rulings": _move_rulings(connection, gone, kept),
        "sources": _move_sources(connection, gone, kept),
        "signals": _move_signals(connection, gone, kept),
        "reminders": _move_reminders(writer, gone, kept, now),
        "purchases": _move_purchases(writer, gone, kept),
        "merges": list(earlier),
    }


def return_rest(writer: "Writer", moved: Mapping[str, Sequence[Any]], kept: str, gone: str, now: datetime) -> None:
    """Puts back what `move_rest` moved, as far as it is still there."""
    connection = writer.connection
    connection.execute(sa.update(merges).where(merges.c.id.in_(list(moved["merges"]))).values(kept_id=gone))
    for key, address, instead_of in moved["rulings"]:
        of = (rulings.c.message_key == bytes.fromhex(key), rulings.c.address == address)
        query = sa.update(rulings).where(*of, rulings.c.instead_of == instead_of, rulings.c.contact_id == kept)
        connection.execute(query.values(contact_id=gone))
    for key in moved["sources"]:
        taken = (rulings.c.message_key == bytes.fromhex(key), rulings.c.address == "", rulings.c.instead_of == kept)
        connection.execute(sa.update(rulings).where(*taken).values(instead_of=gone))
    for key, kind in moved["signals"]:
        of_message = (signals.c.message_key == bytes.fromhex(key), signals.c.kind == kind)
        connection.execute(sa.update(signals).where(*of_message, signals.c.contact_id == kept).values(contact_id=gone))
    _rename(writer, [(new, old) for old, new in moved["reminders"]], gone, now)
    _give_purchases(writer, list(moved["purchases"]), gone, (gone, kept))


def without(moved: Mapping[str, Sequence[Any]], keys: Collection[str]) -> dict[str, Sequence[Any]]:
    """What a merge remembers to have moved, without what people said of these match keys. Pure."""
    told = [one for one in moved["rulings"] if normalise(one[1]).match_key not in keys]
    return {**moved, "rulings": told, "suggestions": [one for one in moved["suggestions"] if one[0] not in keys]}


def _move_rulings(connection: sa.Connection, gone: str, kept: str) -> list[Any]:
    rows = connection.execute(sa.select(rulings).where(rulings.c.contact_id == gone)).all()
    connection.execute(sa.update(rulings).where(rulings.c.contact_id == gone).values(contact_id=kept))
    return [[row.message_key.hex(), row.address, row.instead_of] for row in rows]


def _move_sources(connection: sa.Connection, gone: str, kept: str) -> list[str]:
    """Messages that people took from the one who goes stay taken from the one who stays."""
    other = rulings.alias()
    known = sa.select(other.c.address).where(
        other.c.message_key == rulings.c.message_key, other.c.address == "", other.c.instead_of == kept
    )
    of = (rulings.c.instead_of == gone, rulings.c.address == "", ~known.exists())
    keys = list(connection.execute(sa.select(rulings.c.message_key).where(*of)).scalars())
    connection.execute(sa.update(rulings).where(*of).values(instead_of=kept))
    return [key.hex() for key in keys]


def _move_signals(connection: sa.Connection, gone: str, kept: str) -> list[Any]:
    other = signals.alias()
    known = sa.select(other.c.kind).where(
        other.c.message_key == signals.c.message_key, other.c.contact_id == kept, other.c.kind == signals.c.kind
    )
    alone = (signals.c.contact_id == gone, ~known.exists())
    rows = connection.execute(sa.select(signals.c.message_key, signals.c.kind).where(*alone)).all()
    for row in rows:
        of = (signals.c.message_key == row.message_key, signals.c.kind == row.kind, signals.c.contact_id == gone)
        connection.execute(sa.update(signals).where(*of).values(contact_id=kept))
    return [[row.message_key.hex(), row.kind] for row in rows]


def _move_purchases(writer: "Writer", gone: str, kept: str) -> list[str]:
    """What both of them bought is one rhythm from now on."""
    ids = list(writer.connection.execute(sa.select(purchases.c.id).where(purchases.c.contact_id == gone)).scalars())
    _give_purchases(writer, ids, kept, (gone, kept))
    return ids


def _give_purchases(writer: "Writer", ids: Sequence[str], to: str, people: Sequence[str]) -> None:
    for chunk in chunks(ids):
        writer.connection.execute(sa.update(purchases).where(purchases.c.id.in_(chunk)).values(contact_id=to))
    if ids:
        renew_rhythms(writer.database, writer.connection, people)


def _move_reminders(writer: "Writer", gone: str, kept: str, now: datetime) -> list[Any]:
    """They get the names that the rules will give them, so that what was dismissed does not come back.

    Where the one who stays has the same reminder already, theirs ends, and goes with its contact.
    """
    rows = writer.connection.execute(
        sa.select(reminders.c.id, reminders.c.rule, reminders.c.reason, mailboxes.c.address)
        .join(mailboxes, mailboxes.c.id == reminders.c.mailbox_id)
        .where(reminders.c.contact_id == gone)
        .order_by(reminders.c.id)
    ).all()
    wanted = [(row.id, identity.name(writer.hasher.hash, row.rule, row.address, kept, row.reason)) for row in rows]
    moved = _rename(writer, wanted, kept, now)
    second = {row.id for row in rows} - {old for old, _ in moved}
    shelf.set_state(writer.database, writer.connection, second, NOT_NEEDED, now)
    return moved


def _rename(writer: "Writer", wanted: Sequence[Sequence[str]], contact: str, now: datetime) -> list[Any]:
    """Those whose new name is free; the item in the calendar stays the same one."""
    connection = writer.connection
    moved: list[Any] = []
    for old, new in wanted:
        taken = connection.execute(sa.select(reminders.c.id).where(reminders.c.id == new)).first()
        if taken is not None:
            continue
        values = {"id": new, "contact_id": contact, "changed_at": now}
        renamed = connection.execute(sa.update(reminders).where(reminders.c.id == old).values(**values))
        if renamed.rowcount:
            query = sa.update(calendar_items).where(calendar_items.c.reminder_id == old)
            connection.execute(query.values(reminder_id=new))
            moved.append([old, new])
    earlier = {new: old for old, new in moved}
    shelf.publish_changes(writer.database, connection, [(new, "moved") for new in earlier], earlier)
    return moved
