"""Compares the rows of an import with the contacts that exist, and says what to do. Pure.

A row means the contact with that address *and* that name. The same address under another name is a second contact
that shares it. What a row leaves out stays as it is; so the same file imported twice changes nothing the second
time. `agent.store.directory.contact_writes` carries the plan out.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from agent.people.rows import Refused, Row
from agent.store.directory.contact_writes import Draft
from agent.store.directory.contacts import Contact, Email
from matchers.address import normalise
from matchers.company import corporate_domain


class Outcome(StrEnum):
    """What becomes of one row. shared: added, although somebody else has the address too."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SHARED = "shared"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One row's outcome, for people. text: the contact, with whom it shares an address, or why it was refused."""

    line: int
    outcome: Outcome
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to write. update: contact id -> how it shall stand. results: one for each row, in the file's order."""

    add: tuple[Draft, ...] = ()
    update: Mapping[str, Draft] = field(default_factory=dict)
    results: tuple[Result, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """How many rows ended so."""
        return sum(result.outcome is outcome for result in self.results)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """Domains of companies that people stated before: (company name folded, corporate domain)."""

    stated: frozenset[tuple[str, str]] = frozenset()

    def are_news(self, draft: Draft) -> bool:
        """Whether the draft states a domain for its company that nobody stated before."""
        corporate = corporate_domain(draft.company_domain)
        return bool(draft.company and corporate) and (fold_name(draft.company), corporate) not in self.stated

    def differ(self, before: Draft, after: Draft) -> bool:
        """Whether writing `after` over `before` changes anything. A contact does not keep the stated domain."""
        if self.are_news(after) and after.company_domain != before.company_domain:
            return True
        return replace(after, company_domain=before.company_domain) != before


@dataclass(frozen=True, kw_only=True, slots=True)
class Days:
    """From when to when the row says that its main address is the person's; None where it says nothing."""

    first: date | None = None
    last: date | None = None

    @classmethod
    def of(cls, row: Row) -> "Days":
        return cls(first=_day(row.valid_from), last=_day(row.valid_to))

    def on(self, email: Email) -> Email:
        return replace(email, valid_from=self.first or email.valid_from, valid_to=self.last or email.valid_to)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def fold_name(name: str) -> str:
    """A name as it is compared: capitals, spaces and compatibility forms do not make another person."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def keys_of(rows: Iterable[Row | Refused]) -> frozenset[str]:
    """The match keys whose holders, and whose erasure, the plan must be told."""
    return frozenset(_key(email) for row in rows if isinstance(row, Row) for email in row.emails) - {""}


def people_at(rows: Iterable[Row | Refused]) -> frozenset[tuple[str, str]]:
    """(name folded, match key) of everybody the rows name: whose erasure the plan must be told as well."""
    return frozenset(named for row in rows if isinstance(row, Row) for named in _named_at(row))


def plan_import(
    rows: Sequence[Row | Refused],
    existing: Collection[Contact],
    *,
    erased_keys: Collection[str] = (),
    erased_people: Collection[tuple[str, str]] = (),
    also_called: Mapping[str, Collection[str]] = MappingProxyType({}),
    claims: Claims | None = None,
    fills: bool = False,
) -> Plan:
    """existing: everybody who holds one of `keys_of(rows)` (others do no harm). erased_keys: of erased people.

    erased_people: of `people_at(rows)`, who were erased from an address that others have too. also_called: contact id
    -> names of those who were made a part of it: their rows mean it, and only fill in what it lacks. fills: no row does
    more than that.
    """
    desk = _Desk(existing, claims or Claims(), also_called, fills=fills)
    results = {number: _refuse(row) for number, row in enumerate(rows) if isinstance(row, Refused)}
    told = {number: row for number, row in enumerate(rows) if isinstance(row, Row)}
    for number, row in list(told.items()):
        by_key = not frozenset(map(_key, row.emails)).isdisjoint(erased_keys)
        if by_key or not _named_at(row).isdisjoint(erased_people):
            results[number] = _refuse(Refused(line=row.line, why="a person with this address was erased"))
            del told[number]
    for group in people_of(told):
        results |= desk.take({number: told[number] for number in group})
    return Plan(add=desk.added(), update=desk.updated(), results=tuple(results[n] for n in range(len(rows))))


def _named_at(row: Row) -> frozenset[tuple[str, str]]:
    return frozenset((fold_name(row.name), _key(email)) for email in row.emails)


def people_of(rows: Mapping[int, Row]) -> list[list[int]]:
    """Row numbers that mean one person: equal names that share an address, also by way of a third row.

    Rows without a name come last and each for itself: who they mean depends on the others.
    """
    first_with: dict[tuple[str, str], int] = {}
    leader = {number: number for number in rows}
    for number, row in rows.items():
        for key in map(_key, row.emails):
            if name := fold_name(row.name):
                _join(leader, first_with.setdefault((name, key), number), number)
    groups: dict[int, list[int]] = defaultdict(list)
    for number in rows:
        groups[_leader(leader, number)].append(number)
    return sorted(groups.values(), key=lambda group: (not fold_name(rows[group[0]].name), group))


def _join(leader: dict[int, int], one: int, other: int) -> None:
    one, other = sorted((_leader(leader, one), _leader(leader, other)))
    leader[other] = one


def _leader(leader: dict[int, int], number: int) -> int:
    """The first row of the group; the way there is shortened for the next who asks."""
    while leader[number] != number:
        leader[number] = leader[leader[number]]
        number = leader[number]
    return number


@dataclass(kw_only=True, slots=True)
class _Place:
    """One contact on the desk: as it stands (None: new) and as it shall stand. called: former names, folded."""

    contact_id: str | None
    before: Draft | None
    draft: Draft
    called: frozenset[str] = frozenset()
    fills: bool = False

    def answers_to(self, name: str) -> bool:
        return fold_name(name) in self.called or fold_name(self.draft.name) == fold_name(name)

    def with_row(self, row: Row) -> Draft:
        """What the row makes of it; the row of somebody who became a part of it overwrites nothing."""
        is_former = fold_name(row.name) in self.called and fold_name(row.name) != fold_name(self.draft.name)
        return filled(self.draft, row) if is_former or self.fills else merged(self.draft, row)

    def holds(self, key: str) -> bool:
        return any(_key(email.address) == key for email in self.draft.emails)


class _Desk:
    """All contacts that the rows may mean, those of earlier rows among them."""

    def __init__(
        self, existing: Collection[Contact], claims: Claims, also_called: Mapping[str, Collection[str]], *, fills: bool
    ) -> None:
        self._fills = fills
        self._places: list[_Place] = []
        self._by_key: dict[str, list[_Place]] = defaultdict(list)
        self._claims = claims
        for contact in sorted(existing, key=lambda contact: contact.id):
            draft = draft_of(contact)
            called = frozenset(map(fold_name, also_called.get(contact.id, ()))) - {""}
            self._put(_Place(contact_id=contact.id, before=draft, draft=draft, called=called, fills=fills))

    def take(self, rows: Mapping[int, Row]) -> dict[int, Result]:
        """Results by number, of the rows that mean one person."""
        main = _key(list(rows.values())[-1].emails[0])
        keys = dict.fromkeys(_key(email) for row in rows.values() for email in row.emails)
        holders = [place for key in keys for place in self._by_key[key]]
        name = next(iter(rows.values())).name
        place = _named(name, holders, main) if name else _holder(holders)
        results: dict[int, Result] = {}
        for number, row in rows.items():
            if isinstance(place, Refused):
                results[number] = _refuse(replace(place, line=row.line))
            elif place is None:
                place, results[number] = self._add(row)
            else:
                results[number] = self._merge(row, place)
        return results

    def added(self) -> tuple[Draft, ...]:
        return tuple(place.draft for place in self._places if place.before is None)

    def updated(self) -> dict[str, Draft]:
        return {
            place.contact_id: place.draft
            for place in self._places
            if place.contact_id is not None and place.before and self._claims.differ(place.before, place.draft)
        }

    def _put(self, place: _Place) -> None:
        self._places.append(place)
        for email in place.draft.emails:
            self._by_key[_key(email.address)].append(place)

    def _add(self, row: Row) -> tuple[_Place, Result]:
        others = self._others(map(_key, row.emails), None)
        place = _Place(contact_id=None, before=None, draft=merged(Draft(), row), fills=self._fills)
        self._put(place)
        outcome = Outcome.SHARED if others else Outcome.ADDED
        return place, Result(line=row.line, outcome=outcome, text=_shown(row) + others)

    def _merge(self, row: Row, place: _Place) -> Result:
        known, place.draft = place.draft, place.with_row(row)
        if not self._claims.differ(known, place.draft):
            return Result(line=row.line, outcome=Outcome.UNCHANGED, text=_shown(row))
        gained = {_key(email.address) for email in place.draft.emails} - {_key(email.address) for email in known.emails}
        for key in gained:
            self._by_key[key].append(place)
        text = _shown(row) + self._others(sorted(gained), place)
        return Result(line=row.line, outcome=Outcome.UPDATED, text=text)

    def _others(self, keys: Iterable[str], own: _Place | None) -> str:
        """Who else has one of these addresses, for people; '' if nobody."""
        holders = [place for key in keys for place in self._by_key[key] if place is not own]
        names = dict.fromkeys(place.draft.name or "a contact without a name" for place in holders)
        return f" (shares an address with {', '.join(names)})" if names else ""


def _named(name: str, holders: Sequence[_Place], main: str) -> _Place | None:
    """The contact of that name, before all the one with that main address; else one that has no name yet."""
    same = [place for place in holders if place.answers_to(name)]
    if same:
        return min(same, key=lambda place: (_main_key(place.draft) != main, not place.holds(main)))
    return next((place for place in holders if not place.draft.name and place.holds(main)), None)


def _holder(holders: Sequence[_Place]) -> _Place | Refused | None:
    """Whom a row without a name means: whoever alone holds its addresses."""
    if len({id(place) for place in holders}) > 1:
        return Refused(line=0, why="several contacts have its addresses: write the name of the one who is meant")
    return holders[0] if holders else None


def merged(draft: Draft, row: Row) -> Draft:
    """The draft with what the row says. Its first address becomes the primary one; no address is taken away."""
    company = draft.company if fold_name(row.company) in ("", fold_name(draft.company)) else row.company
    born = {"birthday": row.birthday} if row.birthday else {}
    return replace(
        draft,
        name=draft.name if fold_name(row.name) in ("", fold_name(draft.name)) else row.name,
        emails=_emails(draft.emails, row.emails, Days.of(row)),
        phones=tuple(dict.fromkeys((*draft.phones, *row.phones))),
        company=company,
        company_domain=row.company_domain or draft.company_domain,
        title=row.title or draft.title,
        owner=draft.owner if _key(row.owner) in ("", _key(draft.owner)) else row.owner,
        stage=row.stage or draft.stage,
        fields={**draft.fields, **row.fields, **born},
        external_ids={**draft.external_ids, **row.external_ids},
    )


def filled(draft: Draft, row: Row) -> Draft:
    """The draft with what it lacks and the row says; nothing that stands is changed."""
    said = merged(draft, row)
    main = _main_key(draft) or _key(row.emails[0])
    emails = sorted(said.emails, key=lambda email: (_key(email.address) != main, _key(email.address)))
    known = {_key(email.address): email for email in draft.emails}
    return replace(
        said,
        name=draft.name,
        emails=tuple(replace(known.get(_key(e.address), e), primary=_key(e.address) == main) for e in emails),
        company=draft.company or said.company,
        title=draft.title or said.title,
        owner=draft.owner or said.owner,
        stage=draft.stage or said.stage,
        company_domain=draft.company_domain if draft.company else said.company_domain,
        fields={**said.fields, **draft.fields},
        external_ids={**said.external_ids, **draft.external_ids},
    )


def _emails(known: Sequence[Email], said: Sequence[str], days: Days = Days()) -> tuple[Email, ...]:
    """The primary address first, the others by their key, as the store hands them out. days: of the main one."""
    emails = {_key(address): Email(address=address) for address in reversed(said)}
    emails |= {_key(email.address): email for email in known}
    main = _key(said[0])
    emails[main] = days.on(emails[main])
    ordered = sorted(emails, key=lambda key: (key != main, key))
    return tuple(replace(emails[key], primary=key == main) for key in ordered)


def draft_of(contact: Contact) -> Draft:
    """A contact as a draft that changes nothing."""
    return Draft(
        name=contact.name,
        emails=contact.emails,
        phones=contact.phones,
        company=contact.company or "",
        title=contact.title,
        owner=contact.owner,
        stage=contact.stage,
        fields=dict(contact.fields),
        external_ids=dict(contact.external_ids),
    )


def with_address(draft: Draft, address: str) -> Draft:
    """The draft with one more address, which is not the primary one unless it is the only one."""
    return replace(draft, emails=(*draft.emails, Email(address=address, primary=not draft.emails)))


def with_domain(draft: Draft, domain: str) -> Draft:
    """The draft that states the domain of its company."""
    return replace(draft, company_domain=domain)


def _key(address: str) -> str:
    return normalise(address).match_key


def _main_key(draft: Draft) -> str:
    return next((_key(email.address) for email in draft.emails if email.primary), "")


def _refuse(refused: Refused) -> Result:
    return Result(line=refused.line, outcome=Outcome.REFUSED, text=refused.why)


def _shown(row: Row) -> str:
    return f"{row.name} <{row.emails[0]}>" if row.name else row.emails[0]
