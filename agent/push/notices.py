"""What Graph posts to a webhook, read without trust ("Receive change notifications through webhooks").

A notice is believed only if it brings the secret that belongs to the mailbox whose URL it came to.
"""

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

BODY_LIMIT = 1024 * 1024
"""Bytes of one post."""
MOST_NOTICES = 1_000


class Malformed(ValueError):
    """The post is no list of notices."""


class News(StrEnum):
    """What a notice says: something changed, or something about the subscription itself."""

    CHANGED = "changed"
    MISSED = "missed"
    REMOVED = "subscriptionRemoved"
    REAUTHORISE = "reauthorizationRequired"


def read_notices(body: bytes, client_state: str) -> Iterator[News]:
    """The news in a post to a mailbox's URL; notices without its secret tell nothing. Raises Malformed."""
    expected = client_state.encode()
    for entry in _entries(body):
        if isinstance(entry, dict) and hmac.compare_digest(_text(entry.get("clientState")), expected):
            yield _news(entry.get("lifecycleEvent"))


def _entries(body: bytes) -> list[object]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed from error
    entries = told.get("value") if isinstance(told, dict) else None
    if not isinstance(entries, list):
        raise Malformed
    return entries[:MOST_NOTICES]


def _news(lifecycle: object) -> News:
    """A lifecycle event that nobody knows yet is a reason to look, too."""
    return next((one for one in News if one == lifecycle), News.CHANGED)


def _text(value: object) -> bytes:
    return value.encode(errors="replace") if isinstance(value, str) else b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Doorplate:
    """A mailbox at the webhook. path: the last part of its URL. client_state: the secret its notices bring."""

    address: str
    path: str
    client_state: str
