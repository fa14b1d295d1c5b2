"""What `doctor` and the mailbox lists ask of a tenant: permissions, credentials, mailboxes, members of a group."""

from dataclasses import dataclass
from datetime import datetime

from config.model import GraphAccess


@dataclass(frozen=True, kw_only=True, slots=True)
class Members:
    """A group's people. addresses: their mailboxes. without_mail: names of those who have none, or none we may see."""

    addresses: tuple[str, ...]
    without_mail: tuple[str, ...]


def granted(access: GraphAccess) -> frozenset[str]:
    """The application permissions that the tenant has consented to, by name (`Mail.Read`). Raises ConnectorError.

    Mailbox access given by RBAC for Applications alone is not among them.
    """
    raise NotImplementedError


def expires(access: GraphAccess) -> datetime | None:
    """When the certificate ends, aware; None for a secret or an assertion, whose end only Entra knows. Raises Fatal."""
    raise NotImplementedError


def reachable(access: GraphAccess) -> int:
    """Opens the mailbox's inbox; the number of messages in it. Raises ConnectorError with what to do."""
    raise NotImplementedError


def is_refused(access: GraphAccess, address: str) -> bool:
    """Whether the application may not read this mailbox, as `must_refuse` demands. Raises ConnectorError."""
    raise NotImplementedError


def members(access: GraphAccess, group_id: str) -> Members:
    """Everybody in a group, members of groups inside it too. Raises ConnectorError, never answers in part."""
    raise NotImplementedError
