"""Which interaction a message is: the same one again, or a new one. Pure.

A message's key is its Message-ID (else From, Date, Subject, recipients). Under one key a new variant arises only
when From or the Date instant differ, or when two places *in one mailbox* hold different texts. Text is compared only
if sizes differ or there is no Message-ID. Across mailboxes equal key, From and Date is one interaction: gateways add
banners and lists add footers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.store.mail.known import KnownInteraction, KnownPlace


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """What is known of a message before its text. from_address: normalised; date: the Date header's instant."""

    mailbox_id: int
    from_address: str
    date: datetime | None
    has_id: bool
    size: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class New:
    """Nothing logged is this message. shared: its key is already taken by another message."""

    shared: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Same:
    """It is this interaction, seen in one more place."""

    interaction_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Compare:
    """Only the text can tell. places: where the texts to compare with lie, those in this mailbox first.

    fallback: the interaction it is if no text says otherwise; None: then it is a new one.
    """

    places: tuple[KnownPlace, ...]
    fallback: str | None


Identity = New | Same | Compare


def identify(sighting: Sighting, interactions: Sequence[KnownInteraction], places: Sequence[KnownPlace]) -> Identity:
    """Decides without the text where that is possible. interactions, places: all under the message's key."""
    fitting = [
        known for known in interactions if known.from_address == sighting.from_address and known.date == sighting.date
    ]
    if not fitting:
        return New(shared=bool(interactions))
    ids = {known.id for known in fitting}
    here = [p for p in places if p.mailbox_id == sighting.mailbox_id and p.interaction_id in ids]
    if here:
        return _identify_here(sighting, here, places, ids)
    if len(fitting) == 1:
        return Same(interaction_id=fitting[0].id)
    elsewhere = tuple(p for p in places if p.interaction_id in ids)
    return Compare(places=elsewhere, fallback=fitting[0].id)


def _identify_here(
    sighting: Sighting, here: Sequence[KnownPlace], places: Sequence[KnownPlace], ids: set[str]
) -> Identity:
    if sighting.has_id and sighting.size is not None:
        for place in here:
            if place.size == sighting.size:
                return Same(interaction_id=place.interaction_id)
    taken = {place.interaction_id for place in here}
    others = tuple(p for p in places if p.interaction_id in ids - taken)
    free = sorted(ids - taken)
    return Compare(places=(*here, *others), fallback=free[0] if free else None)


def settle(compare: Compare, digest: bytes, digests: Sequence[bytes | None]) -> Identity:
    """Decides by text. digests: of the texts at `compare.places`, None where a text is no longer to be had.

    An unreadable earlier text is taken to be the same one: what tells messages apart must be seen, not assumed.
    """
    for place, other in zip(compare.places, digests, strict=True):
        if other == digest:
            return Same(interaction_id=place.interaction_id)
    if compare.fallback is not None:
        return Same(interaction_id=compare.fallback)
    for place, other in zip(compare.places, digests, strict=True):
        if other is None:
            return Same(interaction_id=place.interaction_id)
    return New(shared=True)
