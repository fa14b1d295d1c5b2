"""Who signed a mail whose address tells only the company: a contact there with that full name or telephone number.

A signature is anybody's to write, and a number often a whole office's: so it never links, it makes a question.
Reads the last lines alone, so its time does not depend on the text's length.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from matchers.contact import Holder
from matchers.found import candidates
from matchers.match import Doubt, Log, Role
from matchers.names import name_key

LONGEST_TAIL = 4_000
"""Characters at the end of the own words that may be a signature."""

MOST_LINES = 12
LONGEST_LINE = 120
MOST_SIGNERS = 3
"""Contacts a signature may point to; with more it points to nobody."""

_PHONE = re.compile(r"\+?\d[\d ()./\u00a0-]{5,24}\d")
_SAME_END = 9
"""Digits from the end that tell two numbers apart, however the country is written before them (E.164 has up to 15)."""

_SHORTEST = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Colleague:
    """A contact of a company, with telephone numbers as people wrote them."""

    holder: Holder
    phones: tuple[str, ...] = ()


def phone_key(number: str) -> str:
    """Equal for spellings of one telephone number, with or without its country; '' for what is too short for one."""
    digits = "".join(filter(str.isdigit, number[:40]))
    return digits[-_SAME_END:] if len(digits.lstrip("0")) >= _SHORTEST else ""


def is_worth_reading(decision: Log) -> bool:
    """Whether a signature could tell more than the header did: it is kept for a company alone."""
    return decision.rule == "domain" and not decision.links and not decision.doubts


def by_signature(
    decision: Log,
    own_words: str,
    sender: str,
    staff: Mapping[str, Sequence[Colleague]],
    not_theirs: Collection[str] = (),
) -> Log:
    """The decision, with a question where a contact of its company seems to have signed.

    own_words: the text without what it quotes. sender: the address it came from. staff: company id -> its contacts.
    not_theirs: ids of contacts of whom somebody said that the sender's address is not theirs.
    """
    names, phones = _signed(own_words)
    people = {one.holder.contact_id: one for link in decision.companies for one in staff.get(link.company_id, ())}
    people = {contact: one for contact, one in people.items() if contact not in not_theirs}
    signers = sorted(
        (one.holder for one in people.values() if _signs(one, names, phones)),
        key=lambda one: (one.name, one.contact_id),
    )
    if not sender or not 0 < len(signers) <= MOST_SIGNERS:
        return decision
    fact = f"Its signature is that of {signers[0].name or 'a contact'}" + (" or others" if len(signers) > 1 else "")
    doubt = Doubt(address=sender, role=Role.FROM, candidates=candidates(signers), evidence=(fact,))
    return replace(decision, doubts=(doubt,), evidence=(*decision.evidence, fact))


def _signs(one: Colleague, names: frozenset[str], phones: frozenset[str]) -> bool:
    key = name_key(one.holder.name)
    return (bool(key) and key in names) or any(phone_key(phone) in phones for phone in one.phones)


def _signed(own_words: str) -> tuple[frozenset[str], frozenset[str]]:
    """Keys of full names that have a line of their own, and of telephone numbers, in the last lines."""
    lines = [line.strip()[:LONGEST_LINE] for line in own_words[-LONGEST_TAIL:].splitlines() if line.strip()]
    last = lines[1:][-MOST_LINES:]  # the first line greets
    names = {name_key(line) for line in last}
    phones = {phone_key(found[0]) for line in last for found in _PHONE.finditer(line)}
    return frozenset(names - {""}), frozenset(phones - {""})
