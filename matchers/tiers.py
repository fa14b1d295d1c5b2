"""The tiers of evidence, strongest first. Each adds to what the earlier ones found; none takes anything back.

A tier is a function (case, found) -> found, and `search` asks them. Names stand in `matchers.naming`; what a text
tells is looked at when the text is there (`matchers.late`).

Nobody of ours is ever the customer of a mail: contacts on our side count only in mail that stayed inside, where
there is nobody else it could be about, and the mailbox's own addresses not even there.
"""

from collections.abc import Sequence

from matchers.address import is_role_address, normalise
from matchers.case import Case, holders_of
from matchers.company import corporate_domain
from matchers.contact import CompanyRef, Holder, ThreadView
from matchers.found import NOTHING, SHOWN, Found, candidates, customers, foremost, link_to, order
from matchers.match import CompanyLink, Doubt, Link, Role
from matchers.naming import bearers_of, by_name, in_doubt_by_name
from matchers.participants import Seat

THREAD_CONFIDENCE = 0.9
"""The thread names the contact, the address does not: an assistant may have answered."""


def by_address(case: Case, found: Found) -> Found:
    """Tier 1: an address that exactly one contact holds on the mail's day; one with several holders is a doubt."""
    known = [(seat, holders) for seat in customers(case) if (holders := holders_of(case, seat))]
    if not known:
        return found
    links: dict[str, Link] = {}
    doubts, companies = [], set()
    for seat, holders in sorted(known, key=foremost):
        if len(holders) == 1:
            links.setdefault(holders[0].contact_id, _address_link(seat, holders[0]))
            companies.add(holders[0].company_id or "")
        else:
            doubts.append(_shared(seat, holders))
    rule = "address" if links else "shared-address"
    return Found(links=tuple(links.values()), doubts=tuple(doubts), company_ids=frozenset(companies), rule=rule)


def _address_link(seat: Seat, holder: Holder) -> Link:
    shown, written = SHOWN[seat.role], seat.normal.normalised
    if written == normalise(holder.email).normalised:
        fact = f"{shown} {written} is an address of {holder.name or 'the contact'}"
    else:
        fact = f"{shown} {written} is the same mailbox as {holder.email}, an address of {holder.name or 'the contact'}"
    return link_to(holder, seat.role, seat.address, rule="address", confidence=1.0, fact=fact)


def _shared(seat: Seat, holders: Sequence[Holder]) -> Doubt:
    fact = f"{SHOWN[seat.role]} {seat.normal.normalised} is an address of {len(holders)} contacts"
    return Doubt(address=seat.address, role=seat.role, candidates=candidates(holders), evidence=(fact,))


def by_thread(case: Case, found: Found) -> Found:
    """Tier 2: nobody is known, but the mail belongs to a logged thread: its one contact, else its one company."""
    if case.thread is None or found is not NOTHING:
        return found
    contacts = _outsiders(case, case.thread)
    seat = _stand_in(case)
    if len(contacts) == 1:
        return _thread_contact(case, contacts[0], seat)
    company = _common_company(case.thread, contacts)
    if company is not None and not contacts and _speaks_for(case, company):
        return found  # its own domain says as much: of two such messages neither is known by the other
    if company is not None:
        fact = "It belongs to a logged conversation" + (f" with people of {company.name}" if contacts else "")
        return Found(companies=(_company_link(company, "thread", fact),), rule="thread")
    contacts = case.answers.left(seat.normal.match_key, contacts)
    if not contacts:
        return found
    fact = f"It belongs to a logged conversation with {len(contacts)} contacts"
    doubt = Doubt(address=seat.address, role=seat.role, candidates=candidates(contacts), evidence=(fact,))
    return Found(doubts=(doubt,), rule="thread")


def _outsiders(case: Case, thread: ThreadView) -> list[Holder]:
    """The thread's contacts, each once, without ours and the erased; in an order of their own."""
    contacts: dict[str, Holder] = {}
    for holder in sorted(thread.contacts, key=lambda h: (h.name, h.contact_id, h.email)):
        normal = normalise(holder.email)
        if not case.own.has(normal) and normal.match_key not in case.erased_keys:
            contacts.setdefault(holder.contact_id, holder)
    return list(contacts.values())


