"""Why a message is not kept. The rules stand in the order in which they win; the first that applies is the reason.

`BEFORE_TIERS` are asked of every message. `machine_mail` is asked only of what would otherwise be kept, so that
connectors which fetch some headers late give the same reason. The category that says "keep it" overrides all but
`FINAL`: what was erased, taken away or must never be kept stays away, and a draft is no mail yet (its sent copy
carries the category too).
"""

from collections.abc import Callable, Sequence

from connectors.message import Envelope
from matchers.address import normalise
from matchers.case import Case, stays_inside
from matchers.filters import CROWD, Sign, list_sign
from matchers.match import Doubt, Link, Reason, Role, Signal, Skip
from matchers.participants import failed_recipients
from matchers.policy import has_category, never_log

FINAL = frozenset({Reason.ERASED, Reason.REMOVED, Reason.DRAFT, Reason.NEVER_LOG})

CONTACT_WROTE = "A contact wrote it"
"""Fact of a skip that deserves a second look: personal mail through a list is explained, not silently lost."""

Rule = Callable[[Case], Skip | None]
_AUTHORS = (Role.FROM, Role.REPLY_TO)


def first_reason(case: Case) -> Skip | None:
    """The reason that wins before anybody asks who the message is about."""
    for rule in BEFORE_TIERS:
        if (skip := rule(case)) and (not case.asked or skip.reason in FINAL):
            return skip
    return None


_TOMBSTONES = {
    Reason.ERASED: Skip(reason=Reason.ERASED, evidence=("It was erased together with a person",)),
    Reason.REMOVED: Skip(reason=Reason.REMOVED, evidence=("Somebody removed it from the history",)),
}


def _erased_or_removed(case: Case) -> Skip | None:
    """The message itself; of people in it who were erased, `matchers.chain` sees to it."""
    return _TOMBSTONES.get(case.tombstone) if case.tombstone is not None else None


def _removed_by_category(case: Case) -> Skip | None:
    if has_category(case.envelope.flags, case.policy.remove_category):
        return Skip(reason=Reason.REMOVED, evidence=("Its category says that it is not to be kept",))
    return None


def _draft(case: Case) -> Skip | None:
    return Skip(reason=Reason.DRAFT, evidence=("It is a draft",)) if case.envelope.flags.draft else None


def _before_start(case: Case) -> Skip | None:
    since, received = case.policy.since, case.envelope.server_time
    if since is None or received is None or received.date() >= since:
        return None
    return Skip(reason=Reason.BEFORE_START, evidence=(f"It is older than {since.isoformat()}",))


def _private(case: Case) -> Skip | None:
    if case.envelope.flags.private:
        return Skip(reason=Reason.PRIVATE, evidence=("It is marked as private",))
    if has_category(case.envelope.flags, case.policy.private_category):
        return Skip(reason=Reason.PRIVATE, evidence=("Its category says that it is private",))
    return None


def _never_log(case: Case) -> Skip | None:
    if not case.policy.never_log:
        return None
    never = never_log(case.policy.never_log)
    senders = (normalise(address.address) for address in case.envelope.sender)
    people = (seat.normal for seats in (case.inside, case.outside) for seat in seats)
    if any(never.names(normal) for normals in (people, senders) for normal in normals):
        return Skip(reason=Reason.NEVER_LOG, evidence=("A never-log rule names somebody in it",))
    return None


def _internal_only(case: Case) -> Skip | None:
    """A bounce from our own server about somebody outside has not stayed inside."""
    if not stays_inside(case) or Reason.INTERNAL_ONLY not in case.policy.skip:
        return None
    if case.sign is not None and case.sign.reason is Reason.BOUNCE and case.thread is not None:
        return None
    return Skip(reason=Reason.INTERNAL_ONLY, evidence=("Everybody in it is one of us",))


def _calendar_or_receipt(case: Case) -> Skip | None:
    if case.sign is not None and case.sign.reason in (Reason.CALENDAR, Reason.RECEIPT):
        return Skip(reason=case.sign.reason, evidence=(case.sign.evidence,))
    return None


BEFORE_TIERS: tuple[Rule, ...] = (
    _erased_or_removed,
    _removed_by_category,
    _draft,
    _before_start,
    _private,
    _never_log,
    _internal_only,
    _calendar_or_receipt,
)


def machine_mail(case: Case, links: Sequence[Link], doubts: Sequence[Doubt]) -> Skip | None:
    """Bounce, auto-reply or bulk, of mail that would otherwise be kept, as far as the policy skips them."""
    skipped, sign = case.policy.skip, case.sign
    if sign is not None and sign.reason in skipped:
        return _skip_sign(case, sign, links)
    listed = list_sign(case.envelope.headers) if sign is not None and sign.reason is Reason.AUTO_REPLY else None
    if listed is not None and Reason.BULK in skipped:
        return _skip_sign(case, listed, links)
    if _is_crowd(case) and Reason.BULK in skipped and not _contact_wrote(links, doubts):
        return Skip(reason=Reason.BULK, evidence=(f"It names more than {CROWD} people",))
    return None


def _skip_sign(case: Case, sign: Sign, links: Sequence[Link]) -> Skip:
    evidence: tuple[str, ...] = (sign.evidence,)
    if sign.reason is Reason.BULK and _contact_wrote(links, ()):
        evidence = (sign.evidence, CONTACT_WROTE)
    return Skip(reason=sign.reason, evidence=evidence, signals=signals_of(case.envelope, sign, links))


def signals_of(envelope: Envelope, sign: Sign, links: Sequence[Link]) -> tuple[Signal, ...]:
    """Whom a bounce failed to reach, or whose automatic reply it is. A delayed delivery says nothing yet."""
    if not sign.final:
        return ()
    if sign.reason is Reason.BOUNCE:
        failed = {seat.normal.match_key for seat in failed_recipients(envelope)}
        about = [link for link in links if not failed or normalise(link.address).match_key in failed]
    elif sign.reason is Reason.AUTO_REPLY:
        about = [link for link in links if link.role in _AUTHORS]
    else:
        return ()
    return tuple(Signal(kind=sign.reason.value, contact_id=i) for i in sorted({link.contact_id for link in about}))


def _is_crowd(case: Case) -> bool:
    return len(case.inside) + len(case.outside) > CROWD


def _contact_wrote(links: Sequence[Link], doubts: Sequence[Doubt]) -> bool:
    return any(link.role in _AUTHORS for link in links) or any(doubt.role in _AUTHORS for doubt in doubts)
