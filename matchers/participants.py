"""Who takes part in a message: From, Reply-To, To, Cc and Bcc, each mailbox once, with the first role it plays.

The same for every order of the recipients. Extra seats come from headers that name somebody without writing to
them: X-Original-From (a list took the sender's place) and X-Failed-Recipients (a bounce).
"""

import re
from typing import NamedTuple

from connectors.message import Envelope
from matchers.address import Normal, normalise
from matchers.match import Participant, Role

MOST_LOOKED_UP = 1000
"""Participants of one message that the directory is asked for, senders first; more are hostile."""

_LONGEST_HEADER = 4096
_ADDRESS = re.compile(r"[^\s<>,;:\"()@]{1,64}@[^\s<>,;:\"()@]{1,255}")


class Seat(NamedTuple):
    """One mailbox of a message. A plain tuple: made a few times a message, for every message."""

    role: Role
    address: str
    name: str
    normal: Normal


def participants(envelope: Envelope, erased_keys: frozenset[str] = frozenset()) -> tuple[Participant, ...]:
    """What is kept of a logged message's people: everybody but the erased."""
    return tuple(
        Participant(role=seat.role, address=seat.address, name=seat.name)
        for seat in seats(envelope)
        if seat.normal.match_key not in erased_keys
    )


def seats(envelope: Envelope) -> list[Seat]:
    """Everyone of the five address fields, senders first; an address that is no mailbox has a seat too.

    Where From is missing, Sender stands in for it.
    """
    taken: dict[str, Seat] = {}
    senders, read = envelope.from_ or envelope.sender, envelope
    for role, addresses in zip(_ROLES, (senders, read.reply_to, read.to, read.cc, read.bcc), strict=True):
        for address in addresses:
            raw, name = address.address, address.name
            if not raw:
                continue
            normal = normalise(raw)
            key = normal.match_key or normal.normalised or raw
            seat = taken.get(key)
            if seat is None or (seat.role is role and _spelling(raw, name) < _spelling(seat.address, seat.name)):
                taken[key] = Seat(role, raw, name, normal)
    return list(taken.values())


_ROLES = tuple(Role)
"""Looked up once: naming a member of an enumeration takes longer than all else that is done for a field."""


def _spelling(address: str, name: str) -> tuple[bool, str, str]:
    """Which of two spellings of one mailbox stands for it: one with a name, then the first in the alphabet."""
    return (not name, address, name)


def original_senders(envelope: Envelope) -> list[Seat]:
    """Who wrote before a list put itself into From."""
    return _from_header(envelope, "x-original-from", Role.FROM)


def failed_recipients(envelope: Envelope) -> list[Seat]:
    """Whom a bounce says it could not reach. Meaningful only where the message is a bounce."""
    return _from_header(envelope, "x-failed-recipients", Role.TO)


def _from_header(envelope: Envelope, name: str, role: Role) -> list[Seat]:
    value = envelope.headers.get(name)
    if not value:
        return []
    found = sorted(set(_ADDRESS.findall(value[:_LONGEST_HEADER])))
    return [Seat(role, raw, "", normalise(raw)) for raw in found]
