"""Which mailboxes share a server, so that it is not asked too often at once."""

from config.model import ImapAccess, Mailbox

PER_SERVER = 8
"""Mailboxes read at a time on one host."""


def server_of(mailbox: Mailbox) -> str:
    """The host a mailbox lies on; of other connectors, the connector."""
    return mailbox.access.host if isinstance(mailbox.access, ImapAccess) else mailbox.connector
