"""The words of matching: what can be decided about a message, and the evidence for it."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a message is not kept, in the order in which reasons win."""

    ERASED = "erased"
    REMOVED = "removed"
    DRAFT = "draft"
    BEFORE_START = "before-start"
    PRIVATE = "private"
    NEVER_LOG = "never-log"
    INTERNAL_ONLY = "internal-only"
    CALENDAR = "calendar"
    RECEIPT = "receipt"
    NO_CONTACT = "no-contact"
    BOUNCE = "bounce"
    AUTO_REPLY = "auto-reply"
    BULK = "bulk"


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Role(StrEnum):
    """The part an address plays; a contact has the first that applies."""

    FROM = "from"
    REPLY_TO = "reply-to"
    TO = "to"
    CC = "cc"
    BCC = "bcc"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A contact that might be meant. score: 0 to 1."""

    contact_id: str
    email: str
    name: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Participant:
    """One address of the message. Kept with a logged message, whoever it is."""

    role: Role
    address: str
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """This message concerns this contact. rule: address, thread, …; confidence: 0 to 1; evidence: short facts."""

    contact_id: str
    email: str
    name: str
    role: Role
    address: str
    rule: str
    confidence: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompanyLink:
    """This message concerns this company (rule: domain, thread)."""

    company_id: str
    name: str
    domain: str
    rule: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """One participant that several contacts may be. evidence: why it is not decided."""

    address: str
    role: Role
    candidates: tuple[Candidate, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """What a bounce or auto-reply says about a contact; no text. kind: bounce or auto-reply."""

    kind: str
    contact_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Skip:
    """Not kept. evidence: for people who ask why, without an address or subject of a stranger."""

    reason: Reason
    evidence: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """Kept, with at least one contact or company. doubts: participants left to the review queue.

    suggestions: addresses that seem to be another address of a contact: (address, contact_id).
    """

    direction: Direction
    links: tuple[Link, ...] = ()
    companies: tuple[CompanyLink, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    suggestions: tuple[tuple[str, str], ...] = ()
    rule: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """Somebody must say who is meant."""

    direction: Direction
    doubts: tuple[Doubt, ...]
    rule: str = ""
    evidence: tuple[str, ...] = ()


Decision = Skip | Log | Review
