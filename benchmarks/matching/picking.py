"""Whom a letter is about: somebody of the address book, or somebody who is entered into it for that letter alone."""

from dataclasses import replace
from random import Random
from typing import Any

from benchmarks.matching.world import Person, World


def a_contact(world: World, random: Random, *, at_work: bool | None = None) -> Person:
    """Somebody of the address book. at_work: whether at a company, None for either."""
    while True:
        one = random.choice(world.contacts)
        if at_work is None or (one.firm >= 0) == at_work:
            return one


def domain_of(person: Person) -> str:
    """Of the address."""
    return person.email.partition("@")[2]


def entered(world: World, person: Person, **more: Any) -> Person:
    """Somebody who is entered into the address book for one letter alone."""
    return replace(person, id=f"n{len(world.holders)}.{len(world.named)}", **more)
