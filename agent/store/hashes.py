"""Keyed hashes: what is left of a message that nobody may keep.

The key lives outside the database (`installation.key` beside an SQLite file, else a secret by reference), so a
stolen database cannot be asked whether it knows an address or a Message-ID.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from connectors.message import Envelope
from matchers.thread import normal_id

SIZE = 16
"""Bytes of a hash: at a billion messages, chance collisions stay below 1 in 10^20."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Hasher:
    """Keyed BLAKE2b over parts that cannot run into each other. Equal parts and key, equal hash."""

    def __init__(self, key: bytes) -> None:
        self._seed = hashlib.blake2b(digest_size=SIZE, key=hashlib.sha256(key).digest())

    def hash(self, *parts: str) -> bytes:
        """`SIZE` bytes for these parts, in this order."""
        state = self._seed.copy()
        state.update("\x00".join(parts).encode("utf-8", "surrogatepass"))
        return state.digest()

    def of_id(self, message_id: str) -> bytes:
        """Key of a message by its id, and of the references to it."""
        return self.hash("id", message_id)

    def of_thread_index(self, index: bytes) -> bytes:
        """Key of a conversation as Outlook counts it, the same in all mailboxes."""
        return self.hash("thread-index", index.hex())

    def of_provider_thread(self, mailbox_id: int, thread: str) -> bytes:
        """Key of a conversation as a provider counts it, inside one mailbox."""
        return self.hash("provider-thread", str(mailbox_id), thread)

    def of_address(self, match_key: str) -> bytes:
        """Key of an address, for tombstones."""
        return self.hash("address", match_key)

    def of_text(self, text: str) -> bytes:
        """Digest of a text with white space collapsed, for telling variants apart."""
        return self.hash("text", " ".join(text.split()))

    def of_header(self, message_key: bytes, from_address: str, date: datetime | None) -> bytes:
        """What tells variants under one message key apart before their texts are seen."""
        instant = "" if date is None else str((date - _EPOCH) // timedelta(microseconds=1))
        return self.hash("header", message_key.hex(), from_address, instant)

    def of_size(self, interaction_id: str, size: int) -> bytes:
        """A size that nobody can read, for one message: equal sizes of others have other hashes."""
        return self.hash("size", interaction_id, str(size))

    def message_key(self, envelope: Envelope) -> bytes:
        """Identity of a message: its Message-ID, or without one From, Date, Subject and the sorted To and Cc."""
        own = normal_id(envelope.message_id or "")
        if own:
            return self.of_id(own)
        return self.hash("no-id", *_fallback_identity(envelope))


def _fallback_identity(envelope: Envelope) -> Iterable[str]:
    yield ",".join(sorted(a.address.lower() for a in envelope.from_))
    yield envelope.date.isoformat() if envelope.date else ""
    yield envelope.subject
    yield ",".join(sorted(a.address.lower() for a in (*envelope.to, *envelope.cc)))
