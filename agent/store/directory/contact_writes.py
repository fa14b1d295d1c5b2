"""Adds and changes contacts, and queues the mail that was skipped or doubted before they were known.

Called by imports and by `contacts add`. Everything of one call stands in one transaction; `open_directory` comes
first in it, whatever is read or planned stands between, and the feed is told last.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import sqlalchemy as sa

from agent.store import feed
from agent.store.bulk import chunks
from agent.store.database import Database
from agent.store.directory.companies import add_claims, add_companies, claim_of, company_id, folded, withdraw_claims
from agent.store.directory.contacts import Contact, Email, load
from agent.store.directory.namesakes import interactions_naming, name_columns
from agent.store.hashes import Hasher
from agent.store.schedule.mailboxes import lock_all, make_due
from agent.store.tables import (
    chores,
    contact_emails,
    contacts,
    external_ids,
    links,
    locations,
    participants,
    rereads,
    suggestions,
)
from matchers.address import normalise
from matchers.company import corporate_domain
from matchers.names import full_name

REREADS = "rereads"
"""The chore of queueing re-reads."""
DIRECTORY_LOCK = 0x43524D02
"""Advisory lock of whoever changes contacts on PostgreSQL; any constant of our own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A contact as it shall stand. emails: each with a match key; the first is the primary one if none says so.

    company_domain: stated by a person, '' where the address decides. owner: a mailbox address in any spelling.
    """

    name: str = ""
    emails: tuple[Email, ...] = ()
    phones: tuple[str, ...] = ()
    company: str = ""
    company_domain: str = ""
    title: str = ""
    owner: str = ""
    stage: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    external_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """Changes contacts within one transaction that `open_directory` began."""

    database: Database
    connection: sa.Connection
    hasher: Hasher

    def add(self, drafts: Sequence[Draft], *, created_by: str, reread: bool = True) -> Sequence[str]:
        """Adds these contacts, tells the feed, queues re-reads, and returns their ids in the order given.

        reread: False where the caller owes that (`owe_rereads`).
        """
        ids = self._new_ids(drafts)
        now = datetime.now(UTC)
        self._write_companies(drafts)
        rows = [
            {"id": key, "created_by": created_by, "created_at": now, **self._columns(draft)}
            for key, draft in zip(ids, drafts, strict=True)
        ]
        _insert(self.connection, contacts, rows)
        written = dict(zip(ids, drafts, strict=True))
        self._write_addresses(written)
        claimed = self._write_claims(drafts)
        self._finish("added", written, moved=claimed, reread=reread and any(draft.emails for draft in drafts))
        return ids

    def update(self, drafts: Mapping[str, Draft]) -> None:
        """Makes these contacts (by id) look like the drafts. Unknown ids are left out."""
        before = load(self.connection, drafts.keys())
        known = {key: draft for key, draft in drafts.items() if key in before}
        self._write_companies(list(known.values()))
        for key, draft in known.items():
            self.connection.execute(sa.update(contacts).where(contacts.c.id == key).values(**self._columns(draft)))
        self._drop_addresses(known.keys())
        self._write_addresses(known)
        claimed = self._write_claims(list(known.values()))
        freed = withdraw_claims(self.connection, sorted(self._left_companies(before, known)))
        wider = any(_gains_address(before[key], draft) or _renamed(before[key], draft) for key, draft in known.items())
        for key, draft in known.items():
            if days := _other_days(before[key], draft):
                queue_linked(self.connection, self.database, key, days)
        self._finish("updated", known, moved=claimed | freed, reread=wider)

    def _columns(self, draft: Draft) -> dict[str, object]:
        return {
            **name_columns(draft.name),
            "company_id": company_id(self.hasher, draft.company) if draft.company else None,
            "title": draft.title,
            "owner": draft.owner,
            "stage": draft.stage,
            "phones": list(draft.phones),
            "fields": dict(draft.fields),
        }

    def _new_ids(self, drafts: Sequence[Draft]) -> Sequence[str]:
        """Derived from name and primary address: the same after a restored backup, so nothing points elsewhere."""
        wanted = [_identity(draft) for draft in drafts]
        first = [self.hasher.hash("contact", *parts).hex() for parts in wanted]
        taken = set(load(self.connection, first))
        ids: list[str] = []
        for parts, key in zip(wanted, first, strict=True):
            number = 1
            while key in taken or (number > 1 and load(self.connection, [key])):
                number += 1
                key = self.hasher.hash("contact", *parts, str(number)).hex()
            taken.add(key)
            ids.append(key)
        return ids

    def _write_companies(self, drafts: Sequence[Draft]) -> None:
        names: dict[str, str] = {}
        for draft in drafts:
            if draft.company:
                names.setdefault(company_id(self.hasher, draft.company), draft.company)
        add_companies(self.database, self.connection, names)

    def _write_claims(self, drafts: Sequence[Draft]) -> frozenset[str]:
        said = [
            claim_of(company_id(self.hasher, draft.company), draft.company_domain, _primary(draft))
            for draft in drafts
            if draft.company
        ]
        return add_claims(self.database, self.connection, [claim for claim in said if claim])

    def _write_addresses(self, drafts: Mapping[str, Draft]) -> None:
        emails = [row for key, draft in drafts.items() for row in _email_rows(key, draft)]
        _insert(self.connection, contact_emails, emails)
        for chunk in chunks([str(row["match_key"]) for row in emails]):
            self.connection.execute(sa.delete(suggestions).where(suggestions.c.match_key.in_(chunk)))
        outside = [
            {"contact_id": key, "system": system, "external_id": value}
            for key, draft in drafts.items()
            for system, value in draft.external_ids.items()
        ]
        _insert(self.connection, external_ids, outside)

    def _drop_addresses(self, ids: Collection[str]) -> None:
        for chunk in chunks(sorted(ids)):
            for table in (contact_emails, external_ids):
                self.connection.execute(sa.delete(table).where(table.c.contact_id.in_(chunk)))

    def _left_companies(self, before: Mapping[str, Contact], after: Mapping[str, Draft]) -> set[str]:
        """Companies that may have lost the address which showed their domain."""
        return {
            old
            for key, draft in after.items()
            if (old := before[key].company_id)
            and (
                not draft.company or old != company_id(self.hasher, draft.company) or _primary_moved(before[key], draft)
            )
        }

    def _finish(self, event: str, written: Mapping[str, Draft], *, moved: frozenset[str], reread: bool) -> None:
        if reread or moved:
            queue_rereads(self.connection, self.database, moved)
        queue_named(self.connection, self.database, {draft.name for draft in written.values()})
        for chunk in chunks(list(written)):
            now = load(self.connection, chunk)
            changes = [feed.Change(kind="contact", event=event, entity=key, body=now[key].told()) for key in chunk]
            feed.append(self.database, self.connection, changes)


def open_directory(database: Database, connection: sa.Connection, hasher: Hasher) -> Writer:
    """Begins a change of contacts: waits for other changers and for commits under way, so no decision slips past."""
    if not database.is_sqlite:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(DIRECTORY_LOCK)))
    lock_all(connection)
    return Writer(database=database, connection=connection, hasher=hasher)


def queue_rereads(connection: sa.Connection, database: Database, moved: Collection[str] = ()) -> None:
    """Queues the headers of what may be decided otherwise now, and makes mailboxes due.

    That is everything skipped as nobody's or left in doubt, logged mail that names a holder without a link to it, and
    logged mail that names somebody at a domain that leads to another company now (`moved`).
    """
    undecided = sa.or_(
        sa.and_(locations.c.outcome == "skipped", locations.c.reason == "no-contact"),
        locations.c.outcome == "review",
        locations.c.interaction_id.in_(_unlinked()),
    )
    _queue(connection, database, undecided)
    for chunk in chunks(_keys_at(connection, moved)):
        naming = sa.select(participants.c.interaction_id).where(participants.c.match_key.in_(chunk))
        _queue(connection, database, locations.c.interaction_id.in_(naming))
    make_due(connection, sa.select(rereads.c.mailbox_id), datetime.now(UTC))


def queue_named(connection: sa.Connection, database: Database, names: Collection[str]) -> None:
    """Queues logged mail that names one of these people beside an address nobody holds: it may be theirs now."""
    found = interactions_naming(connection, names)
    for chunk in chunks(found):
        _queue(connection, database, locations.c.interaction_id.in_(chunk))
    if found:
        make_due(connection, sa.select(rereads.c.mailbox_id), datetime.now(UTC))


def queue_address(connection: sa.Connection, database: Database, match_key: str) -> None:
    """Queues mail in review, and kept mail that names this address: somebody said whose it is not, or took it back."""
    naming = sa.select(participants.c.interaction_id).where(participants.c.match_key == match_key)
    _queue(connection, database, sa.or_(locations.c.outcome == "review", locations.c.interaction_id.in_(naming)))
    make_due(connection, sa.select(rereads.c.mailbox_id), datetime.now(UTC))


def owe_rereads(database: Database, connection: sa.Connection, now: datetime) -> None:
    """Notes that re-reads are to be queued, for contacts that come one after the other in one pass."""
    database.insert_new(connection, chores, [{"name": REREADS, "since": now}])


def pay_rereads(database: Database) -> None:
    """Queues what is owed, by whichever pass."""
    with database.read() as connection:
        owed = connection.execute(sa.select(chores.c.name).where(chores.c.name == REREADS)).first()
    if owed is None:
        return
    with database.write() as connection:
        lock_all(connection)
        if connection.execute(sa.delete(chores).where(chores.c.name == REREADS)).rowcount:
            queue_rereads(connection, database)


def queue_linked(connection: sa.Connection, database: Database, contact_id: str, keys: Collection[str]) -> None:
    """Queues kept mail that names the contact by one of these addresses: it may not have been theirs on that day.

    What somebody gave them by hand stays.
    """
    for chunk in chunks(sorted(keys)):
        linked = (
            sa.select(links.c.interaction_id)
            .join(participants, participants.c.interaction_id == links.c.interaction_id)
            .where(links.c.contact_id == contact_id, links.c.origin == "automatic", participants.c.match_key.in_(chunk))
        )
        _queue(connection, database, locations.c.interaction_id.in_(linked))
    make_due(connection, sa.select(rereads.c.mailbox_id), datetime.now(UTC))


def waiting(connection: sa.Connection) -> Counter[str]:
    """How many messages wait to be decided anew, by what they were decided to be until now."""
    query = (
        sa.select(locations.c.outcome, sa.func.count())
        .join(rereads, rereads.c.location_id == locations.c.id)
        .where(locations.c.gone_at.is_(None))
        .group_by(locations.c.outcome)
    )
    return Counter({str(outcome): int(count) for outcome, count in connection.execute(query)})


def _queue(connection: sa.Connection, database: Database, condition: "sa.ColumnElement[bool]") -> None:
    wanted = (
        sa.select(locations.c.id, locations.c.mailbox_id, sa.literal("contacts"))
        .where(condition, locations.c.gone_at.is_(None))
        .order_by(locations.c.id)
    )
    connection.execute(database.ignoring(rereads).from_select(["location_id", "mailbox_id", "why"], wanted))


def _unlinked() -> "sa.Select[tuple[str]]":
    """Interactions with a participant whose address a contact holds, and that are not linked to it by more than their
    conversation or a name."""
    return (
        sa.select(participants.c.interaction_id)
        .join(contact_emails, contact_emails.c.match_key == participants.c.match_key)
        .outerjoin(
            links,
            sa.and_(
                links.c.interaction_id == participants.c.interaction_id,
                links.c.contact_id == contact_emails.c.contact_id,
                links.c.rule.not_in(("thread", "name")),
            ),
        )
        .where(links.c.contact_id.is_(None))
    )


def _keys_at(connection: sa.Connection, domains: Collection[str]) -> list[str]:
    """Match keys in logged mail whose registrable domain is one of these."""
    if not domains:
        return []
    ends = tuple(domains)
    keys = connection.execute(sa.select(participants.c.match_key).distinct()).scalars()
    return [key for key in keys if key.endswith(ends) and corporate_domain(key.rpartition("@")[2]) in domains]


def _identity(draft: Draft) -> tuple[str, str]:
    return folded(draft.name), normalise(_primary(draft)).match_key


def _primary(draft: Draft) -> str:
    """The address that stands for the contact, or ''."""
    said = [email.address for email in draft.emails if email.primary]
    return (said or [email.address for email in draft.emails] or [""])[0]


def _email_rows(contact_id: str, draft: Draft) -> list[dict[str, object]]:
    primary = normalise(_primary(draft)).match_key
    rows: dict[str, dict[str, object]] = {}
    for email in draft.emails:
        key = normalise(email.address).match_key
        if not key:
            raise ValueError("an address without a match key is no address of a contact")
        rows.setdefault(
            key,
            {
                "contact_id": contact_id,
                "match_key": key,
                "address": email.address,
                "is_primary": key == primary,
                "valid_from": email.valid_from,
                "valid_to": email.valid_to,
            },
        )
    return list(rows.values())


def _gains_address(before: Contact, draft: Draft) -> bool:
    """Whether mail may belong to the contact that did not before: a new address, or other days of an old one."""
    return bool(_held(draft.emails) - _held(before.emails))


def _renamed(before: Contact, draft: Draft) -> bool:
    """Whether the name may tell of other mail now; one without address and company tells of none."""
    return full_name(before.name) != full_name(draft.name) and bool(draft.emails or draft.company)


def _other_days(before: Contact, draft: Draft) -> set[str]:
    """Match keys of addresses that stay the contact's, on other days than before."""
    known = {normalise(email.address).match_key: (email.valid_from, email.valid_to) for email in before.emails}
    said = {normalise(email.address).match_key: (email.valid_from, email.valid_to) for email in draft.emails}
    return {key for key in known.keys() & said.keys() if known[key] != said[key]}


def _held(emails: Sequence[Email]) -> set[tuple[str, date | None, date | None]]:
    return {(normalise(email.address).match_key, email.valid_from, email.valid_to) for email in emails}


def _primary_moved(before: Contact, draft: Draft) -> bool:
    return not before.emails or normalise(before.emails[0].address).match_key != normalise(_primary(draft)).match_key


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)
