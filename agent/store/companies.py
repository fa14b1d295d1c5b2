"""Companies and the domains that lead to them.

A company is one name, however it is spelled in capitals and spaces. A domain is claimed for it by a person (the
column `company_domain`), or by the primary address of a contact of that company, if the domain is corporate.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.tables import companies, company_domains, contact_emails, contacts
from matchers.address import is_free_mail, normalise, registrable_domain


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Claim:
    """This registrable domain leads to this company. stated: by a person, who is right."""

    domain: str
    company_id: str
    stated: bool


def company_id(hasher: Hasher, name: str) -> str:
    """The id of the company with this name: the same after a restored backup, and for two imports at once."""
    return hasher.hash("company", " ".join(name.casefold().split())).hex()


def corporate_domain(domain: str) -> str:
    """The registrable part of a domain, or '' where anybody can have an address, so that it names no company."""
    return "" if is_free_mail(domain) else registrable_domain(domain)


def claim_of(company: str, stated_domain: str, primary_address: str) -> Claim | None:
    """What one contact says about the domain of its company; what a person wrote beats the address."""
    domain = corporate_domain(stated_domain or normalise(primary_address).domain)
    return Claim(domain=domain, company_id=company, stated=bool(stated_domain)) if domain else None


def add_companies(database: Database, connection: sa.Connection, names: Mapping[str, str]) -> None:
    """Adds the companies (id -> name) that are not there yet."""
    database.insert_new(connection, companies, [{"id": key, "name": name} for key, name in sorted(names.items())])


def add_claims(database: Database, connection: sa.Connection, claims: Collection[Claim]) -> bool:
    """Adds these claims and says whether any domain may lead elsewhere now."""
    known = _claims_on(connection, {claim.domain for claim in claims})
    fresh = [claim for claim in sorted(set(claims)) if not known.get((claim.domain, claim.company_id), False)]
    news = [c for c in fresh if c.stated or (c.domain, c.company_id) not in known]
    rows = [{"domain": c.domain, "company_id": c.company_id, "stated": c.stated} for c in news]
    database.insert_new(connection, company_domains, rows)
    for claim in filter(lambda claim: claim.stated, news):
        connection.execute(sa.update(company_domains).where(_is(claim)).values(stated=True))
    return bool(news)


def withdraw_claims(connection: sa.Connection, former: Collection[str]) -> bool:
    """Drops claims of these companies that no contact's address bears out any more; says whether there were any."""
    borne_out = {(domain, company) for company, domain in _primary_domains(connection, former)}
    seen = sa.select(company_domains).where(company_domains.c.company_id.in_(former), ~company_domains.c.stated)
    lost = [
        Claim(domain=row.domain, company_id=row.company_id, stated=False)
        for row in connection.execute(seen)
        if (row.domain, row.company_id) not in borne_out
    ]
    for claim in lost:
        connection.execute(sa.delete(company_domains).where(_is(claim)))
    return bool(lost)


def _claims_on(connection: sa.Connection, domains: Collection[str]) -> dict[tuple[str, str], bool]:
    """(domain, company) -> stated, of those domains."""
    rows = connection.execute(sa.select(company_domains).where(company_domains.c.domain.in_(sorted(domains))))
    return {(row.domain, row.company_id): row.stated for row in rows}


def _primary_domains(connection: sa.Connection, owners: Collection[str]) -> Iterable[tuple[str, str]]:
    rows = connection.execute(
        sa.select(contacts.c.company_id, contact_emails.c.address)
        .join(contact_emails, contact_emails.c.contact_id == contacts.c.id)
        .where(contacts.c.company_id.in_(owners), contact_emails.c.is_primary)
    )
    return [(row.company_id, corporate_domain(normalise(row.address).domain)) for row in rows]


def _is(claim: Claim) -> sa.ColumnElement[bool]:
    return sa.and_(company_domains.c.domain == claim.domain, company_domains.c.company_id == claim.company_id)
