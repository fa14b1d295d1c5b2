"""Decides for a whole page of envelopes what is kept, about whom, and why. Pure: the same page, the same answers.

Called by `agent.sync` in three steps: `read_heading` sees what each header shows by itself, `wanted` says what the
directory must be asked, `match_page` decides with its answers. `late_skip` looks once more when the body was read.
The order of messages, recipients and contacts changes nothing; a message that holds nonsense is decided like any other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.message import Envelope, Message
from matchers.case import Case, Heading, direction, open_case, read_heading, without_erased
from matchers.company import corporate_domain
from matchers.contact import Answers, ThreadView
from matchers.filters import late
from matchers.found import Found, customers
from matchers.match import CompanyLink, Decision, Doubt, Link, Log, Reason, Review, Role, Skip
from matchers.naming import Names, Stranger, is_worth_reading, names_of
from matchers.participants import MOST_LOOKED_UP, Seat
from matchers.policy import MatchPolicy, Own, has_category
from matchers.reasons import first_reason, machine_mail, signals_of
from matchers.tiers import search

__all__ = ["Heading", "MatchPolicy", "Own", "Wanted", "late_skip", "match_page", "read_heading", "wanted"]

MOST_EVIDENCE = 10
"""Facts shown for a whole message; each link keeps its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the directory must answer. keys: match keys. domains: corporate registrable domains.

    strangers: who may have to be asked for by name, once it is known whose addresses these are: `names`.
    """

    keys: frozenset[str]
    domains: frozenset[str]
    strangers: frozenset[Stranger] = frozenset()

    def names(self, answers: Answers) -> Names:
        """The names that decisions depend on, given what the directory said of addresses and companies."""
        return names_of(self.strangers, answers)


def wanted(headings: Iterable[Heading]) -> Wanted:
    """All addresses and company domains that decisions about these messages depend on."""
    keys: set[str] = set()
    domains: set[str] = set()
    strangers: set[Stranger] = set()
    for heading in headings:
        seats = heading.people
        if len(seats) > MOST_LOOKED_UP:
            seats = _foremost(seats)
        for seat in seats:
            keys.add(seat.normal.match_key)
            domains.add(seat.normal.domain)
            if is_worth_reading(seat.name):
                strangers.add((seat.normal.match_key, seat.normal.domain, seat.name, seat.role is Role.FROM))
    corporate = {corporate_domain(domain) for domain in domains}
    return Wanted(keys=frozenset(keys - {""}), domains=frozenset(corporate - {""}), strangers=frozenset(strangers))


def _foremost(seats: list[Seat]) -> list[Seat]:
    authors = [seat for seat in seats if seat.role in (Role.FROM, Role.REPLY_TO)]
    others = [seat for seat in seats if seat.role not in (Role.FROM, Role.REPLY_TO)]
    by_name = sorted(others, key=lambda seat: seat.normal.normalised)
    return sorted(authors, key=lambda seat: seat.normal.normalised)[:MOST_LOOKED_UP] + by_name[:MOST_LOOKED_UP]


def match_page(
    headings: Sequence[Heading],
    *,
    own: Own,
    policy: MatchPolicy,
    answers: Answers,
    threads: Mapping[str, ThreadView],
    tombstones: Mapping[str, Reason],
    erased_keys: frozenset[str] = frozenset(),
) -> list[Decision]:
    """One decision for each message, in their order.

    threads: envelope id -> the logged thread it belongs to. tombstones: envelope id -> erased or removed.
    erased_keys: match keys of erased people, as far as this page names them.
    """
    return [
        decide(
            open_case(
                heading,
                own=own,
                policy=policy,
                answers=answers,
                thread=threads.get(heading.envelope.id),
                tombstone=tombstones.get(heading.envelope.id),
                erased_keys=erased_keys,
            )
        )
        for heading in headings
    ]


def decide(case: Case) -> Decision:
    """Without the people who were erased: what concerns nobody else is erased, whatever else might be said of it."""
    if case.erased_keys and (left := without_erased(case)) is not case:
        found = search(left)
        if not (found.links or found.companies or found.doubts):
            return Skip(reason=Reason.ERASED, evidence=("A person in it was erased",))
        case = left
    return _decide(case)


def _decide(case: Case) -> Decision:
    """Reasons first, then the tiers, then whether it is machine mail."""
    if skip := first_reason(case):
        return skip
    found = search(case)
    if not (found.links or found.companies or found.doubts):
        return _unmatched(case)
    if not case.asked and (skip := machine_mail(case, found.links, found.doubts)):
        return skip
    return _kept(case, found)


def _unmatched(case: Case) -> Decision:
    if not case.asked:
        return Skip(reason=Reason.NO_CONTACT, evidence=(_nobody(case),))
    fact = "Its category asks to keep it, but nobody in it is a contact"
    seats = sorted(customers(case), key=lambda seat: (list(Role).index(seat.role), seat.normal.normalised))
    doubts = tuple(Doubt(address=s.address, role=s.role, candidates=(), evidence=(fact,)) for s in seats[:1])
    if not doubts:  # a note to oneself: there is nobody to ask about
        return Skip(reason=Reason.NO_CONTACT, evidence=(_nobody(case),))
    return Review(direction=direction(case), doubts=doubts, rule="category", evidence=(fact,))


def _nobody(case: Case) -> str:
    count = len(case.outside)
    if not count:
        return "It names nobody but us"
    return f"None of the {count} other addresses belongs to a contact" if count > 1 else "The other address is unknown"


def _kept(case: Case, found: Found) -> Log | Review:
    evidence = _evidence(case, found)
    if not found.links and not found.companies:
        return Review(direction=direction(case), doubts=found.doubts, rule=found.rule, evidence=evidence)
    return Log(
        direction=direction(case),
        links=found.links,
        companies=found.companies,
        doubts=found.doubts,
        suggestions=found.suggestions,
        rule=found.rule,
        evidence=evidence,
    )


def _evidence(case: Case, found: Found) -> tuple[str, ...]:
    asked = ["Its category asks to keep it"] if case.asked else []
    held: tuple[Link | CompanyLink | Doubt, ...] = (*found.links, *found.companies, *found.doubts)
    facts = [fact for one in held for fact in one.evidence]
    return tuple((asked + facts)[:MOST_EVIDENCE])


def late_skip(envelope: Envelope, message: Message, decision: Decision, policy: MatchPolicy) -> Skip | None:
    """The reason that only the body shows, for a message that the header would have kept; None to go on keeping it."""
    if isinstance(decision, Skip) or has_category(envelope.flags, policy.log_category):
        return None
    sign = late(message, envelope.subject)
    if sign is None or (sign.reason is Reason.BOUNCE and Reason.BOUNCE not in policy.skip):
        return None
    links: tuple[Link, ...] = decision.links if isinstance(decision, Log) else ()
    return Skip(reason=sign.reason, evidence=(sign.evidence,), signals=signals_of(envelope, sign, links))
