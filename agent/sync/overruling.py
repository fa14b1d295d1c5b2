"""What people said about a message comes before every rule: who a doubtful participant is, and whose the message is.

Called by `agent.sync.deciding`; pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from agent.store.mail.corrections import CHOSEN
from matchers.case import Heading, direction, open_case
from matchers.contact import Answers, Holder
from matchers.found import link_to
from matchers.match import Decision, Direction, Doubt, Link, Log, Reason, Review, Role, Skip
from matchers.policy import MatchPolicy, Own


def overrule(decision: Decision, rulings: Mapping[str, Holder | None]) -> Decision:
    """Applies what people decided about doubtful participants. Pure."""
    if not rulings or isinstance(decision, Skip):
        return decision
    chosen = [(doubt, rulings[doubt.address]) for doubt in decision.doubts if doubt.address in rulings]
    links = list(decision.links) if isinstance(decision, Log) else []
    links += [_by_hand(holder, doubt.role, doubt.address) for doubt, holder in chosen if holder is not None]
    doubts = tuple(doubt for doubt in decision.doubts if doubt.address not in rulings)
    if links or (isinstance(decision, Log) and decision.companies):
        return _as_log(decision, tuple(links), doubts)
    if doubts:
        return replace(decision, doubts=doubts)
    return Skip(reason=Reason.NO_CONTACT, evidence=("Somebody of your team said that no contact is meant",))


def _by_hand(holder: Holder, role: Role, address: str) -> Link:
    return link_to(holder, role, address, rule="manual", confidence=1.0, fact=CHOSEN)


def _as_log(decision: Log | Review, links: tuple[Link, ...], doubts: tuple[Doubt, ...]) -> Log:
    companies = decision.companies if isinstance(decision, Log) else ()
    by_hand = not companies and all(link.rule == "manual" for link in links)
    rule = "manual" if by_hand or isinstance(decision, Review) else decision.rule
    return Log(
        direction=decision.direction,
        links=links,
        companies=companies,
        doubts=doubts,
        rule=rule,
        evidence=decision.evidence,
    )


def give(decision: Decision, moved: Mapping[str, Holder], direction: Callable[[], Direction]) -> Decision:
    """Applies `interactions move`: whoever would be linked, the contact whom people named has the message.

    moved: contact it was taken from -> contact it was given to. What is not kept for another reason than that nobody
    was known is not kept for this either.
    """
    if not moved or (isinstance(decision, Skip) and decision.reason is not Reason.NO_CONTACT):
        return decision
    if isinstance(decision, Skip):
        decision = Review(direction=direction(), doubts=())
    links: dict[str, Link] = {}
    for link in decision.links if isinstance(decision, Log) else ():
        one = _instead(link, moved.get(link.contact_id))
        links.setdefault(one.contact_id, one)
    for holder in moved.values():
        links.setdefault(holder.contact_id, _given(holder, decision.direction))
    return _as_log(decision, tuple(links.values()), decision.doubts)


def direction_of(heading: Heading, own: Own, policy: MatchPolicy, answers: Answers) -> Direction:
    """The direction of a message that the rules did not keep."""
    case = open_case(
        heading, own=own, policy=policy, answers=answers, thread=None, tombstone=None, erased_keys=frozenset()
    )
    return direction(case)


def _instead(link: Link, holder: Holder | None) -> Link:
    if holder is None:
        return link
    return _by_hand(holder, link.role, link.address)


def _given(holder: Holder, direction: Direction) -> Link:
    return _by_hand(holder, Role.FROM if direction is Direction.INBOUND else Role.TO, "")
