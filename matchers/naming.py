"""Who a stranger is by the name beside the address, where the address alone says only the company.

Never by a name without its company's domain, nor by initials or other short forms: those are asked about, or nothing is
said; by a family name alone not even that. Nor by a name at all where somebody said that the address is not theirs. Two
tiers: `by_name` links before conversations are looked at, `in_doubt_by_name` asks about what they left open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from matchers.address import is_free_mail, is_role_address
from matchers.case import Case, holders_at, message_day
from matchers.company import corporate_domain
from matchers.contact import Answers, CompanyRef, Holder
from matchers.found import Found, candidates, customers, link_to, order
from matchers.match import Doubt, Link, Role
from matchers.names import full_name, may_be_one, may_shorten
from matchers.participants import Seat

NAME_CONFIDENCE = 0.8
"""Full name and company agree, the address is new: a namesake who is no contact yet remains possible."""

MOST_ASKED_ABOUT = 3
"""Contacts of one name at a free-mail address; of a name that more share nobody could say who is meant."""

Stranger = tuple[str, str, str, bool]
"""Match key, domain, the name beside it, and whether the mail is from there."""


class Bearer(NamedTuple):
    """A stranger whose name tells something.

    named: everybody of that full name, wherever they are. alike: everybody at the address's company of whose name it
    may be a longer or shorter form.
    """

    seat: Seat
    named: list[Holder]
    alike: list[Holder]


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What to ask the directory of names. full: keys of full names. short: (company id, short key) of any name."""

    full: frozenset[str] = frozenset()
    short: frozenset[tuple[str, str]] = frozenset()


def is_worth_reading(name: str) -> bool:
    """Whether a display name may hold more than one word; some scripts write names in one."""
    return " " in name or "." in name or not name.isascii()


def _may_tell(key: str, domain: str) -> bool:
    """Whether the name beside an address may tell who writes: not at those of a task, nor with look-alike letters."""
    return bool(key and domain) and key.isascii() and not is_role_address(key)


def names_of(strangers: Iterable[Stranger], answers: Answers) -> Names:
    """The names worth asking for: of strangers at a company's domain, and of writers at free-mail providers."""
    full: set[str] = set()
    short: set[tuple[str, str]] = set()
    for key, domain, name, wrote in strangers:
        company = answers.companies.get(corporate_domain(domain))
        if (company is None and not (wrote and is_free_mail(domain))) or key in answers.holders:
            continue
        if _may_tell(key, domain):
            told = full_name(name)
            full.add(told.key)
            short |= {(company.company_id, one) for one in told.asks} if company is not None else set()
    return Names(full=frozenset(full - {""}), short=frozenset(short))


def by_name(case: Case, found: Found, bearers: Sequence[Bearer]) -> Found:
    """Tier 3n: the full name of exactly one contact of the company whose domain the address has, and nobody else's."""
    if not case.policy.log_names:
        return found
    day = message_day(case.envelope)
    links = {link.contact_id: link for link in found.links}
    suggestions = dict(found.suggestions)
    companies = set(found.company_ids)
    for seat, people, _ in bearers:
        holder = _the_one(case, seat, people, day)
        if holder is not None and holder.contact_id not in links:
            links[holder.contact_id] = _name_link(case, seat, holder)
            suggestions[seat.normal.normalised] = holder.contact_id
            companies.add(holder.company_id or "")
    if len(links) == len(found.links):
        return found
    return found._replace(
        links=tuple(links.values()),
        suggestions=tuple(suggestions.items()),
        company_ids=frozenset(companies),
        rule=found.rule if found.links else "name",
    )


def _the_one(case: Case, seat: Seat, people: list[Holder], day: date | None) -> Holder | None:
    company = case.answers.companies.get(corporate_domain(seat.normal.domain))
    if company is None or len(people) != 1 or people[0].company_id != company.company_id:
        return None
    known = full_name(people[0].name)
    sure = may_be_one(known, full_name(seat.name)) and bool(holders_at((people[0],), day))
    sure = sure and bool(case.answers.left(seat.normal.match_key, people))
    return people[0] if sure and not case.own.has(seat.normal) else None


