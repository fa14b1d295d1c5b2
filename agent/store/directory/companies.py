"""Companies and the domains that lead to them.

A company is one name, however it is spelled in capitals and spaces. A domain is claimed for it by a person (the
column `company_domain`), or by the primary address of a contact of that company, if the domain is corporate.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.tables import companies, company_domains, contact_emails, contacts
from matchers.address import normalise
from matchers.company import corporate_domain


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Claim:
    """This registrable domain leads to this company. stated: by a person, who is right."""

    domain: str
    company_id: str
    stated: bool


def company_id(hasher: Hasher, name: str) -> str:
    """The id of the company with this name: the same after a restored backup, and for two imports at once."""
    return hasher.hash("company", folded(name)).hex()


def folded(name: str) -> str:
    """A name as it is compared: capitals, spaces and compatibility forms do not make another."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def claim_of(company: str, stated_domain: str, primary_address: str) -> Claim | None:
    """What one contact says about the domain of its company; what a person wrote beats the address."""
    domain = corporate_domain(stated_domain or normalise(primary_address).domain)
    return Claim(domain=domain, company_id=company, stated=bool(stated_domain)) if domain else None


def add_companies(database: Database, connection: sa.Connection, names: Mapping[str, str]) -> None:
    """Adds the companies (id -> name) that are not there yet."""
    database.insert_new(connection, companies, [{"id": key, "name": name} for key, name in sorted(names.items())])


def add_claims(database: Database, connection: sa.Connection, claims: Collection[Claim]) -> frozenset[str]:
    """Adds these claims and returns the domains that may lead elsewhere now.

    Where a person stated domains of a company, addresses of its contacts claim no others for it.
    """
    stated = {claim.company_id for claim in claims if claim.stated} | _with_stated_domains(connection, claims)
    known = _claims_on(connection, {claim.domain for claim in claims})
    news = [
        claim for claim in sorted(set(claims)) if _is_news(claim, known.get((claim.domain, claim.company_id)), stated)
    ]
    rows = [{"domain": c.domain, "company_id": c.company_id, "stated": c.stated} for c in news]
    database.insert_new(connection, company_domains, rows)
    for claim in filter(lambda claim: claim.stated, news):
        connection.execute(sa.update(company_domains).where(_is(claim)).values(stated=True))
    return frozenset(claim.domain for claim in news)


def stated_domains(connection: sa.Connection) -> frozenset[tuple[str, str]]:
    """(company name folded, domain) of everything that people stated."""
    rows = connection.execute(
        sa.select(companies.c.name, company_domains.c.domain)
        .join(company_domains, company_domains.c.company_id == companies.c.id)
        .where(company_domains.c.stated)
    )
    return frozenset((folded(row.name), row.domain) for row in rows)


def _is_news(claim: Claim, known: bool | None, stated: Collection[str]) -> bool:
    """known: whether the claim stands already as a stated one; None if it does not stand."""
    return not known if claim.stated else known is None and claim.company_id not in stated


def _with_stated_domains(connection: sa.Connection, claims: Collection[Claim]) -> set[str]:
    found: set[str] = set()
    for chunk in chunks(sorted({claim.company_id for claim in claims})):
        wanted = sa.select(company_domains.c.company_id).where(
            company_domains.c.company_id.in_(chunk), company_domains.c.stated
        )
        found.update(connection.execute(wanted).scalars())
    return found


def withdraw_claims(connection: sa.Connection, former: Collection[str]) -> frozenset[str]:
    """Drops claims of these companies that no contact's address bears out any more, and returns their domains."""
    lost = [claim for chunk in chunks(sorted(set(former))) for claim in _not_borne_out(connection, chunk)]
    for claim in lost:
        connection.execute(sa.delete(company_domains).where(_is(claim)))
    return frozenset(claim.domain for claim in lost)


def _not_borne_out(connection: sa.Connection, former: Sequence[str]) -> list[Claim]:
    borne_out = {(domain, company) for company, domain in _primary_domains(connection, former)}
    seen = sa.select(company_domains).where(company_domains.c.company_id.in_(former), ~company_domains.c.stated)
    return [
        Claim(domain=row.domain, company_id=row.company_id, stated=False)
        for row in connection.execute(seen)
        if (row.domain, row.company_id) not in borne_out
    ]


def _claims_on(connection: sa.Connection, domains: Collection[str]) -> dict[tuple[str, str], bool]:
    """(domain, company) -> stated, of those domains."""
    found: dict[tuple[str, str], bool] = {}
    for chunk in chunks(sorted(domains)):
        for row in connection.execute(sa.select(company_domains).where(company_domains.c.domain.in_(chunk))):
            found[row.domain, row.company_id] = row.stated
    return found


def _primary_domains(connection: sa.Connection, owners: Collection[str]) -> Iterable[tuple[str, str]]:
    rows = connection.execute(
        sa.select(contacts.c.company_id, contact_emails.c.address)
        .join(contact_emails, contact_emails.c.contact_id == contacts.c.id)
        .where(contacts.c.company_id.in_(owners), contact_emails.c.is_primary)
    )
    return [(row.company_id, corporate_domain(normalise(row.address).domain)) for row in rows]


def _is(claim: Claim) -> sa.ColumnElement[bool]:
    return sa.and_(company_domains.c.domain == claim.domain, company_domains.c.company_id == claim.company_id)
