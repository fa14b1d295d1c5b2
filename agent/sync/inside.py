"""Looks into the texts of mail that its header would leave aside: forwards by our own people, and bounces.

The texts live in memory until the page is settled. Of what still concerns nobody, nothing of them is kept.
"""

from collections.abc import Mapping
from dataclasses import replace

from agent.store import directory, never, tombstones
from agent.sync.deciding import Deciding, corrected, with_rules
from agent.sync.room import Room
from connectors.message import Address, Message, Withheld
from matchers.address import normalise
from matchers.late import decide_by_text, named, wants_text


def worth_reading(room: Room, deciding: Deciding) -> list[str]:
    """Ids of messages whose text may name a contact."""
    return [
        one.envelope.id
        for one in deciding.messages
        if wants_text(one.envelope, one.decision, own=room.own, policy=room.policy)
    ]


def look_inside(room: Room, deciding: Deciding, bodies: Mapping[str, Message | Withheld]) -> Deciding:
    """The page, with what these texts make of such messages."""
    people = {
        one.envelope.id: found
        for one in deciding.messages
        if wants_text(one.envelope, one.decision, own=room.own, policy=room.policy)
        and isinstance(body := bodies.get(one.envelope.id), Message)
        and (found := named(one.envelope, body.text, room.own))
    }
    return _decided(room, deciding, people) if people else deciding


def _decided(room: Room, deciding: Deciding, people: Mapping[str, tuple[Address, ...]]) -> Deciding:
    keys = {normalise(person.address).match_key for found in people.values() for person in found} - {""}
    with room.database.read() as connection:
        answers = directory.look_up(connection, keys, ())
        erased = tombstones.erased_keys(connection, room.hasher, keys)
        policy = with_rules(room.policy, never.among(connection, keys))
    messages = []
    for one in deciding.messages:
        if found := people.get(one.envelope.id):
            decision = decide_by_text(
                one.envelope, one.decision, found, policy=policy, answers=answers, erased_keys=erased
            )
            decision = corrected(room, one.envelope, decision, deciding.known, one.key, answers)
            one = replace(one, decision=decision)
        messages.append(one)
    return replace(deciding, messages=tuple(messages))
