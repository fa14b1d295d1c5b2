"""Makes one person of two, and two of one again. In the caller's transaction, begun by `open_directory`.

Every link moves; where both had one to the same interaction the stronger stays, and one made by hand is never written
over. What stood before is kept with the merge, so that undoing it brings both back as they were; what came since goes
to whom its address belongs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from agent.store import feed
from agent.store.bulk import chunks, json_text
from agent.store.database import Database
from agent.store.directory.companies import withdraw_claims
from agent.store.directory.contact_writes import Draft, Writer, queue_named, queue_rereads
from agent.store.directory.contacts import Contact, Email, load
from agent.store.directory.namesakes import name_columns
from agent.store.mail import threads
from agent.store.persons import merged_rows, suggested
from agent.store.tables import companies, contact_emails, contacts, external_ids, interactions, links, merges
from matchers.address import normalise


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """What moved, or came back. links: interactions; both: of these, how many the other had too."""

    contact_id: str
    addresses: tuple[str, ...]
    links: int
    both: int
    reminders: int


def merge(writer: Writer, kept: Contact, gone: Contact, now: datetime) -> Merged:
    """`gone` becomes a part of `kept`; its address finds that one from now on."""
    database, connection = writer.database, writer.connection
    database.serialise(connection)
    conversations = _threads(connection, gone.id)
    before = _columns(connection, kept.id)
    snapshot = {"contact": _columns(connection, gone.id), **_outside(connection, gone.id)}
    known = {"contact": before, **_outside(connection, kept.id)}
    values = {"kept_id": kept.id, "gone_id": gone.id, "gone": snapshot, "kept": known, "moved": {}, "made_at": now}
    number = connection.execute(sa.insert(merges).values(values).returning(merges.c.id)).scalar_one()
    both = merged_rows.move_links(connection, number, gone.id, kept.id)
    count = merged_rows.count_links(connection, number)
    moved = merged_rows.move_rest(writer, gone.id, kept.id, now)
    moved["suggestions"] = suggested.follow(connection, gone.id, kept.id)
    connection.execute(sa.update(merges).where(merges.c.id == number).values(moved=moved))
    _complete(connection, kept, gone)
    connection.execute(sa.delete(contacts).where(contacts.c.id == gone.id))
    _settle(writer, conversations, [gone.company_id], {kept.name, gone.name})
    _tell(database, connection, "merged", gone.id, {"into": kept.id}, kept.id)
    return Merged(
        contact_id=kept.id,
        addresses=tuple(email.address for email in gone.emails),
        links=count,
        both=both,
        reminders=len(moved["reminders"]),
    )


def last_merge(connection: sa.Connection, contact_id: str) -> "sa.Row[Any] | None":
    """The merge that would be undone next."""
    query = sa.select(merges).where(merges.c.kept_id == contact_id).order_by(merges.c.id.desc()).limit(1)
    return connection.execute(query).first()


def unmerge(writer: Writer, kept: Contact, undone: "sa.Row[Any]", now: datetime) -> Merged:
    """Undoes the last merge of `kept`."""
    database, connection = writer.database, writer.connection
    database.serialise(connection)
    gone = str(undone.gone_id)
    conversations = _threads(connection, kept.id)
    _bring_back(connection, gone, undone.gone)
    _take_back(connection, kept.id, undone.kept, undone.gone)
    count = merged_rows.count_links(connection, undone.id)
    both = merged_rows.return_links(connection, undone.id, kept.id, gone)
    merged_rows.return_rest(writer, undone.moved, kept.id, gone, now)
    suggested.part(connection, undone.moved["suggestions"], kept.id, gone, now)
    keys = [str(row["match_key"]) for row in undone.gone["emails"]]
    merged_rows.follow_addresses(connection, kept.id, gone, keys)
    connection.execute(sa.delete(merges).where(merges.c.id == undone.id))
    _settle(writer, conversations, [kept.company_id], {kept.name, str(undone.gone["contact"]["name"])})
    _tell(database, connection, "unmerged", gone, load(connection, [gone])[gone].told(), kept.id)
    return Merged(
        contact_id=gone,
        addresses=tuple(str(row["address"]) for row in undone.gone["emails"]),
        links=count,
        both=both,
        reminders=len(undone.moved["reminders"]),
    )


def former_names(connection: sa.Connection, ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """contact id -> names of those who became a part of it: an import that names them means this contact."""
    found: dict[str, set[str]] = {}
    for chunk in chunks(ids):
        query = sa.select(merges.c.kept_id, merges.c.gone).where(merges.c.kept_id.in_(chunk))
        for row in connection.execute(query):
            found.setdefault(row.kept_id, set()).add(str(row.gone["contact"]["name"]))
    return {key: frozenset(names) for key, names in found.items()}


def told(*snapshots: Mapping[str, object]) -> str:
    """Everything that snapshots say, folded, to be searched for words."""
    return json_text(snapshots).casefold()


def completed(kept: Contact, gone: Contact) -> Draft:
    """`kept` with whatever it lacks from `gone`. Pure."""
    return Draft(
        name=kept.name or gone.name,
        emails=_all_emails(kept.emails, gone.emails),
        phones=tuple(dict.fromkeys((*kept.phones, *gone.phones))),
        company=kept.company or gone.company or "",
        title=kept.title or gone.title,
        owner=kept.owner or gone.owner,
        stage=kept.stage or gone.stage,
        fields={**gone.fields, **kept.fields},
        external_ids={**gone.external_ids, **kept.external_ids},
    )


def _all_emails(kept: Sequence[Email], gone: Sequence[Email]) -> tuple[Email, ...]:
    """Each mailbox once, with all the days on which either of them held it."""
    if not kept:
        return tuple(gone)
    found = {normalise(email.address).match_key: email for email in kept}
    for email in gone:
        key = normalise(email.address).match_key
        found[key] = _longer(found[key], email) if key in found else _second(email)
    return tuple(found.values())


def _second(email: Email) -> Email:
    return Email(address=email.address, valid_from=email.valid_from, valid_to=email.valid_to)


def _longer(one: Email, other: Email) -> Email:
    begins = min(one.valid_from, other.valid_from) if one.valid_from and other.valid_from else None
    ends = max(one.valid_to, other.valid_to) if one.valid_to and other.valid_to else None
    return Email(address=one.address, primary=one.primary, valid_from=begins, valid_to=ends)


def _complete(connection: sa.Connection, kept: Contact, gone: Contact) -> None:
    """Writes `completed` over the contact that stays."""
    draft = completed(kept, gone)
    columns = {
        **name_columns(draft.name),
        "company_id": kept.company_id or gone.company_id,
        "title": draft.title,
        "owner": draft.owner,
        "stage": draft.stage,
        "phones": list(draft.phones),
        "fields": dict(draft.fields),
    }
    connection.execute(sa.update(contacts).where(contacts.c.id == kept.id).values(**columns))
    emails = [_email_row(email, is_primary=email.primary) for email in draft.emails]
    outside = [{"system": system, "external_id": value} for system, value in draft.external_ids.items()]
    _write_outside(connection, kept.id, {"emails": emails, "external_ids": outside})


def _email_row(email: Email, *, is_primary: bool) -> dict[str, object]:
    return {
        "match_key": normalise(email.address).match_key,
        "address": email.address,
        "is_primary": is_primary,
        "valid_from": email.valid_from.isoformat() if email.valid_from else None,
        "valid_to": email.valid_to.isoformat() if email.valid_to else None,
    }


def _columns(connection: sa.Connection, contact_id: str) -> dict[str, object]:
    row = connection.execute(sa.select(contacts).where(contacts.c.id == contact_id)).one()._mapping
    return {**row, "created_at": row["created_at"].isoformat()}


def _outside(connection: sa.Connection, contact_id: str) -> dict[str, list[dict[str, object]]]:
    """Addresses and external ids, as JSON keeps them."""
    emails = connection.execute(sa.select(contact_emails).where(contact_emails.c.contact_id == contact_id)).mappings()
    outside = connection.execute(sa.select(external_ids).where(external_ids.c.contact_id == contact_id)).mappings()
    return {
        "emails": [
            {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
            for row in emails
        ],
        "external_ids": [dict(row) for row in outside],
    }


def _bring_back(connection: sa.Connection, gone: str, snapshot: Mapping[str, Any]) -> None:
    row = snapshot["contact"]
    firm = _still_there(connection, row["company_id"])
    created = datetime.fromisoformat(row["created_at"])
    connection.execute(sa.insert(contacts).values({**row, "id": gone, "company_id": firm, "created_at": created}))
    _write_outside(connection, gone, snapshot)


def _take_back(connection: sa.Connection, kept: str, before: Mapping[str, Any], gone: Mapping[str, Any]) -> None:
    """What the merge brought goes; what was changed since stays."""
    now = _columns(connection, kept)
    brought = {
        name: before["contact"][name]
        for name in ("name", "title", "owner", "stage", "company_id")
        if before["contact"][name] in ("", None) and now[name] == gone["contact"][name]
    }
    if "company_id" in brought:
        brought["company_id"] = None
    if "name" in brought:
        brought |= name_columns(brought["name"])
    connection.execute(
        sa.update(contacts).where(contacts.c.id == kept).values(**brought, **_without(now, before, gone))
    )
    own = {row["match_key"] for row in before["emails"]}
    theirs = {row["match_key"] for row in gone["emails"]} - own
    here = _outside(connection, kept)
    earlier = {row["match_key"]: row for row in before["emails"]}
    emails = [earlier.get(row["match_key"], row) for row in here["emails"] if row["match_key"] not in theirs]
    systems = {row["system"] for row in gone["external_ids"]} - {row["system"] for row in before["external_ids"]}
    outside = [row for row in here["external_ids"] if row["system"] not in systems]
    _write_outside(connection, kept, {"emails": emails, "external_ids": outside})


def _without(now: Mapping[str, Any], before: Mapping[str, Any], gone: Mapping[str, Any]) -> dict[str, object]:
    """Phones and fields without those that only the other one had."""
    brought = set(gone["contact"]["phones"]) - set(before["contact"]["phones"])
    phones = [one for one in now["phones"] if one not in brought]
    own, theirs = before["contact"]["fields"], gone["contact"]["fields"]
    fields = {name: value for name, value in now["fields"].items() if name in own or theirs.get(name) != value}
    return {"phones": phones, "fields": fields}


def _write_outside(connection: sa.Connection, contact_id: str, rows: Mapping[str, Any]) -> None:
    for table, name in ((contact_emails, "emails"), (external_ids, "external_ids")):
        connection.execute(sa.delete(table).where(table.c.contact_id == contact_id))
        fresh = [{**row, "contact_id": contact_id} for row in rows[name]]
        if table is contact_emails:
            fresh = [{**row, **{side: _day(row[side]) for side in ("valid_from", "valid_to")}} for row in fresh]
        if fresh:
            connection.execute(sa.insert(table), fresh)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _still_there(connection: sa.Connection, company: str | None) -> str | None:
    query = sa.select(companies.c.id).where(companies.c.id == company)
    return connection.execute(query).scalar_one_or_none() if company is not None else None


def _threads(connection: sa.Connection, contact_id: str) -> set[str]:
    query = (
        sa.select(interactions.c.thread_id)
        .join(links, links.c.interaction_id == interactions.c.id)
        .where(links.c.contact_id == contact_id, interactions.c.thread_id.is_not(None))
        .distinct()
    )
    return set(connection.execute(query).scalars())


def _settle(writer: Writer, conversations: set[str], firms: Sequence[str | None], names: set[str]) -> None:
    """Claims that nobody bears out go; mail that may be decided otherwise now is queued."""
    freed = withdraw_claims(writer.connection, [firm for firm in firms if firm])
    queue_rereads(writer.connection, writer.database, freed)
    queue_named(writer.connection, writer.database, names)
    threads.queue_hanging(writer.database, writer.connection, conversations)


def _tell(
    database: Database, connection: sa.Connection, event: str, gone: str, body: Mapping[str, object], kept: str
) -> None:
    now = load(connection, [kept])[kept].told()
    batch = [
        feed.Change(kind="contact", event=event, entity=gone, body=body),
        feed.Change(kind="contact", event="updated", entity=kept, body=now),
    ]
    feed.append(database, connection, batch)
