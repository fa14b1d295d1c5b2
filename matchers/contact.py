"""What the matchers know of people: the answers of a directory to the addresses of one page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

MOST_NAMESAKES = 20
"""Contacts of one name; with more, the name tells nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """A contact that holds (or held) an address.

    email: the address as its owner writes it. valid_from, valid_to: when it belonged to them, both inclusive,
    None open. company_id: None if unknown.
    """

    contact_id: str
    name: str
    email: str
    company_id: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CompanyRef:
    """A company that owns a domain."""

    company_id: str
    name: str
    domain: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """One directory lookup for a whole page.

    holders: match key of an address (`matchers.address`) -> who holds it, in no particular order.
    companies: registrable domain -> the company that owns it.
    named: key of a full name (`matchers.names`) -> the contacts of that name with their primary address, if that was
    asked. Names that more than `MOST_NAMESAKES` contacts share are left out: nobody could say who is meant.
    shortened: (company id, short key of a name) -> the contacts of that company who stand under it, likewise.
    refused: match key -> ids of the contacts of whom somebody said that the address is not theirs.
    """

    holders: Mapping[str, tuple[Holder, ...]] = field(default_factory=dict)
    companies: Mapping[str, CompanyRef] = field(default_factory=dict)
    named: Mapping[str, tuple[Holder, ...]] = field(default_factory=dict)
    shortened: Mapping[tuple[str, str], tuple[Holder, ...]] = field(default_factory=dict)
    refused: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def left(self, match_key: str, people: Iterable[Holder]) -> list[Holder]:
        """Those of whom nobody said that the address is not theirs."""
        not_theirs = self.refused.get(match_key)
        return [one for one in people if one.contact_id not in not_theirs] if not_theirs else list(people)


@dataclass(frozen=True, kw_only=True, slots=True)
class ThreadView:
    """The logged side of the thread a message belongs to.

    contacts: those outside our firm whom its messages name by a rule of their own (never by the thread rule).
    """

    thread_id: str
    contacts: tuple[Holder, ...] = ()
    companies: tuple[CompanyRef, ...] = ()
