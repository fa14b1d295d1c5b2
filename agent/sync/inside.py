"""Looks into texts for whom the header does not name: forwards by our own people, bounces, and who signed.

The texts live in memory until the page is settled; of mail that still concerns nobody, nothing of them is kept.
"""

from collections.abc import Mapping
from dataclasses import replace

from agent.store.directory import lookup as directory
from agent.store.mail import never, tombstones
from agent.sync.deciding import Decided, Deciding, corrected, with_rules
from agent.sync.room import Room
from connectors.message import Address, Message, Withheld
from matchers.address import normalise
from matchers.contact import Answers
from matchers.inside import above_quotes
from matchers.late import decide_by_text, named, wants_text
from matchers.match import Decision, Log
from matchers.signature import by_signature, is_worth_reading


def worth_reading(room: Room, deciding: Deciding) -> list[str]:
    """Ids of messages whose text may name a contact."""
    return [one.envelope.id for one in deciding.messages if _is_asked(room, one)]


def _is_asked(room: Room, one: Decided) -> bool:
    return wants_text(one.heading, one.decision, own=room.own, policy=room.policy, thread=one.view)


def look_inside(room: Room, deciding: Deciding, bodies: Mapping[str, Message | Withheld]) -> Deciding:
    """The page, with what these texts make of such messages, and signatures of what is kept for a company alone."""
    texts = {id: body for id, body in bodies.items() if isinstance(body, Message)}
    people = {
        one.envelope.id: found
        for one in deciding.messages
        if one.envelope.id in texts
        and _is_asked(room, one)
        and (found := named(one.envelope, texts[one.envelope.id].text, room.own))
    }
    signed = {
        one.envelope.id: _own_words(texts[one.envelope.id])
        for one in deciding.messages
        if one.envelope.id in texts and isinstance(one.decision, Log) and is_worth_reading(one.decision)
    }
    return _decided(room, deciding, people, signed) if people or signed else deciding


def _own_words(body: Message) -> str:
    return above_quotes(body.text) if body.new_text is None else body.new_text


def _decided(
    room: Room, deciding: Deciding, people: Mapping[str, tuple[Address, ...]], signed: Mapping[str, str]
) -> Deciding:
    keys = {normalise(person.address).match_key for found in people.values() for person in found} - {""}
    firms = {firm for one in deciding.messages if one.envelope.id in signed for firm in _companies(one)}
    with room.database.read() as connection:
        answers = directory.look_up(connection, keys, ())
        erased = tombstones.erased_keys(connection, room.hasher, keys)
        policy = with_rules(room.policy, never.among(connection, keys))
        staff = directory.staff(connection, firms)

    def decided(one: Decided) -> Decision:
        if found := people.get(one.envelope.id):
            return decide_by_text(one.envelope, one.decision, found, policy=policy, answers=answers, erased_keys=erased)
        if isinstance(one.decision, Log) and one.envelope.id in signed:
            not_theirs = deciding.answers.refused.get(normalise(one.from_address).match_key, ())
            return by_signature(one.decision, signed[one.envelope.id], one.from_address, staff, not_theirs)
        return one.decision

    return replace(
        deciding, messages=tuple(_again(room, deciding, one, decided(one), answers) for one in deciding.messages)
    )


def _companies(one: Decided) -> list[str]:
    return [link.company_id for link in one.decision.companies] if isinstance(one.decision, Log) else []


def _again(room: Room, deciding: Deciding, one: Decided, decision: Decision, answers: Answers) -> Decided:
    """What people said about a message holds for what its text tells too."""
    if decision is one.decision:
        return one
    return replace(one, decision=corrected(room, one.heading, decision, deciding.known, one.key, answers))