def _stand_in(case: Case) -> Seat:
    """The seat in whose place the thread's contact is put: the foremost outside, else the sender."""
    seats = customers(case) or case.inside
    return min(seats, key=order) if seats else Seat(Role.FROM, "", "", normalise(""))


def _thread_contact(case: Case, contact: Holder, seat: Seat) -> Found:
    fact = f"It belongs to a logged conversation with {contact.name or contact.email}"
    link = link_to(contact, seat.role, seat.address, rule="thread", confidence=THREAD_CONFIDENCE, fact=fact)
    company_ids = frozenset({contact.company_id or ""})
    suggestions = _suggestions(case, contact)
    return Found(links=(link,), suggestions=suggestions, company_ids=company_ids, rule="thread")


def _suggestions(case: Case, contact: Holder) -> tuple[tuple[str, str], ...]:
    """The one unknown address that may be another of the contact's: the sender, or the only one we wrote to."""
    strangers = [seat for seat in customers(case) if seat.normal.match_key and case.outside]
    senders = [seat for seat in strangers if seat.role is Role.FROM]
    likely = senders or strangers
    if len(likely) != 1 or case.sign is not None or is_role_address(likely[0].address):
        return ()
    if not likely[0].normal.domain:  # an X.500 name: as likely that of one of us
        return ()
    return ((likely[0].normal.normalised, contact.contact_id),)


def _common_company(thread: ThreadView, contacts: Sequence[Holder]) -> CompanyRef | None:
    refs = {ref.company_id: ref for ref in thread.companies}
    ids = {holder.company_id for holder in contacts} if contacts else set(refs)
    if len(ids) != 1:
        return None
    return refs.get(ids.pop() or "")


def _company_link(company: CompanyRef, rule: str, fact: str) -> CompanyLink:
    return CompanyLink(
        company_id=company.company_id, name=company.name, domain=company.domain, rule=rule, evidence=(fact,)
    )


def by_domain(case: Case, found: Found) -> Found:
    """Tier 4: strangers at the corporate domain of a company that no linked contact already stands for."""
    if not case.answers.companies:
        return found
    spoken_for = [(seat, company) for seat in customers(case) if (company := _company_of(case, seat))]
    if not spoken_for:
        return found
    known = found.company_ids.union(company.company_id for company in found.companies)
    links: dict[str, CompanyLink] = {}
    for seat, company in sorted(spoken_for, key=foremost):
        if company.company_id not in known:
            fact = f"{SHOWN[seat.role]} is at {company.domain}, the domain of {company.name}"
            links.setdefault(company.company_id, _company_link(company, "domain", fact))
    if not links:
        return found
    rule = found.rule if found.links or found.companies else "domain"
    return found._replace(companies=(*found.companies, *links.values()), rule=rule)


def _speaks_for(case: Case, company: CompanyRef) -> bool:
    """Whether a stranger in the message is at a domain of this company."""
    found = (_company_of(case, seat) for seat in customers(case))
    return any(one is not None and one.company_id == company.company_id for one in found)


def _company_of(case: Case, seat: Seat) -> CompanyRef | None:
    """The company a stranger's address speaks for; what a contact holds that day is no stranger's."""
    company = case.answers.companies.get(corporate_domain(seat.normal.domain))
    if company is None or case.own.has(seat.normal) or holders_of(case, seat):
        return None
    return company


def search(case: Case) -> Found:
    """Asks the tiers in turn. Hardly a message has a contact's name in it, so who bears one is looked up once."""
    bearers = bearers_of(case)
    found = by_address(case, NOTHING)
    if bearers:
        found = by_name(case, found, bearers)
    found = by_domain(case, by_thread(case, found))
    return in_doubt_by_name(case, found, bearers) if bearers else found
