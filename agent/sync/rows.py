"""Turns what was decided about messages into rows. Pure: values in, dictionaries of column values out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.reminders.open import weigh_own
from agent.reminders.own_text import own_text, words_of
from agent.reminders.promises import promised_by
from agent.reminders.return_date import promised_date, return_date
from agent.store.hashes import Hasher
from agent.store.persons.suggested import Suggested, row_of
from agent.sync.deciding import Decided
from agent.sync.timing import occurred_at
from connectors.message import Address, Attachment, Message
from matchers.address import normalise
from matchers.match import Doubt, Log, Reason, Review, Role, Skip

Changing = dict[str, object]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """Where and when a message lies: the columns every row about this place shares."""

    mailbox_id: int
    folder_id: int
    validity: str
    now: datetime


def interaction_id(hasher: Hasher, header: bytes, number: int, date: datetime | None) -> str:
    """The same message gets the same id again, whoever reads it first and after any restore.

    header: keyed hash of its key and Date (`Hasher.of_header`). number: 0, but where several share even those and only
    their texts or writers differ. Ids begin with the UTC day of `date`, the Date header, in four hex digits: what
    belongs to the mail of one day lies together in the indexes of millions (docs/decisions/0025).
    """
    day = 0 if date is None else min(max((date - _EPOCH).days, 0), 0xFFFF)
    return f"{day:04x}{hasher.hash('interaction', header.hex(), str(number)).hex()[4:]}"


def skipped_place(spot: Spot, one: Decided, skip: Skip) -> Changing:
    """Reason, time and key; nothing about people."""
    return _place(spot, one, outcome="skipped", reason=skip.reason.value)


def review_place(spot: Spot, one: Decided) -> Changing:
    """A message that somebody must decide."""
    return _place(spot, one, outcome="review")


def logged_place(spot: Spot, one: Decided, interaction: str, digest: bytes | None) -> Changing:
    """One of the places where an interaction lies."""
    envelope = one.envelope
    return _place(spot, one, outcome="logged") | {
        "interaction_id": interaction,
        "size": envelope.size,
        "server_time": envelope.server_time,
        "text_digest": digest,
        "flagged": envelope.flags.flagged,
        "flag_due": envelope.flags.flag_due,
    }


def pending_place(spot: Spot, uid: str, key: bytes | None = None) -> Changing:
    """A message that the server listed and did not hand out yet."""
    return _EMPTY_PLACE | {
        "mailbox_id": spot.mailbox_id,
        "folder_id": spot.folder_id,
        "validity": spot.validity,
        "uid": uid,
        "message_key": key,
        "outcome": "pending",
        "decided_at": spot.now,
    }


def interaction(spot: Spot, one: Decided, log: Log, *, id: str, variant: int, capture: str) -> Changing:
    """The message as people know it, as far as the capture level allows; text columns are still empty."""
    envelope = one.envelope
    return {
        "id": id,
        "message_key": one.key,
        "variant": variant,
        "kind": "email",
        "direction": log.direction.value,
        "occurred_at": occurred_at(envelope.date, envelope.server_time, spot.now),
        "date": envelope.date,
        "from_address": one.from_address,
        "subject": envelope.subject if capture != "metadata" else None,
        "message_id": None if one.by_erased else envelope.message_id,
        "thread_id": None,
        "capture": capture,
        "rule": log.rule,
        "attachments": [],
        "flagged_as": list(envelope.defects),
        "asks": None,
        "words": None,
        "holds_until": None,
        "promises": None,
        "recorded_at": spot.now,
    }


def captured(message: Message, sent: datetime, *, weighed: bool, ours: bool) -> Changing:
    """The columns that a fetched body fills. sent: when the message was written. weighed: a reminder may ask of it.

    ours: one of us wrote it, so it may promise something.
    """
    oddities = [
        *message.defects,
        *(["truncated"] if message.truncated else []),
        *(["encrypted"] if message.encrypted else []),
    ]
    return {
        "attachments": [attachment(one) for one in message.attachments],
        "flagged_as": oddities,
        **(_weight(message, sent, ours=ours) if weighed else {}),
    }


def _weight(message: Message, sent: datetime, *, ours: bool) -> Changing:
    own = words_of(own_text(message.text if message.new_text is None else message.new_text))
    asks, words = weigh_own(own)
    return {
        "asks": asks,
        "words": words,
        "holds_until": None if asks else promised_date(own, sent.date()),
        "promises": promised_by(own, sent.date()) if ours else None,
    }


def attachment(one: Attachment) -> Mapping[str, object]:
    """As the contract shows it."""
    return {"name": one.name, "type": one.type, "size": one.size}


def participants(interaction: str, one: Decided) -> Iterator[Changing]:
    """Every address of a kept message, whoever it is, but the erased."""
    envelope = one.envelope
    headers: tuple[tuple[Role, tuple[Address, ...]], ...] = (
        (Role.FROM, envelope.from_),
        (Role.REPLY_TO, envelope.reply_to),
        (Role.TO, envelope.to),
        (Role.CC, envelope.cc),
        (Role.BCC, envelope.bcc),
    )
    for role, people in headers:
        for position, person in enumerate(people):
            key = normalise(person.address).match_key
            if key in one.erased:
                continue
            yield {
                "interaction_id": interaction,
                "role": role.value,
                "address": person.address,
                "name": person.name,
                "position": position,
                "match_key": key,
            }


def links(interaction: str, log: Log) -> Iterator[Changing]:
    """Whom the message concerns, and why."""
    for link in log.links:
        yield {
            "interaction_id": interaction,
            "contact_id": link.contact_id,
            "role": link.role.value,
            "email": link.email,
            "rule": link.rule,
            "confidence": link.confidence,
            "evidence": list(link.evidence),
            "origin": "manual" if link.rule == "manual" else "automatic",
        }


def company_links(interaction: str, log: Log) -> Iterator[Changing]:
    """Which companies the message concerns, and why."""
    for link in log.companies:
        yield {
            "interaction_id": interaction,
            "company_id": link.company_id,
            "domain": link.domain,
            "rule": link.rule,
            "evidence": list(link.evidence),
        }


def refs(one: Decided) -> Iterator[Changing]:
    """What a message that is not kept refers to, so that it is found when its thread is."""
    for ref in one.refs:
        yield {"ref": ref, "message_key": one.key}


def signals(one: Decided, skip: Skip, now: datetime, text: str = "") -> Iterator[Changing]:
    """That something came back or answered by itself; of its text only the day that it names stays."""
    for signal in skip.signals:
        at = occurred_at(one.envelope.date, one.envelope.server_time, now)
        told = f"{one.envelope.subject or ''}\n{text}"
        yield {
            "message_key": one.key,
            "contact_id": signal.contact_id,
            "kind": signal.kind,
            "thread_id": None,
            "occurred_at": at,
            "back_on": return_date(told, at.date()) if signal.kind == Reason.AUTO_REPLY.value else None,
        }


def reviews(
    hasher: Hasher, spot: Spot, one: Decided, decision: Log | Review, interaction: str | None
) -> Iterator[Changing]:
    """One item a doubtful participant."""
    for doubt in decision.doubts:
        yield {
            "id": hasher.hash("review", one.key.hex(), str(spot.mailbox_id), doubt.address).hex(),
            "mailbox_id": spot.mailbox_id,
            "message_key": one.key,
            "interaction_id": interaction,
            "state": "open",
            "address": doubt.address,
            "role": doubt.role.value,
            "rule": decision.rule,
            "candidates": _candidates(doubt),
            "evidence": list(doubt.evidence),
            "envelope": _seen(one),
            "created_at": spot.now,
        }


def suggestions(one: Decided, log: Log, now: datetime) -> Iterator[Changing]:
    """Addresses that may be another one of a contact's, with the name that the mail shows beside them."""
    envelope = one.envelope
    people = (*envelope.from_, *envelope.reply_to, *envelope.to, *envelope.cc, *envelope.bcc)
    names = {normalise(person.address).match_key: person.name for person in reversed(people)}
    rules = {link.contact_id: link.rule for link in log.links}
    for address, contact in log.suggestions:
        key = normalise(address).match_key
        if key and key not in one.erased:
            found = Suggested(
                match_key=key, address=address, name=names.get(key, ""), contact_id=contact, rule=rules.get(contact, "")
            )
            yield row_of(found, now)


