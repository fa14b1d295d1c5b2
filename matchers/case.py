"""One message as the rules see it: who is on our side and who is not, when it was, what machine signs it bears."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from connectors.message import Envelope
from matchers.contact import Answers, Holder, ThreadView
from matchers.filters import Sign, sign_of
from matchers.match import Direction, Reason, Role
from matchers.participants import Seat, failed_recipients, original_senders, seats
from matchers.policy import MatchPolicy, Own, has_category

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""A Date header before this is a broken clock."""
_AHEAD = timedelta(days=1)
"""So much later than the server received it no message was written."""

_FROM = Role.FROM

ROLE_RANK: Mapping[Role, int] = {role: rank for rank, role in enumerate(Role)}


class Heading(NamedTuple):
    """What a header shows by itself, read once. A plain tuple: one is made for every message.

    people: who takes part, with the sender behind a list and, of a bounce, whom it could not reach. sign: what machine
    mail it is.
    """

    envelope: Envelope
    people: list[Seat]
    sign: Sign | None


class Case(NamedTuple):
    """Everything one decision is made of. A plain tuple too.

    inside, outside: who is on our side and who is not. by_us: whether one of ours wrote it. sign: what machine mail it
    is. asked: the salesperson put the category that says "keep it". tombstone: what the store knows of this message,
    erased or removed.
    """

    envelope: Envelope
    inside: list[Seat]
    outside: list[Seat]
    by_us: bool
    sign: Sign | None
    asked: bool
    own: Own
    policy: MatchPolicy
    answers: Answers
    thread: ThreadView | None
    tombstone: Reason | None
    erased_keys: frozenset[str]


def read_heading(envelope: Envelope) -> Heading:
    """Reads it. Pure: whom it concerns is another matter."""
    sign = sign_of(envelope)
    return Heading(envelope, _everyone(envelope, bounced=sign is not None and sign.reason is Reason.BOUNCE), sign)


def _everyone(envelope: Envelope, *, bounced: bool) -> list[Seat]:
    found = seats(envelope)
    bounced = bounced and "x-failed-recipients" in envelope.headers
    if not bounced and "x-original-from" not in envelope.headers:
        return found
    extra = original_senders(envelope) + (failed_recipients(envelope) if bounced else [])
    keys = {seat.normal.match_key for seat in found}
    return found + [seat for seat in extra if seat.normal.match_key not in keys]


def open_case(
    heading: Heading,
    *,
    own: Own,
    policy: MatchPolicy,
    answers: Answers,
    thread: ThreadView | None,
    tombstone: Reason | None,
    erased_keys: frozenset[str],
) -> Case:
    """Sees who is on which side, once for all rules."""
    envelope, people, sign = heading
    inside: list[Seat] = []
    outside: list[Seat] = []
    by_us = False
    for seat in people:
        if is_inside(seat, own, answers):
            inside.append(seat)
            by_us = by_us or seat.role is _FROM
        else:
            outside.append(seat)
    asked = has_category(envelope.flags, policy.log_category)
    # in the order of the fields: naming each of them would take longer than all that is read above
    return Case(envelope, inside, outside, by_us, sign, asked, own, policy, answers, thread, tombstone, erased_keys)


def without_erased(case: Case) -> Case:
    """The case as if those who were erased took no part; the same case where none does.

    Nor is it anybody's by its conversation alone: that tells of no one who takes part.
    """
    inside = [seat for seat in case.inside if seat.normal.match_key not in case.erased_keys]
    outside = [seat for seat in case.outside if seat.normal.match_key not in case.erased_keys]
    if len(inside) + len(outside) == len(case.inside) + len(case.outside):
        return case
    by_us = any(seat.role is _FROM for seat in inside)
    return case._replace(inside=inside, outside=outside, by_us=by_us, thread=None)


def is_inside(seat: Seat, own: Own, answers: Answers) -> bool:
    """Whether this seat is on our side. Below our domains too (`de.ourfirm.example`), unless a contact is there."""
    normal = seat.normal
    if own.has(normal):
        return True
    return own.is_above(normal.domain) and normal.match_key not in answers.holders


def direction(case: Case) -> Direction:
    """Outbound if one of ours wrote it, internal if it stayed among us; hidden recipients count as outside."""
    if not case.by_us:
        return Direction.INBOUND
    return Direction.INTERNAL if stays_inside(case) else Direction.OUTBOUND


def stays_inside(case: Case) -> bool:
    """Whether one of ours wrote it to some of ours and to nobody else, as far as the header tells."""
    if case.outside or not case.by_us:
        return False
    envelope = case.envelope
    return any(address.address for field in (envelope.to, envelope.cc, envelope.bcc) for address in field)


def holders_of(case: Case, seat: Seat) -> list[Holder]:
    """Who holds this address on the day of the message, each contact once, in an order of their own."""
    holders = case.answers.holders.get(seat.normal.match_key)
    if not holders:
        return []
    if len(holders) == 1 and holders[0].valid_from is None and holders[0].valid_to is None:
        return [holders[0]]
    return holders_at(holders, message_day(case.envelope))


def message_day(envelope: Envelope) -> date | None:
    """The day the message was written: its Date if that is believable, else the server's; None if neither is known.

    Believable: has a zone, not before 1990, at most a day after the server received it.
    """
    written, received = envelope.date, envelope.server_time
    if written is None or written.tzinfo is None or written < _EARLIEST:
        return received.date() if received else None
    if received is not None and written - received > _AHEAD:
        return received.date()
    return written.date()


def holders_at(holders: tuple[Holder, ...], day: date | None) -> list[Holder]:
    """Who of these holds the address on that day, each contact once, in an order of their own."""
    if len(holders) == 1:
        return [holders[0]] if day is None or _holds(holders[0], day) else []
    valid: dict[str, Holder] = {}
    for holder in sorted(holders, key=lambda h: (h.name, h.contact_id, h.email)):
        if day is None or _holds(holder, day):
            valid.setdefault(holder.contact_id, holder)
    return list(valid.values())


def _holds(holder: Holder, day: date) -> bool:
    started = holder.valid_from is None or holder.valid_from <= day
    return started and (holder.valid_to is None or day <= holder.valid_to)
