"""What is known of a page's messages, plus what the page itself adds as it is walked."""

from dataclasses import dataclass, field

from agent.store.hashes import Hasher
from agent.store.known import Known, KnownInteraction, KnownPlace
from agent.sync.deciding import Decided
from agent.sync.identity import Identity, Same, Sighting, identify
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
        return identify(sighting, self.interactions(one.key), self.places(one.key))

    def deepens(self, key: bytes, found: Identity) -> bool:
        """Whether this mailbox may keep more of an interaction than was kept so far."""
        return isinstance(found, Same) and any(
            one.id == found.interaction_id and _DEPTH[one.capture] < _DEPTH[self.capture]
            for one in self.interactions(key)
        )

    def add(self, one: Decided) -> KnownInteraction:
        """Gives a new interaction its number."""
        variant = max((known.variant for known in self.interactions(one.key)), default=-1) + 1
        new = KnownInteraction(
            id=interaction_id(self.hasher, one.key, variant),
            message_key=one.key,
            variant=variant,
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
