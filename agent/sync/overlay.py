"""What is known of a page's messages, plus what the page itself adds as it is walked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from agent.store.hashes import Hasher
from agent.store.mail.known import Known, KnownInteraction, KnownPlace
from agent.store.mail.removals import Removal
from agent.sync.deciding import Decided
from agent.sync.identity import Compare, Identity, Same, Sighting, identify
from agent.sync.rows import Spot, interaction_id
from config.model import Capture

_DEPTH = {"metadata": 0, "subject": 1, "full": 2}


@dataclass(slots=True)
class Overlay:
    """Later messages of a page see the earlier ones here, before anything is recorded."""

    known: Known
    spot: Spot
    hasher: Hasher
    capture: Capture
    _interactions: dict[bytes, tuple[KnownInteraction, ...]] = field(default_factory=dict)
    _places: dict[bytes, tuple[KnownPlace, ...]] = field(default_factory=dict)

    def interactions(self, key: bytes) -> tuple[KnownInteraction, ...]:
        """Everything logged under this message key."""
        return self.known.interactions.get(key, ()) + self._interactions.get(key, ())

    def places(self, key: bytes) -> tuple[KnownPlace, ...]:
        """Where it lies or lay."""
        return self.known.places.get(key, ()) + self._places.get(key, ())

    def identify(self, one: Decided) -> Identity:
        """Which interaction the message is, as far as it can be told without its text."""
        sighting = Sighting(
            mailbox_id=self.spot.mailbox_id,
            from_address=one.from_address,
            date=one.envelope.date,
            has_id=one.envelope.message_id is not None,
            size=one.envelope.size,
        )
        removed = self._removed(one)
        if not removed:
            return identify(sighting, self.interactions(one.key), self.places(one.key))
        seen = tuple(place for removal in removed for place in self._sighted(removal, one))
        gone = (_stand_in(removal, one) for removal in removed)
        candidates = sorted((*self.interactions(one.key), *gone), key=lambda known: known.variant)
        return _beside_removed(identify(sighting, candidates, (*self.places(one.key), *seen)), seen)

    def _removed(self, one: Decided) -> list[Removal]:
        """What was removed that the message may be, as far as From and Date tell."""
        if one.key not in self.known.removed:
            return []
        header = self.hasher.of_header(one.key, one.from_address, one.envelope.date)
        return [removal for removal in self.known.removed[one.key] if removal.header == header]

    def _sighted(self, removal: Removal, one: Decided) -> Iterator[KnownPlace]:
        """Where a removed message was seen, in the form of places. Of their sizes only an equal one can be told."""
        size = one.envelope.size if one.envelope.message_id else None
        hashed = None if size is None else self.hasher.of_size(removal.id, size)
        for seen in removal.sightings:
            yield KnownPlace(
                id=0,
                mailbox_id=seen.mailbox_id,
                folder_id=0,
                validity="",
                uid="",
                message_key=removal.message_key,
                interaction_id=removal.id,
                size=size if seen.size is not None and seen.size == hashed else None,
                text_digest=seen.text_digest,
                gone=True,
            )

    def is_removed(self, key: bytes, interaction: str) -> bool:
        """Whether somebody took this interaction out."""
        return any(removal.id == interaction for removal in self.known.removed.get(key, ()))

    def text_of_size(self, one: Decided, removed: str) -> bytes | None:
        """The text that a removed message of this size had, if it was looked at."""
        seen = (
            place for removal in self._removed(one) if removal.id == removed for place in self._sighted(removal, one)
        )
        return next((place.text_digest for place in seen if place.size is not None and place.text_digest), None)

    def texts_here(self, key: bytes, removed: str) -> frozenset[bytes]:
        """The texts that passed for a removed message in this mailbox so far."""
        sightings = (s for one in self.known.removed.get(key, ()) if one.id == removed for s in one.sightings)
        before = {s.text_digest for s in sightings if s.mailbox_id == self.spot.mailbox_id}
        now = {place.text_digest for place in self._places.get(key, ()) if place.interaction_id == removed}
        return frozenset(digest for digest in before | now if digest is not None)

    def deepens(self, key: bytes, found: Identity) -> bool:
        """Whether this mailbox may keep more of an interaction than was kept so far."""
        return isinstance(found, Same) and any(
            one.id == found.interaction_id and _DEPTH[one.capture] < _DEPTH[self.capture]
            for one in self.interactions(key)
        )

    def owed(self, key: bytes, interaction: str) -> list[int]:
        """Places of this mailbox that it left before it could be decided anew from there."""
        here = (place for place in self.known.places.get(key, ()) if place.mailbox_id == self.spot.mailbox_id)
        return [place.id for place in here if place.owed and place.gone and place.interaction_id == interaction]

    def add(self, one: Decided) -> KnownInteraction:
        """Gives a new interaction its id and its number under the key."""
        taken = {known.id: known.variant for known in self.interactions(one.key)}
        taken |= {removal.id: removal.variant for removal in self.known.removed.get(one.key, ())}
        header = self.hasher.of_header(
            one.key, "", one.envelope.date
        )  # who wrote it may be erased, and is not told then
        ids = (interaction_id(self.hasher, header, number, one.envelope.date) for number in count())
        new = KnownInteraction(
            id=next(id for id in ids if id not in taken),
            message_key=one.key,
            variant=max(taken.values(), default=-1) + 1,
            from_address=one.from_address,
            date=one.envelope.date,
            thread_id=None,
            capture=self.capture,
        )
        self._interactions[one.key] = (*self._interactions.get(one.key, ()), new)
        return new

    def put(self, one: Decided, interaction: str, digest: bytes | None) -> None:
        """The message lies here, as that interaction."""
        place = KnownPlace(
            id=0,
            mailbox_id=self.spot.mailbox_id,
            folder_id=self.spot.folder_id,
            validity=self.spot.validity,
            uid=one.envelope.id,
            message_key=one.key,
            interaction_id=interaction,
            size=one.envelope.size,
            text_digest=digest,
            gone=False,
        )
        self._places[one.key] = (*self._places.get(one.key, ()), place)


def _stand_in(removal: Removal, one: Decided) -> KnownInteraction:
    """A removed interaction as if it were still there: removing changes what is kept, not what is what."""
    return KnownInteraction(
        id=removal.id,
        message_key=removal.message_key,
        variant=removal.variant,
        from_address=one.from_address,
        date=one.envelope.date,
        thread_id=None,
        capture="full",
    )


def _beside_removed(found: Identity, seen: Sequence[KnownPlace]) -> Identity:
    """Has a message of another mailbox, or of another size, compared with every text that is known to be removed."""
    told = tuple(place for place in seen if place.text_digest is not None)
    if isinstance(found, Compare):
        return replace(found, places=(*found.places, *(place for place in told if place not in found.places)))
    own = [place for place in seen if isinstance(found, Same) and place.interaction_id == found.interaction_id]
    if own and told and not any(place.size is not None for place in own):
        return Compare(places=told, fallback=own[0].interaction_id)
    return found
