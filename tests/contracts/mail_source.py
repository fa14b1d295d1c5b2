"""What every mailbox keeps, whatever its protocol: each `MailSource` inherits these tests.

A back end gives the fixture `owner`: a mailbox of its own with an empty folder INBOX, and what its owner does to it
behind the agent's back. What a protocol cannot do is switched off by the class attributes; nothing else is.
"""

from tests.contracts.mail_changing import MailChangingContract
from tests.contracts.mail_owner import START, Owner, envelopes, letter, message_ids, names
from tests.contracts.mail_reading import MailReadingContract

__all__ = ["START", "MailSourceContract", "Owner", "envelopes", "letter", "message_ids", "names"]


class MailSourceContract(MailReadingContract, MailChangingContract):
    """Inherit, and provide the fixture `owner`."""
