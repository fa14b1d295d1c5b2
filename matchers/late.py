"""What only a text tells, of mail that its header would leave aside: a customer behind a forward, a failed delivery.

Called by `agent.sync` in three steps: `wants_text` says which messages are worth reading, `named` whom their texts
name, so that the directory can be asked, `decide_by_text` decides with its answers. Nothing is linked on the word of
a text: a forward becomes a question, a failed delivery a signal.
"""

from collections.abc import Collection, Sequence

from connectors.message import Address, Envelope
from matchers.address import Normal, normalise
from matchers.case import Heading, holders_at, message_day
from matchers.contact import Answers, Holder, ThreadView
from matchers.filters import Sign, sign_of
from matchers.found import candidates
from matchers.inside import failed_addresses, forwarded_senders, is_finnish_answer, is_forward
from matchers.match import Decision, Direction, Doubt, Reason, Review, Role, Signal, Skip
from matchers.policy import MatchPolicy, Own, never_log

_LEFT_ASIDE = frozenset({Reason.INTERNAL_ONLY, Reason.NO_CONTACT})


def wants_text(
    heading: Heading, decision: Decision, *, own: Own, policy: MatchPolicy, thread: ThreadView | None = None
) -> bool:
    """Whether the text may tell more: a forward by one of us about nobody known, a bounce that names nobody.

    thread: the logged conversation it belongs to. What is forwarded from there is in the history already.
    """
    if not isinstance(decision, Skip):
        return False
    if decision.reason in _LEFT_ASIDE and policy.read_forwards and is_forward(heading.envelope.subject):
        logged = thread is not None and bool(thread.contacts)
        return not logged and heading.sign is None and _wrote(heading.envelope, own)
    return _is_bounce(heading.sign, decision, policy)


def _wrote(envelope: Envelope, own: Own) -> bool:
    return any(own.has(normalise(author.address)) for author in envelope.from_)


def _is_bounce(sign: Sign | None, decision: Skip, policy: MatchPolicy) -> bool:
    if decision.signals or Reason.BOUNCE not in policy.skip or decision.reason not in {*_LEFT_ASIDE, Reason.BOUNCE}:
        return False
    return sign is not None and sign.reason is Reason.BOUNCE and sign.final


def named(envelope: Envelope, text: str, own: Own) -> tuple[Address, ...]:
    """Whom the text of such a message names and who is none of us; of a forward, who wrote what is quoted."""
    if sign_of(envelope) is not None:
        return tuple(Address(address=one) for one in failed_addresses(text) if not own.has(normalise(one)))
    if is_finnish_answer(envelope.subject, text):
        return ()
    return tuple(one for one in forwarded_senders(text) if not own.has(normalise(one.address)))


def decide_by_text(
    envelope: Envelope,
    decision: Decision,
    people: Sequence[Address],
    *,
    policy: MatchPolicy,
    answers: Answers,
    erased_keys: Collection[str] = (),
) -> Decision:
    """The decision once the directory has answered for these people; the one before where it knows none."""
    day = message_day(envelope)
    held = [
        (person, normal, holders)
        for person in people
        if (normal := normalise(person.address)).match_key not in erased_keys
        and (holders := holders_at(answers.holders.get(normal.match_key, ()), day))
    ]
    if not held:
        return decision
    if any(never_log(policy.never_log).names(normal) for _, normal, _ in held):
        return Skip(reason=Reason.NEVER_LOG, evidence=("A never-log rule names somebody in it",))
    if (sign := sign_of(envelope)) is not None:
        return _returned(sign.evidence, [holders for _, _, holders in held])
    return _forwarded(decision, *held[0])


def _returned(evidence: str, failed: Sequence[Sequence[Holder]]) -> Skip:
    about = sorted({holders[0].contact_id for holders in failed if len(holders) == 1})
    signals = tuple(Signal(kind=Reason.BOUNCE.value, contact_id=one) for one in about)
    return Skip(reason=Reason.BOUNCE, evidence=(evidence,), signals=signals)


def _forwarded(before: Decision, person: Address, normal: Normal, holders: Sequence[Holder]) -> Review:
    fact = f"One of you forwarded a mail of {normal.normalised}"
    doubt = Doubt(address=person.address, role=Role.FROM, candidates=candidates(holders), evidence=(fact,))
    inside = isinstance(before, Skip) and before.reason is Reason.INTERNAL_ONLY
    direction = Direction.INTERNAL if inside else Direction.OUTBOUND
    return Review(direction=direction, doubts=(doubt,), rule="forward", evidence=(fact,))