def bearers_of(case: Case) -> list[Bearer]:
    """Strangers with a contact's name, or a form of it, the foremost first.

    Nobody whose address was ever somebody's, or names a task.
    """
    answers = case.answers
    if not answers.named and not answers.shortened:
        return []
    found = [
        bearer
        for seat in customers(case)
        if seat.normal.match_key not in answers.holders
        and is_worth_reading(seat.name)
        and (bearer := _bearer(answers, seat)) is not None
        and _may_tell(seat.normal.match_key, seat.normal.domain)
    ]
    return sorted(found, key=lambda one: order(one.seat))


def _bearer(answers: Answers, seat: Seat) -> Bearer | None:
    name = full_name(seat.name)
    named = answers.named.get(name.key, ())
    company = answers.companies.get(corporate_domain(seat.normal.domain)) if name.asks and answers.shortened else None
    pairs = [(company.company_id, key) for key in name.asks] if company is not None else ()
    likely = [one for pair in pairs for one in answers.shortened.get(pair, ())]
    if not named and not likely:  # nearly always
        return None
    alike = _people(one for one in likely if may_shorten(name, full_name(one.name)))
    return Bearer(seat, _people(named), alike) if named or alike else None


def _people(holders: Iterable[Holder]) -> list[Holder]:
    """Each once, in an order of their own."""
    people = {holder.contact_id: holder for holder in holders}
    return sorted(people.values(), key=lambda holder: (holder.name, holder.contact_id))


def _name_link(case: Case, seat: Seat, holder: Holder) -> Link:
    company = case.answers.companies[corporate_domain(seat.normal.domain)]
    fact = f"{seat.name} is the full name of one contact, and the address is at {company.domain}"
    return link_to(holder, seat.role, seat.address, rule="name", confidence=NAME_CONFIDENCE, fact=fact)


def in_doubt_by_name(case: Case, found: Found, bearers: Sequence[Bearer]) -> Found:
    """Tier 5 of names: namesakes at the company, a name that must not decide, a contact's name at free mail."""
    settled = {link.address for link in found.links} | {doubt.address for doubt in found.doubts}
    linked = {link.contact_id for link in found.links}
    doubts = [
        doubt
        for bearer in bearers
        if bearer.seat.address not in settled and (doubt := _doubt(case, bearer, linked)) is not None
    ]
    if not doubts:
        return found
    rule = found.rule or "name"
    return found._replace(doubts=(*found.doubts, *doubts), rule=rule)


def _doubt(case: Case, bearer: Bearer, linked: set[str]) -> Doubt | None:
    seat = bearer.seat
    if case.own.has(seat.normal):
        return None
    linked = linked | case.answers.refused.get(seat.normal.match_key, frozenset())
    company = case.answers.companies.get(corporate_domain(seat.normal.domain))
    if company is not None:
        people, fact = _at_company(bearer, company, linked)
    else:
        people = [one for one in bearer.named if one.contact_id not in linked]
        fact = f"Its name is that of {_count(people)}, but anybody can have such an address"
        if seat.role is not Role.FROM or len(people) > MOST_ASKED_ABOUT or not is_free_mail(seat.normal.domain):
            return None
    if not people:
        return None
    return Doubt(address=seat.address, role=seat.role, candidates=candidates(people), evidence=(fact,))


def _at_company(bearer: Bearer, company: CompanyRef, linked: set[str]) -> tuple[list[Holder], str]:
    """Whom to ask about, and why: who has that name there, and of whose name it may be a form."""
    here = [
        [one for one in people if one.company_id == company.company_id and one.contact_id not in linked]
        for people in (bearer.named, bearer.alike)
    ]
    people = _people(one for found in here for one in found)
    fact = f"{_likeness(bearer, exact=len(people) == len(here[0]))} {_count(people)} of {company.name}"
    return people, f"{fact}, but the address is of none"


def _likeness(bearer: Bearer, *, exact: bool) -> str:
    if "".join(full_name(bearer.seat.name).before[:1]).endswith("."):
        return "Its name has initials that may mean"
    return "Its name is that of" if exact else "Its name may be a form of that of"


def _count(people: list[Holder]) -> str:
    return "one contact" if len(people) == 1 else f"{len(people)} contacts"
