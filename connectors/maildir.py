"""Archives as mailboxes: a Maildir, an mbox file or a folder of .eml files, told apart by what lies at the path.

Gives a first sync the history that left the server years ago, and embedders a source they can fill by writing files.
"""

from config.model import ArchiveAccess, Mailbox
from connectors.archive.source import ArchiveSource
from connectors.errors import Fatal

__all__ = ["ArchiveSource", "open_source"]


def open_source(mailbox: Mailbox, **_: object) -> ArchiveSource:
    """The archive as a MailSource; nothing is looked at before the first call. Raises Fatal if it is no archive."""
    access = mailbox.access
    if not isinstance(access, ArchiveAccess):
        raise Fatal(f"connector {mailbox.connector} is no archive")
    return ArchiveSource(access.path, mailbox.folders)
