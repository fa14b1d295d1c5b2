"""Decides anew what was recorded before: places move on, links by thread are renewed, the last place takes the rest.

Inside the caller's transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from agent.store import feed
from agent.store.bulk import chunks
from agent.store.database import Database
from agent.store.mail import threads
from agent.store.mail.threads import THREAD_RULE
from agent.store.tables import (
    company_links,
    contact_emails,
    interactions,
    links,
    locations,
    rereads,
    reviews,
)


def move_on(database: Database, connection: sa.Connection, changes: Sequence[Mapping[str, object]]) -> None:
    """Known places get their new outcome; what they were before goes where nothing else holds it."""
    if not changes:
        return
    ids = [change["id"] for change in changes]
    left = set(
        connection.execute(
            sa.select(locations.c.interaction_id).where(
                locations.c.id.in_(ids), locations.c.interaction_id.is_not(None)
            )
        ).scalars()
    )
    for change in changes:
        values = {name: value for name, value in change.items() if name != "id"}
        connection.execute(sa.update(locations).where(locations.c.id == change["id"]).values(values))
    settle(connection, ids)
    _close_reviews(connection, [change for change in changes if change["outcome"] != "review"])
    drop_orphans(database, connection, left, "withdrawn")


def settle(connection: sa.Connection, places: Collection[object]) -> None:
    """What lies or lay at these places is decided anew: nothing of it is owed any more."""
    if places:
        connection.execute(sa.delete(rereads).where(rereads.c.location_id.in_(places)))


def drop_orphans(database: Database, connection: sa.Connection, candidates: Collection[str | None], event: str) -> None:
    """Removes those interactions that no place holds any more, says so in the feed, and looks at who hung by them."""
    if not candidates:
        return
    held = sa.select(locations.c.interaction_id).where(locations.c.interaction_id == interactions.c.id).exists()
    orphans = connection.execute(
        sa.select(interactions.c.id, interactions.c.thread_id).where(
            interactions.c.id.in_(sorted(filter(None, candidates))), ~held
        )
    ).all()
    withdraw(database, connection, {one.id: one.thread_id for one in orphans}, event)


def withdraw(database: Database, connection: sa.Connection, gone: Mapping[str, str | None], event: str) -> None:
    """Removes these interactions (id -> thread), says so in the feed, and looks at who hung by them."""
    if gone:
        database.serialise(connection)  # nobody may be about to give one of them another place
        connection.execute(sa.delete(interactions).where(interactions.c.id.in_(list(gone))))
        threads.queue_hanging(database, connection, set(filter(None, gone.values())))
        changes = [feed.Change(kind="interaction", event=event, entity=one, body={}) for one in gone]
        feed.append(database, connection, changes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Relink:
    """An interaction decided anew from one of its copies. rule: what keeps it now; keys: match keys of the copy."""

    rule: str
    keys: frozenset[str]


def holders(connection: sa.Connection, ids: Collection[str]) -> dict[str, frozenset[str]]:
    """The contacts of each of these interactions."""
    found: dict[str, set[str]] = {id: set() for id in ids}
    for chunk in chunks(sorted(ids)):
        query = sa.select(links.c.interaction_id, links.c.contact_id).where(links.c.interaction_id.in_(chunk))
        for interaction, contact in connection.execute(query):
            found[interaction].add(contact)
    return {id: frozenset(people) for id, people in found.items()}


def forget_links(connection: sa.Connection, relinked: Mapping[str, Relink]) -> None:
    """Drops what the decision says anew: links by thread or name, and to the copy's addresses. Manual ones stay."""
    for interaction, relink in relinked.items():
        holders = sa.select(contact_emails.c.contact_id).where(contact_emails.c.match_key.in_(relink.keys))
        connection.execute(
            sa.delete(links).where(
                links.c.interaction_id == interaction,
                links.c.origin == "automatic",
                sa.or_(links.c.rule.in_((THREAD_RULE, "name")), links.c.contact_id.in_(holders)),
            )
        )
        connection.execute(
            sa.delete(company_links).where(
                company_links.c.interaction_id == interaction, company_links.c.rule.in_((THREAD_RULE, "domain"))
            )
        )
        connection.execute(sa.update(interactions).where(interactions.c.id == interaction).values(rule=relink.rule))


def deepen(connection: sa.Connection, changes: Sequence[Mapping[str, object]]) -> None:
    """More is kept of these interactions from now on; their texts come among the page's texts."""
    for change in changes:
        values = {name: value for name, value in change.items() if name != "id"}
        connection.execute(sa.update(interactions).where(interactions.c.id == change["id"]).values(values))


def ask_anew(
    connection: sa.Connection, changes: Sequence[Mapping[str, object]], questions: Sequence[Mapping[str, object]]
) -> None:
    """Questions about messages that are decided anew say what is in doubt now; those that are settled end."""
    for change in changes:
        if change["outcome"] in ("review", "logged"):
            here = (change["mailbox_id"], change["message_key"], change["interaction_id"])
            asked = [one for one in questions if _about(one) == here]
            _ask_of_one(connection, here, asked)


def _about(question: Mapping[str, object]) -> tuple[object, object, object]:
    return question["mailbox_id"], question["message_key"], question["interaction_id"]


def _ask_of_one(
    connection: sa.Connection, here: tuple[object, object, object], asked: Sequence[Mapping[str, object]]
) -> None:
    """here: mailbox, message key, and the interaction of a message that is kept, None of one that waits."""
    mailbox, key, interaction = here
    for one in asked:
        values = {name: one[name] for name in ("interaction_id", "role", "rule", "candidates", "evidence")}
        connection.execute(
            sa.update(reviews).where(reviews.c.id == one["id"], reviews.c.state == "open").values(values)
        )
    connection.execute(
        sa.delete(reviews).where(
            reviews.c.mailbox_id == mailbox,
            reviews.c.message_key == key,
            reviews.c.interaction_id.is_not_distinct_from(interaction),
            reviews.c.state == "open",
            reviews.c.id.not_in([one["id"] for one in asked]),
        )
    )


def _close_reviews(connection: sa.Connection, changes: Sequence[Mapping[str, object]]) -> None:
    """A message that is decided needs nobody's decision; doubts on a logged one are entered anew.

    Unless another copy in the mailbox still waits: one that was made private, say, decides nothing about the others.
    """
    waits = (
        sa.select(locations.c.id)
        .where(
            locations.c.mailbox_id == reviews.c.mailbox_id,
            locations.c.message_key == reviews.c.message_key,
            locations.c.outcome == "review",
            locations.c.gone_at.is_(None),
        )
        .exists()
    )
    for change in changes:
        connection.execute(
            sa.delete(reviews).where(
                reviews.c.mailbox_id == change["mailbox_id"],
                reviews.c.message_key == change["message_key"],
                reviews.c.interaction_id.is_(None),
                reviews.c.state == "open",
                ~waits,
            )
        )
