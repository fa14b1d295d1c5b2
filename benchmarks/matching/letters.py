"""A letter with what is true about it, written as real headers so that the whole way from octets is measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from random import Random

from benchmarks.matching.world import Person, World
from connectors.message import NO_FLAGS, Envelope
from connectors.mime.header import read_header
from matchers.contact import ThreadView
from matchers.match import Reason

SENT = datetime(2026, 5, 5, 12, tzinfo=UTC)
ANNA = "Anna Ours <anna@ourfirm.example>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """linkable: contacts whom a careful reader would file it under by the header and the address book alone.

    about: contacts it is truly about; a link to anybody else is wrong. asks: whom a question about it should offer.
    machine: what a filter must call it, None for what a person wrote to people.
    """

    envelope: Envelope
    linkable: frozenset[str] = frozenset()
    about: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    machine: Reason | None = None
    text: str = ""
    thread: ThreadView | None = None


Writer = Callable[[World, Random], Letter]


def written(
    *, to: str = ANNA, subject: str = "Offer", headers: Mapping[str, str] | None = None, **fields: str
) -> Envelope:
    """The envelope of a letter with these fields; `from_` is From, `reply_to` Reply-To."""
    lines = {"to": to, "subject": subject, "date": "Tue, 05 May 2026 12:00:00 +0000", **fields, **(headers or {})}
    block = "".join(f"{name.rstrip('_').replace('_', '-')}: {value}\r\n" for name, value in lines.items() if value)
    return read_header(block.encode(), id="", size=2000, server_time=SENT, flags=NO_FLAGS)


def mailbox(person: Person, *, name: str | None = None, email: str | None = None, encoded: bool = False) -> str:
    """`Name <address>`."""
    shown = person.name if name is None else name
    written_name = Header(shown, "utf-8").encode() if encoded else f'"{shown}"'
    return f"{written_name} <{email or person.email}>" if shown else (email or person.email)


def ids(*people: Person) -> frozenset[str]:
    """Ids of those who are contacts."""
    return frozenset(one.id for one in people if one.id)


def said(envelope: Envelope, *people: Person, linkable: bool = True, asks: frozenset[str] = frozenset()) -> Letter:
    """A letter about these people; linkable if the address book tells who they are."""
    about = ids(*people)
    return Letter(envelope=envelope, linkable=about if linkable else frozenset(), about=about, asks=asks)
