"""Which ids tie a message to a conversation. The store hashes them; nothing here knows whether they exist."""

import binascii
from collections.abc import Iterable

from connectors.message import Envelope

MOST_REFERENCES = 20
"""Ids of other messages that count: the first (the root) and the latest. A hostile header can hold thousands."""

LONGEST_ID = 998
"""Characters; the longest line RFC 5322 (2.1.1) allows. Longer ids name no message."""

_INDEX_LENGTH = 22


def normal_id(raw: str) -> str:
    """A message id without angle brackets and white space, otherwise exactly as written; '' if it is none."""
    bare = "".join(raw.split()).strip("<>")
    return bare if len(bare) <= LONGEST_ID else ""


def thread_ids(envelope: Envelope) -> tuple[str, ...]:
    """The message's own id (if it has one), then up to `MOST_REFERENCES` ids it refers to, each once."""
    own = normal_id(envelope.message_id or "")
    return ((own,) if own else ()) + tuple(i for i in referenced_ids(envelope) if i != own)


def referenced_ids(envelope: Envelope) -> tuple[str, ...]:
    """Ids of References, then those only In-Reply-To names, each once; of many the first and the latest ones."""
    if not envelope.references and not envelope.in_reply_to:
        return ()
    ids = _distinct((*envelope.references, *envelope.in_reply_to))
    if len(ids) > MOST_REFERENCES:
        ids = (ids[0], *ids[1 - MOST_REFERENCES :])
    return ids


def thread_index(envelope: Envelope) -> bytes:
    """The conversation that Outlook names in Thread-Index; b'' if it names none.

    The first 22 octets are the same in all its messages ([MS-OXOMSG] 2.2.1.3); each answer adds five.
    """
    written = envelope.headers.get("thread-index", "")
    try:
        index = binascii.a2b_base64(written)
    except ValueError:
        return b""
    return index[:_INDEX_LENGTH] if len(index) >= _INDEX_LENGTH else b""


def _distinct(raw: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(bare for bare in map(normal_id, raw) if bare))


def root_id(envelope: Envelope) -> str | None:
    """The id of the message that began the thread: first of References, else In-Reply-To, else the own id."""
    for raw in (*envelope.references, *envelope.in_reply_to, envelope.message_id or ""):
        if bare := normal_id(raw):
            return bare
    return None
