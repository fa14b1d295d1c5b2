"""What the tiers of evidence hand on to one another, and what several of them need."""

from collections.abc import Sequence
from typing import NamedTuple

from matchers.case import ROLE_RANK, Case
from matchers.contact import Holder
from matchers.match import Candidate, CompanyLink, Doubt, Link, Role
from matchers.participants import Seat

SHOWN = {Role.FROM: "From", Role.REPLY_TO: "Reply-To", Role.TO: "To", Role.CC: "Cc", Role.BCC: "Bcc"}


class Found(NamedTuple):
    """What the tiers have so far. company_ids: companies that the linked contacts already stand for.

    A plain tuple: a tier that finds something makes a new one.
    """

    links: tuple[Link, ...] = ()
    companies: tuple[CompanyLink, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    suggestions: tuple[tuple[str, str], ...] = ()
    company_ids: frozenset[str] = frozenset()
    rule: str = ""


NOTHING = Found()


def customers(case: Case) -> list[Seat]:
    """Whose mail it may be: everyone outside; in mail that stayed inside, the others of ours; never the erased."""
    seats = case.outside or [seat for seat in case.inside if seat.normal.match_key not in case.own.addresses]
    if not case.erased_keys:
        return seats
    return [seat for seat in seats if seat.normal.match_key not in case.erased_keys]


def order(seat: Seat) -> tuple[int, str, str]:
    """The foremost first, whatever order they were written in."""
    return ROLE_RANK[seat.role], seat.normal.normalised, seat.address


def foremost(one: tuple[Seat, object]) -> tuple[int, str, str]:
    """The order of seats, for what was found of each."""
    return order(one[0])


def link_to(holder: Holder, role: Role, address: str, *, rule: str, confidence: float, fact: str) -> Link:
    """What binds a message to a contact. role, address: in which part of it, and under which address."""
    return Link(
        contact_id=holder.contact_id,
        email=holder.email,
        name=holder.name,
        role=role,
        address=address,
        rule=rule,
        confidence=confidence,
        evidence=(fact,),
    )


def candidates(holders: Sequence[Holder]) -> tuple[Candidate, ...]:
    """All of them, equally likely, in the order given."""
    score = round(1 / len(holders), 2) if holders else 0.0
    return tuple(Candidate(contact_id=h.contact_id, email=h.email, name=h.name, score=score) for h in holders)
