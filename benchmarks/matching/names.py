"""Slices of mail in which a name stands beside an unknown address: shorter and longer forms of a contact's."""

from random import Random

from benchmarks.matching.letters import Letter, ids, said, written
from benchmarks.matching.picking import a_contact, domain_of, entered
from benchmarks.matching.world import Person, World, person_name, plain


def initials(world: World, random: Random) -> Letter:
    """`J. Smith` in the ways that people write it: a question about those at the company who may be meant."""
    one = a_contact(world, random, at_work=True)
    given, _, family = one.name.partition(" ")
    short = "-".join(f"{part[0]}." for part in given.split("-"))
    shown = random.choice(
        [
            *(f"{short} {family}", f"{family}, {short}", f"{given[0]} {family}", f"Dr. {short} {family}, PhD"),
            *(f"{short} X. {family}", f"{family} {given[0]}.".upper(), f"{short} {family} (Sales)"),
        ]
    )
    address = f"{plain(family)}{random.randrange(10**6)}@{domain_of(one)}"
    fitting = [other for other in world.contacts if other.firm == one.firm and _begins_alike(other, one)]
    return said(written(from_=f'"{shown}" <{address}>'), one, linkable=False, asks=ids(*fitting))


def double_names(world: World, random: Random) -> Letter:
    """Somebody with two family names who writes under the first alone, or with initials: a question."""
    one = a_contact(world, random, at_work=True)
    (given, _, first), second = person_name(random).partition(" "), person_name(random).partition(" ")[2]
    domain, number = domain_of(one), random.randrange(10**6)
    known = Person(name=f"{given} {first} {second}", email=f"d{number}@{domain}", firm=one.firm)
    world.know(known := entered(world, known))
    shown = random.choice(
        [f"{given[0]}. {first}", f"{first}, {given[0]}.", f"{given} {first}", f"{given[0]}. {first} {second}"]
    )
    return said(written(from_=f'"{shown}" <e{number}@{domain}>'), known, linkable=False, asks=ids(known))


def entered_by_initials(world: World, random: Random) -> Letter:
    """A contact whom somebody entered as `J. Smith`, and the full name beside a new address."""
    one = a_contact(world, random, at_work=True)
    given, _, family = person_name(random).partition(" ")
    domain, number = domain_of(one), random.randrange(10**6)
    short_form = Person(name=f"{given[0]}. {family}", email=f"f{number}@{domain}", firm=one.firm)
    world.know(short_form := entered(world, short_form))
    shown = random.choice([f"{given} {family}", f"{family}, {given}", f"Dr. {given} {family}"])
    return said(written(from_=f'"{shown}" <g{number}@{domain}>'), short_form, linkable=False, asks=ids(short_form))


def _begins_alike(one: Person, other: Person) -> bool:
    (given, _, family), (known, _, name) = one.name.partition(" "), other.name.partition(" ")
    return given[0] == known[0] and family == name


def parts_of_a_name(world: World, random: Random) -> Letter:
    """The family name of a contact alone, the given name alone, or with other initials than any contact's."""
    one = a_contact(world, random, at_work=True)
    given, _, family = one.name.partition(" ")
    shown = random.choice([family, given, f"Q. {family}", f"{family}, Q.", f"Mr {family}", f"{family} Team"])
    return said(written(from_=f'"{shown}" <{plain(family)}{random.randrange(10**6)}@{domain_of(one)}>'))
