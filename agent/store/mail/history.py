"""The history of customers as it is shown: interactions with everyone and everything they concern."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store.tables import (
    companies,
    company_links,
    contacts,
    folders,
    interactions,
    links,
    locations,
    mailboxes,
    meeting_places,
    texts,
)

Told = dict[str, object]

PAGE = 500
_MOST_ROWS = 2**63 - 1
"""What both databases take for a limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which interactions. since: an aware instant. limit: None for all."""

    contact_id: str | None = None
    mailbox_id: int | None = None
    since: datetime | None = None
    limit: int | None = None


def listed(connection: sa.Connection, wanted: Wanted) -> Iterator[Told]:
    """Interactions, newest first, in the shape of the contract."""
    ids = [str(one) for one in connection.execute(_chosen(wanted)).scalars()]
    for start in range(0, len(ids), PAGE):
        yield from shown(connection, ids[start : start + PAGE])


def shown(connection: sa.Connection, ids: Sequence[str]) -> list[Told]:
    """These interactions in the order given; unknown ids are left out."""
    rows = {
        row.id: row
        for row in connection.execute(
            sa.select(interactions, texts.c.text)
            .outerjoin(texts, texts.c.interaction_id == interactions.c.id)
            .where(interactions.c.id.in_(ids))
        )
    }
    people, firms, where = _people(connection, ids), _firms(connection, ids), _places(connection, ids)
    return [
        _told(dict(rows[one]._mapping), people.get(one, []), firms.get(one, []), where.get(one, []))
        for one in ids
        if one in rows
    ]


def find(connection: sa.Connection, asked: str) -> str | None:
    """The id of one interaction, by its id or an unmistakable beginning of it."""
    begins = interactions.c.id.startswith(asked, autoescape=True)
    found = connection.execute(sa.select(interactions.c.id).where(begins).limit(2)).scalars().all()
    return str(found[0]) if len(found) == 1 and asked else None


def _chosen(wanted: Wanted) -> sa.Select[tuple[str]]:
    chosen = sa.select(interactions.c.id).order_by(interactions.c.occurred_at.desc(), interactions.c.id)
    if wanted.contact_id is not None:
        linked = sa.select(links.c.interaction_id).where(links.c.contact_id == wanted.contact_id)
        chosen = chosen.where(interactions.c.id.in_(linked))
    if wanted.mailbox_id is not None:
        held = sa.select(locations.c.interaction_id).where(
            locations.c.mailbox_id == wanted.mailbox_id, locations.c.interaction_id.is_not(None)
        )
        met = sa.select(meeting_places.c.interaction_id).where(meeting_places.c.mailbox_id == wanted.mailbox_id)
        chosen = chosen.where(sa.or_(interactions.c.id.in_(held), interactions.c.id.in_(met)))
    if wanted.since is not None:
        chosen = chosen.where(interactions.c.occurred_at >= wanted.since)
    return chosen.limit(min(wanted.limit, _MOST_ROWS)) if wanted.limit is not None else chosen


def _people(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[Told]]:
    rows = connection.execute(
        sa.select(links, contacts.c.name, companies.c.name.label("company"))
        .join(contacts, contacts.c.id == links.c.contact_id)
        .outerjoin(companies, companies.c.id == contacts.c.company_id)
        .where(links.c.interaction_id.in_(ids))
    )
    found: dict[str, list[Told]] = {}
    for row in sorted(rows, key=lambda row: (_ROLES.get(row.role, 9), row.email, row.contact_id)):
        found.setdefault(row.interaction_id, []).append(
            {
                "id": row.contact_id,
                "email": row.email,
                "name": row.name,
                "company": row.company,
                "role": row.role,
                "rule": row.rule,
                "confidence": row.confidence,
                "evidence": row.evidence,
            }
        )
    return found


def _firms(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[Told]]:
    rows = connection.execute(
        sa.select(company_links, companies.c.name)
        .join(companies, companies.c.id == company_links.c.company_id)
        .where(company_links.c.interaction_id.in_(ids))
        .order_by(companies.c.name, companies.c.id)
    )
    found: dict[str, list[Told]] = {}
    for row in rows:
        firm: Told = {"id": row.company_id, "name": row.name, "domain": row.domain}
        found.setdefault(row.interaction_id, []).append(firm | {"rule": row.rule, "evidence": row.evidence})
    return found


def _places(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[tuple[str, str, bool]]]:
    """(mailbox, folder, gone) of every place, oldest first."""
    rows = connection.execute(
        sa.select(
            locations.c.interaction_id,
            mailboxes.c.written.label("address"),
            folders.c.name,
            locations.c.gone_at.is_not(None).label("gone"),
        )
        .join(mailboxes, mailboxes.c.id == locations.c.mailbox_id)
        .join(folders, folders.c.id == locations.c.folder_id)
        .where(locations.c.interaction_id.in_(ids))
        .order_by(locations.c.id)
    )
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for row in rows:
        found.setdefault(row.interaction_id, []).append((row.address, row.name, row.gone))
    for seat in connection.execute(_seats(ids)):
        found.setdefault(seat.interaction_id, []).append((seat.written, "calendar", False))
    return found


def _seats(ids: Sequence[str]) -> sa.Select[tuple[str, str]]:
    """In whose calendars meetings stand."""
    return (
        sa.select(meeting_places.c.interaction_id, mailboxes.c.written)
        .join(mailboxes, mailboxes.c.id == meeting_places.c.mailbox_id)
        .where(meeting_places.c.interaction_id.in_(ids))
        .order_by(meeting_places.c.rank)
    )


_ROLES = {"from": 0, "reply-to": 1, "to": 2, "cc": 3, "bcc": 4}


def _told(row: Mapping[str, object], people: list[Told], firms: list[Told], where: list[tuple[str, str, bool]]) -> Told:
    """mailboxes: everyone who has or had it; folders: where it lies now."""
    names = ("id", "kind", "direction", "occurred_at", "subject", "message_id", "thread_id")
    return {
        **{name: row[name] for name in names},
        "mailboxes": sorted({mailbox for mailbox, _, _ in where}),
        "folders": sorted({folder for _, folder, gone in where if not gone}),
        "capture": row["capture"],
        "text": row["text"],
        "attachments": row["attachments"],
        "companies": firms,
        "contacts": people,
        "flagged_as": row["flagged_as"],
    }
