"""The words of mail: what every mail source hands in, whatever its protocol.

All values are frozen. Text is Unicode without NUL. Nothing here has touched a body until it is a `Message`.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NewType

YEARS_OF_MAIL = range(1900, 9999)
"""Years outside are no dates of mail, whoever says so: 9999 would overflow when moved to UTC."""

Cursor = NewType("Cursor", str)
"""Opaque, versioned JSON that only the connector which made it can read. One per (mailbox, folder, lane)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """One mailbox of an address header, as written: `name` decoded, `address` the addr-spec or ''."""

    address: str
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A folder as the server names it.

    key: the server's own name or id, the stable handle. name: decoded, for people and configuration.
    role: inbox, sent, archive, all, drafts, junk, trash, or None.
    mark: state of the folder as one opaque snapshot, where the listing gave it: equal marks, nothing new.
    fragile: reading it ended the last session, so a message is to be told that does so whenever it is asked for.
    """

    key: str
    name: str
    role: str | None = None
    mark: str | None = None
    fragile: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Flags:
    """What the salesperson set on a message. `categories`: Outlook categories or IMAP keywords, as written."""

    draft: bool = False
    flagged: bool = False
    flag_due: date | None = None
    private: bool = False
    categories: frozenset[str] = frozenset()


NO_FLAGS = Flags()


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """The header of one message in one place; no body.

    id: unique in its folder under one validity (an IMAP UID in decimal, a Graph id).
    size: bytes as the server counts them (RFC822.SIZE), None where unknown.
    server_time: when the server received it, aware, in the server's own offset (INTERNALDATE); None if unknown.
    date: the Date header, aware; None if absent, unreadable or without a zone (`-0000` counts as none).
    message_id, references, in_reply_to: ids without the angle brackets; references oldest first.
    headers: the headers that filters ask for, by lower-case name, unfolded and decoded; absent ones are absent.
    provider_id, provider_thread: ids that hold inside one mailbox (EMAILID, X-GM-MSGID, Graph immutable id).
    defects: what was wrong with the header, one short word each.
    """

    id: str
    size: int | None = None
    server_time: datetime | None = None
    date: datetime | None = None
    message_id: str | None = None
    subject: str = ""
    from_: tuple[Address, ...] = ()
    sender: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    references: tuple[str, ...] = ()
    in_reply_to: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    flags: Flags = NO_FLAGS
    provider_id: str | None = None
    provider_thread: str | None = None
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """Name, media type and size in bytes (None: unknown). The content is never kept."""

    name: str
    type: str
    size: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What stands below the header of a matched message.

    text: plain text of the whole body (HTML turned to text), at most `TEXT_LIMIT` characters; '' if there is none.
    new_text: the sender's own words without quote and signature, where the *server* tells; else None.
    calendar_method: REQUEST, REPLY, CANCEL … if the message is an invitation or an answer to one.
    """

    id: str
    text: str = ""
    new_text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    truncated: bool = False
    encrypted: bool = False
    calendar_method: str | None = None
    report: str | None = None
    """Report type of a multipart/report (`delivery-status`, `disposition-notification`), else None."""
    defects: tuple[str, ...] = ()


TEXT_LIMIT = 256 * 1024
"""Characters of text that are kept of one message; what is longer is cut and said so (`truncated`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Withheld:
    """The server listed this id but did not hand out what was asked.

    gone: it has left the folder since. ended: asking for it ended the session, so every try costs a sign-in.
    """

    id: str
    reason: str
    gone: bool = False
    ended: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FlagChange:
    """The flags of a message that was listed before."""

    id: str
    flags: Flags


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One step of a folder's reading; rows made of it commit together with `cursor`.

    validity: the namespace of the ids (UIDVALIDITY in decimal; a constant where ids never change meaning).
    cursor: where to go on, a snapshot taken *before* the fetch. None: leave the stored one as it is.
    renumbered: everything known of this folder under another validity is void as a place (not as history).
    history: set on first contact and after renumbering: where the history lane begins.
    forward: in the history lane alone: the forward lane goes on from here, because only now all of the folder was seen
    (delta queries, whose link to what changes later comes at the end of a first round).
    withheld: ids that were listed but not handed out: they go to the gap table.
    gone: ids that left the folder, where the server tells. verify: some may have left or been missed:
    compare `ids()` with what is known.
    """

    validity: str
    envelopes: tuple[Envelope, ...] = ()
    flags: tuple[FlagChange, ...] = ()
    gone: tuple[str, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    cursor: Cursor | None = None
    renumbered: bool = False
    history: Cursor | None = None
    forward: Cursor | None = None
    verify: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Away:
    """When the owner's automatic replies go out: aware times; None: since before, or until further notice."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A contact as it stands in a mailbox's own address book. id: the provider's, stable inside the mailbox."""

    id: str
    name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    company: str = ""
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """All ids a folder holds right now that are not older than the floor asked for."""

    validity: str
    ids: Set[str]
