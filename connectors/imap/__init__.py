"""Mailboxes by IMAP4rev1 (RFC 3501) or IMAP4rev2 (RFC 9051): read-only, headers first, two lanes a folder.

`open_source` is the only door; nothing connects before the first call on what it returns.
"""

from typing import TYPE_CHECKING

from config.model import ImapAccess, Mailbox
from connectors.errors import Fatal
from connectors.imap.source import ImapSource

if TYPE_CHECKING:
    from connectors.oauth import TokenCache, Tokens

__all__ = ["ImapSource", "open_source", "tokens_of"]


def open_source(mailbox: Mailbox, *, tokens: "TokenCache | None" = None) -> ImapSource:
    """The mailbox as a MailSource; `tokens` keeps OAuth tokens between runs. Raises Fatal if it is no IMAP mailbox."""
    access = mailbox.access
    if not isinstance(access, ImapAccess):
        raise Fatal(f"connector {mailbox.connector} is not an IMAP server")
    return ImapSource(access, mailbox.folders, tokens_of(mailbox, tokens))


def tokens_of(mailbox: Mailbox, cache: "TokenCache | None" = None) -> "Tokens | None":
    """Where this mailbox's access tokens come from; None if it signs in with a password. `sign-in` asks it too."""
    access = mailbox.access
    if not isinstance(access, ImapAccess) or access.oauth is None:
        return None
    from connectors.tokens import tokens_for  # brings an HTTP client, which a password does not need

    ca_file = access.ca_file if access.oauth.provider == "custom" else None
    return tokens_for(access.oauth, mailbox.address, cache, ca_file)
