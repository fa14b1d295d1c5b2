"""Which strangers of a message become contacts, where the firm wants that (`policy.create_contacts`). Pure.

Never people of ours, tasks such as info@, the erased, nor anybody in machine mail, in mail to a crowd, or in mail
that is not kept for another reason than that nobody was known. Nor who may be a contact already, by the name: made
anew, the contact would be two people, and the name of neither could tell who writes.
"""

from dataclasses import dataclass
from typing import Literal

from connectors.message import Envelope
from matchers.address import is_role_address
from matchers.case import is_inside
from matchers.contact import Answers
from matchers.filters import CROWD, sign_of
from matchers.match import Decision, Log, Reason, Role, Skip
from matchers.participants import Seat, seats
from matchers.policy import Own

CreateContacts = Literal["never", "when-we-write", "always"]

_RECIPIENTS = frozenset({Role.TO, Role.CC, Role.BCC})


@dataclass(frozen=True, kw_only=True, slots=True)
class Newcomer:
    """A contact to be. name: as the mail shows it, '' if it shows none."""

    address: str
    match_key: str
    name: str


def newcomers(
    envelope: Envelope,
    decision: Decision,
    *,
    own: Own,
    answers: Answers,
    create: CreateContacts,
    erased_keys: frozenset[str] = frozenset(),
) -> tuple[Newcomer, ...]:
    """Whom we wrote to; with `always`, also who wrote to us. In the order of their keys."""
    if create == "never" or not _is_personal(envelope, decision):
        return ()
    people = seats(envelope)
    known = _may_be_known(decision)
    inside = {seat.normal.match_key for seat in people if is_inside(seat, own, answers)}
    strangers = [
        seat
        for seat in people
        if seat.normal.match_key not in inside | erased_keys
        and seat.address not in known
        and _is_stranger(seat, answers)
    ]
    roles = _roles(create, we_write=any(s.role is Role.FROM and s.normal.match_key in inside for s in people))
    found = {s.normal.match_key: s for s in strangers if s.role in roles}
    return tuple(
        Newcomer(address=seat.normal.normalised, match_key=key, name=seat.name) for key, seat in sorted(found.items())
    )


def _may_be_known(decision: Decision) -> frozenset[str]:
    """Addresses of those who were linked by their name, or are asked about for more than their conversation."""
    if isinstance(decision, Skip):
        return frozenset()
    links = decision.links if isinstance(decision, Log) else ()
    named = [link.address for link in links if link.rule == "name"]
    doubts = decision.doubts if decision.rule != "thread" else ()
    return frozenset((*named, *(doubt.address for doubt in doubts if doubt.candidates)))


def _roles(create: CreateContacts, *, we_write: bool) -> frozenset[Role]:
    if we_write:
        return _RECIPIENTS
    return frozenset({Role.FROM}) if create == "always" else frozenset()


def _is_personal(envelope: Envelope, decision: Decision) -> bool:
    if isinstance(decision, Skip) and decision.reason is not Reason.NO_CONTACT:
        return False
    return sign_of(envelope) is None and len(seats(envelope)) <= CROWD


def _is_stranger(seat: Seat, answers: Answers) -> bool:
    key = seat.normal.match_key
    return bool(key and seat.normal.domain) and key not in answers.holders and not is_role_address(seat.address)
