"""Contacts as people see them: finding, reading and telling. `contact_writes` adds and changes them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.tables import changes, companies, contact_emails, contacts, external_ids
from matchers.address import normalise

BATCH = 1000
"""Contacts that a listing holds in memory at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Email:
    """One address of a contact, as its owner writes it. valid_from, valid_to: both inclusive, None open."""

    address: str
    primary: bool = False
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """One person. owner: the address of the mailbox whose customer this is, as people wrote it, or ''.

    emails: the primary one first. fields: the firm's own columns. external_ids: system -> the id there.
    created_by: import, add, mail or mailbox.
    """

    id: str
    name: str = ""
    emails: tuple[Email, ...] = ()
    phones: tuple[str, ...] = ()
    company: str | None = None
    company_id: str | None = None
    title: str = ""
    owner: str = ""
    stage: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    external_ids: Mapping[str, str] = field(default_factory=dict)
    created_by: str = ""

    def told(self) -> dict[str, object]:
        """What JSON says of this contact, in the command line and in the feed."""
        return {
            "id": self.id,
            "name": self.name,
            "emails": [_told_email(email) for email in self.emails],
            "phones": list(self.phones),
            "company": self.company,
            "title": self.title,
            "owner": self.owner or None,
            "stage": self.stage,
            "fields": dict(self.fields),
            "external_ids": dict(self.external_ids),
            "created_by": self.created_by,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Unclear:
    """What was asked for names no contact, or several: `ids`."""

    asked: str
    ids: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """For people: what is wrong and what to do."""
        if self.ids:
            return f"{self.asked} belongs to several contacts, name one by its id: {', '.join(self.ids)}"
        return f"no contact {self.asked}: `crm-agent contacts list` shows all of them"


def find(connection: sa.Connection, asked: str) -> str | Unclear:
    """The id of the contact with this address or id, or why there is not exactly one."""
    if not normalise(asked).match_key:
        known = connection.execute(sa.select(contacts.c.id).where(contacts.c.id == asked)).scalar_one_or_none()
        return Unclear(asked=asked) if known is None else str(known)
    ids = holders(connection, [asked])
    return ids[0] if len(ids) == 1 else Unclear(asked=asked, ids=tuple(ids))


def holders(connection: sa.Connection, addresses: Collection[str]) -> Sequence[str]:
    """The ids of all contacts that hold or held one of these addresses, sorted."""
    return holders_of(connection, {normalise(address).match_key for address in addresses})


def holders_of(connection: sa.Connection, keys: Collection[str]) -> Sequence[str]:
    """The same by match keys."""
    found: set[str] = set()
    for chunk in chunks(keys):
        wanted = sa.select(contact_emails.c.contact_id).where(contact_emails.c.match_key.in_(chunk))
        found.update(connection.execute(wanted).scalars())
    return sorted(found)


def show(connection: sa.Connection, contact_id: str) -> Contact | None:
    """One contact."""
    return load(connection, [contact_id]).get(contact_id)


def listing(connection: sa.Connection) -> Iterator[Contact]:
    """Every contact, by id, a batch in memory at a time."""
    last = ""
    while ids := _ids_after(connection, last):
        yield from load(connection, ids).values()
        last = ids[-1]


def load(connection: sa.Connection, ids: Collection[str]) -> dict[str, Contact]:
    """These contacts by id, in the order of their ids; unknown ids are absent."""
    found: dict[str, Contact] = {}
    for chunk in chunks(sorted(set(ids))):
        emails, outside = _emails(connection, chunk), _external_ids(connection, chunk)
        rows = connection.execute(
            sa.select(contacts, companies.c.name.label("company"))
            .outerjoin(companies, companies.c.id == contacts.c.company_id)
            .where(contacts.c.id.in_(chunk))
            .order_by(contacts.c.id)
        )
        for row in rows:
            found[row.id] = _contact(row, emails.get(row.id, ()), outside.get(row.id, {}))
    return found


def changed_addresses(connection: sa.Connection, since: datetime | None, most: int) -> list[str]:
    """The addresses of contacts that came or changed since then; none if these are more than `most` contacts."""
    query = sa.select(changes.c.entity).where(changes.c.kind == "contact").distinct().limit(most + 1)
    ids = connection.execute(query.where(changes.c.at >= since) if since is not None else query).scalars().all()
    if len(ids) > most:
        return []
    known = load(connection, ids).values()
    return sorted({normalise(email.address).normalised for contact in known for email in contact.emails} - {""})


def _contact(row: "sa.Row[tuple[object, ...]]", emails: Sequence[Email], outside: Mapping[str, str]) -> Contact:
    known = row._mapping
    return Contact(
        id=known["id"],
        name=known["name"],
        emails=tuple(emails),
        phones=tuple(known["phones"]),
        company=known["company"],
        company_id=known["company_id"],
        title=known["title"],
        owner=known["owner"],
        stage=known["stage"],
        fields=known["fields"],
        external_ids=outside,
        created_by=known["created_by"],
    )


def _emails(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[Email]]:
    found: dict[str, list[Email]] = {}
    rows = connection.execute(
        sa.select(contact_emails)
        .where(contact_emails.c.contact_id.in_(ids))
        .order_by(contact_emails.c.contact_id, contact_emails.c.is_primary.desc(), contact_emails.c.match_key)
    )
    for row in rows:
        email = Email(address=row.address, primary=row.is_primary, valid_from=row.valid_from, valid_to=row.valid_to)
        found.setdefault(row.contact_id, []).append(email)
    return found


def _external_ids(connection: sa.Connection, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    wanted = sa.select(external_ids).where(external_ids.c.contact_id.in_(ids)).order_by(external_ids.c.system)
    for row in connection.execute(wanted):
        found.setdefault(row.contact_id, {})[row.system] = row.external_id
    return found


def _ids_after(connection: sa.Connection, last: str) -> Sequence[str]:
    wanted = sa.select(contacts.c.id).where(contacts.c.id > last).order_by(contacts.c.id).limit(BATCH)
    return connection.execute(wanted).scalars().all()


def _told_email(email: Email) -> dict[str, object]:
    return {
        "address": email.address,
        "primary": email.primary,
        "from": email.valid_from.isoformat() if email.valid_from else None,
        "to": email.valid_to.isoformat() if email.valid_to else None,
    }
