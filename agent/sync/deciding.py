"""Decides a page of envelopes: one read of everything known, then pure rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from agent.store.directory import lookup as directory
from agent.store.mail import known, never, refusals, threads, tombstones
from agent.store.mail.known import Known
from agent.sync.overruling import direction_of, give, overrule
from agent.sync.room import Room
from agent.sync.timing import occurred_at
from connectors.message import Address, Envelope
from matchers.address import normalise
from matchers.chain import Heading, MatchPolicy, match_page, read_heading, wanted
from matchers.contact import Answers, ThreadView
from matchers.match import Decision, Log, Reason, Skip
from matchers.thread import referenced_ids, thread_index

if TYPE_CHECKING:
    import sqlalchemy as sa


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """A message with its decision. key: its message key; refs: hashes of the ids it refers to, its root first, then of
    the conversation that a server says it belongs to.

    view: the conversation it belonged to when it was decided, if any. erased: match keys of erased people, some of
    whom it may name: nothing of theirs is kept.
    """

    heading: Heading
    key: bytes
    refs: tuple[bytes, ...]
    decision: Decision
    view: ThreadView | None = None
    erased: frozenset[str] = frozenset()

    @property
    def envelope(self) -> Envelope:
        """The message as the server told it."""
        return self.heading.envelope

    @property
    def from_address(self) -> str:
        """The first sender, normalised; '' without one, and for one who was erased."""
        first = normalise(self.envelope.from_[0].address) if self.envelope.from_ else None
        return first.normalised if first is not None and first.match_key not in self.erased else ""

    @property
    def by_erased(self) -> bool:
        """Whether somebody who was erased wrote it: others may keep that it came, but not a word of it."""
        return any(normalise(author.address).match_key in self.erased for author in self.envelope.from_)

    @property
    def ids(self) -> tuple[bytes, ...]:
        """Every id it has or refers to; the thread's root in front."""
        return (*self.refs, self.key)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deciding:
    """A decided page. stamp: the directory's state that the decisions rest on; answers: what it said."""

    messages: tuple[Decided, ...]
    known: Known
    stamp: int
    answers: Answers


def decide(room: Room, envelopes: Sequence[Envelope]) -> Deciding:
    """Decides every envelope on what the store knows now."""
    keys = [room.hasher.message_key(envelope) for envelope in envelopes]
    refs = [_refs(room, envelope) for envelope in envelopes]
    headings = [read_heading(envelope) for envelope in envelopes]
    want = wanted(headings)
    with room.database.read() as connection:
        stamp = directory.stamp(connection)
        answers = directory.answer(connection, want)
        facts = known.known_keys(connection, set(keys))
        views = _thread_views(connection, keys, refs, facts)
        policy = with_rules(room.policy, never.among(connection, want.keys))
        erased = tombstones.erased_keys(connection, room.hasher, want.keys)
    decisions = match_page(
        [_as_kept(one, key in facts.interactions, erased) for one, key in zip(headings, keys, strict=True)],
        own=room.own,
        policy=policy,
        answers=answers,
        threads={envelope.id: view for envelope, view in zip(envelopes, views, strict=True) if view},
        tombstones={},
        erased_keys=erased,
    )
    messages = tuple(
        Decided(
            heading=heading,
            key=key,
            refs=ref,
            decision=corrected(room, heading, decision, facts, key, answers),
            view=view,
            erased=erased,
        )
        for heading, key, ref, decision, view in zip(headings, keys, refs, decisions, views, strict=True)
    )
    return Deciding(messages=messages, known=facts, stamp=stamp, answers=answers)


def said_since(connection: "sa.Connection", deciding: Deciding) -> bool:
    """Whether somebody said meanwhile of an address that is asked about, or known by its name, whose it is not."""
    kept = [one.decision for one in deciding.messages if not isinstance(one.decision, Skip)]
    asked = {doubt.address for decision in kept for doubt in decision.doubts}
    named = {link.address for one in kept if isinstance(one, Log) for link in one.links if link.rule == "name"}
    keys = {normalise(address).match_key for address in asked | named} - {""}
    return refusals.came_between(connection, keys, deciding.answers.refused)


def _as_kept(heading: Heading, is_kept: bool, erased: frozenset[str]) -> Heading:
    """What others keep of an erased person's mail stays theirs wherever it lies: it is decided without the person."""
    if not is_kept or not erased:
        return heading
    envelope = heading.envelope

    def left(people: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(one for one in people if normalise(one.address).match_key not in erased)

    return read_heading(
        replace(
            envelope,
            from_=left(envelope.from_),
            sender=left(envelope.sender),
            reply_to=left(envelope.reply_to),
            to=left(envelope.to),
            cc=left(envelope.cc),
            bcc=left(envelope.bcc),
        )
    )


def with_rules(policy: MatchPolicy, keys: tuple[str, ...]) -> MatchPolicy:
    """The firm's policy with the addresses of this page that somebody said are never to be kept."""
    return replace(policy, never_log=(*policy.never_log, *keys)) if keys else policy


def _unless_too_old(room: Room, envelope: Envelope, decision: Decision) -> Decision:
    """Nothing is kept that would go at once: what happened, and was received, before anything is kept."""
    if room.kept_from is None or isinstance(decision, Skip):
        return decision
    occurred = occurred_at(envelope.date, envelope.server_time, room.now())
    if max(occurred, envelope.server_time or occurred) >= room.kept_from:
        return decision
    return Skip(reason=Reason.BEFORE_START, evidence=("It is older than anything is kept",))


def corrected(room: Room, heading: Heading, decision: Decision, facts: Known, key: bytes, answers: Answers) -> Decision:
    """The decision after everything that people said about this message, and how long anything is kept."""
    if key in facts.rulings:
        decision = overrule(decision, facts.rulings[key])
    if key in facts.moved:
        decision = give(decision, facts.moved[key], partial(direction_of, heading, room.own, room.policy, answers))
    return _unless_too_old(room, heading.envelope, decision)


def _refs(room: Room, envelope: Envelope) -> tuple[bytes, ...]:
    """Hashes of what ties a message to its conversation: ids it refers to, then what servers say of it."""
    ids = [room.hasher.of_id(one) for one in referenced_ids(envelope)]
    if index := thread_index(envelope):
        ids.append(room.hasher.of_thread_index(index))
    if envelope.provider_thread:
        ids.append(room.hasher.of_provider_thread(room.lease.mailbox_id, envelope.provider_thread))
    return tuple(ids)


def _thread_views(
    connection: "sa.Connection", keys: Sequence[bytes], refs: Sequence[tuple[bytes, ...]], facts: Known
) -> list[ThreadView | None]:
    """The conversation each message belongs to, as the others in it tell."""
    of_hash = threads.threads_of(connection, {*keys, *(one for ref in refs for one in ref)})
    concerns = threads.concerns(connection, set(of_hash.values()))
    found: list[ThreadView | None] = []
    for key, ref in zip(keys, refs, strict=True):
        names = dict.fromkeys(of_hash[one] for one in (*ref, key) if one in of_hash)
        own = [logged.id for logged in facts.interactions.get(key, ())]
        found.append(threads.view_of([concerns[name] for name in names], own))
    return found