def _candidates(doubt: Doubt) -> list[Mapping[str, object]]:
    return [{"id": c.contact_id, "email": c.email, "name": c.name, "score": c.score} for c in doubt.candidates]


def _seen(one: Decided) -> Mapping[str, object]:
    """What a person needs to see to decide."""
    envelope = one.envelope
    return {
        "from": [person.address for person in envelope.from_ if not _is_erased(person, one)],
        "to": [person.address for person in (*envelope.to, *envelope.cc) if not _is_erased(person, one)][:20],
        "subject": envelope.subject,
        "date": envelope.date.isoformat() if envelope.date else None,
        "message_id": envelope.message_id,
    }


def _is_erased(person: Address, one: Decided) -> bool:
    return bool(one.erased) and normalise(person.address).match_key in one.erased


_EMPTY_PLACE: Changing = {
    "message_key": None,
    "reason": None,
    "interaction_id": None,
    "size": None,
    "server_time": None,
    "text_digest": None,
    "flagged": False,
    "flag_due": None,
    "gone_at": None,  # whatever is decided lies here, also what was thought gone
}


def _place(spot: Spot, one: Decided, *, outcome: str, reason: str | None = None) -> Changing:
    return _EMPTY_PLACE | {
        "mailbox_id": spot.mailbox_id,
        "folder_id": spot.folder_id,
        "validity": spot.validity,
        "uid": one.envelope.id,
        "message_key": one.key,
        "outcome": outcome,
        "reason": reason,
        "decided_at": spot.now,
    }
