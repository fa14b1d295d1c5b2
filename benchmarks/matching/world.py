"""Customers, their people, and which of them our firm knows: the truth that letters are written from.

The same for the same seed. Most people at a customer are no contacts; some have a contact's name; some left. Whatever
a rule could guess from here it can guess from an address book: nothing tells more than mail and contacts do.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random
from typing import TypeVar

from matchers.address import normalise
from matchers.chain import Wanted
from matchers.contact import MOST_NAMESAKES, Answers, CompanyRef, Holder
from matchers.names import full_name
from matchers.policy import Own

COMPANIES = 300
STAFF = (5, 40)
"""People at a company, fewest and most."""

CONTACTS = (1, 6)
FREE_MAIL = ("gmail.com", "gmx.de", "web.de", "outlook.com", "yahoo.fr", "orange.fr", "libero.it", "hotmail.com")
OWN = Own(addresses=frozenset({"anna@ourfirm.example"}), domains=frozenset({"ourfirm.example"}))
LEFT = date(2025, 6, 30)
"""The last day of those who changed firms."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_GIVEN = _words(
    "Anna Peter Maria Thomas Julia Michael Sarah Robert William Elizabeth Katherine James Jennifer David Susan Daniel"
    " Christine Stefan Jürgen Ulrike Günther Sophie Antoine Zoé François Giulia Marco Lucía José Miguel Carmen Søren"
    " Ingrid Lars Łukasz Agnieszka Marek Jana Petra Anthony Edward Richard Samuel Margaret Deborah Matthew Nicholas"
    " Joseph Charles Gregory Ayşe Mehmet Priya Ravi Wei Yuki Olga Dmitri Elena Nikos Chloé Hans-Peter Marie-Claire"
)
_STEMS = _words(
    "Berg Stein Wald Hof Bach Feld Burg Linden Stahl Gold Silber Winter Sommer Frei Hart Lang Kurz Rose Nord West Ost"
    " Grün Weiß Schwarz Roth Alt Neu Ober Unter Hoch Brand Eich Buch Tann Kirch Markt Brück Mühl See Sand Kies Thal"
    " Lam Pet Nov Jan Kov Mor Cast Fern Rod Mart Gonz Ben Had Yil Tak Suz Kim Pat Sing Cho"
)
_ENDS = _words("mann er ner ski sen son ström ez i eau ard in ov ley ton ham field wood ford well")


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """id: of the contact, '' for a stranger. firm: index of the company, -1 for private people."""

    name: str
    email: str
    id: str = ""
    firm: int = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Who is who. holders, named, shortened: what our address book says."""

    companies: Sequence[CompanyRef]
    contacts: Sequence[Person]
    strangers: Sequence[Person]
    colleagues: Sequence[Person]
    holders: dict[str, tuple[Holder, ...]] = field(default_factory=dict)
    named: dict[str, tuple[Holder, ...]] = field(default_factory=dict)
    shortened: dict[tuple[str, str], tuple[Holder, ...]] = field(default_factory=dict)

    def answer(self, want: Wanted) -> Answers:
        """What the directory would say."""
        found = Answers(
            holders={key: self.holders[key] for key in want.keys if key in self.holders},
            companies={one.domain: one for one in self.companies if one.domain in want.domains},
        )
        names = want.names(found)
        return replace(found, named=_few(self.named, names.full), shortened=_few(self.shortened, names.short))

    def know(self, person: Person, *addresses: str, to: date | None = None, since: date | None = None) -> Person:
        """Puts somebody into the address book, the first address as the primary one."""
        company = self.companies[person.firm].company_id if person.firm >= 0 else None
        for address in addresses or (person.email,):
            one = Holder(
                contact_id=person.id,
                name=person.name,
                email=address,
                company_id=company,
                valid_to=to,
                valid_from=since,
            )
            key = normalise(address).match_key
            self.holders[key] = (*self.holders.get(key, ()), one)
            if address == (addresses or (person.email,))[0]:
                name = full_name(person.name)
                self.named[name.key] = (*self.named.get(name.key, ()), one)
                for place in ((company or "", key) for key in (name.short, name.inner) if key):
                    self.shortened[place] = (*self.shortened.get(place, ()), one)
        return person


Key = TypeVar("Key")


def _few(known: Mapping[Key, tuple[Holder, ...]], asked: Collection[Key]) -> Mapping[Key, tuple[Holder, ...]]:
    """What is known of these names, without those that too many have."""
    return {key: known[key] for key in asked if 0 < len(known.get(key, ())) <= MOST_NAMESAKES}


def make_world(random: Random) -> World:
    """A firm's address book and everybody behind it."""
    companies = [CompanyRef(company_id=f"c{n}", name=f"Firm {n}", domain=f"firm{n}.example") for n in range(COMPANIES)]
    world = World(companies=companies, contacts=[], strangers=[], colleagues=_colleagues(random))
    contacts, strangers = list[Person](), list[Person]()
    for firm in range(COMPANIES):
        staff = [employee(random, firm, companies[firm].domain) for _ in range(random.randint(*STAFF))]
        known = random.randint(*CONTACTS)
        for person in staff[:known]:
            contacts.append(world.know(replace(person, id=f"p{len(contacts)}")))
        strangers += staff[known:]
    for _ in range(COMPANIES):
        contacts.append(world.know(replace(private(random), id=f"p{len(contacts)}")))
    return replace(world, contacts=contacts, strangers=strangers)


def _colleagues(random: Random) -> list[Person]:
    return [employee(random, -1, "ourfirm.example") for _ in range(12)]


def person_name(random: Random) -> str:
    """A full name; how often two people share one is about as in life."""
    return f"{random.choice(_GIVEN)} {random.choice(_STEMS)}{random.choice(_ENDS)}"


def employee(random: Random, firm: int, domain: str) -> Person:
    """Somebody with an address at a company."""
    name = person_name(random)
    return Person(name=name, email=f"{_local(name)}{random.randrange(10**6)}@{domain}", firm=firm)


def private(random: Random) -> Person:
    """Somebody at a provider of mail for everybody."""
    name = person_name(random)
    return Person(name=name, email=f"{_local(name)}{random.randrange(10**7)}@{random.choice(FREE_MAIL)}")


def _local(name: str) -> str:
    given, _, family = name.lower().partition(" ")
    return f"{plain(given)[0]}.{plain(family)}"


_PLAIN: Mapping[int, str] = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "í": "i", "ø": "o", "ł": "l", "ş": "s", "ç": "c", "-": ""}
)


def plain(text: str) -> str:
    """As it may stand in an address."""
    return text.lower().translate(_PLAIN).encode("ascii", "ignore").decode() or "x"
