"""The names of reminders: made from what they are about, never from a row number.

After a lost intent or a restored backup the same reason gives the same name, so the item that stands in the calendar
is found again instead of made twice. The hash is keyed: a calendar that others can see tells nothing.
"""

from collections.abc import Callable

from agent.reminders.rules.base import Wanted

KeyedHash = Callable[..., bytes]
"""Parts in, 16 bytes out: `agent.store.hashes.Hasher.hash`."""


def reminder_id(keyed: KeyedHash, wanted: Wanted) -> str:
    """32 hex digits for (rule, mailbox, contact, reason)."""
    return name(keyed, wanted.rule, wanted.mailbox, wanted.contact_id or "", wanted.reason)


def bundle_id(keyed: KeyedHash, mailbox: str, reason: str) -> str:
    """The item that stands for a day's rest."""
    return name(keyed, "bundle", mailbox, "", reason)


def name(keyed: KeyedHash, rule: str, mailbox: str, contact: str, reason: str) -> str:
    return keyed("reminder", rule, mailbox.casefold(), contact, reason).hex()


def uid(reminder: str, installation: str) -> str:
    """The uid of a reminder's calendar item."""
    return f"{reminder}@{installation}"


def is_of(found_uid: str, installation: str) -> bool:
    """Whether an item is of this installation: two of them may share a calendar, and each leaves the other's alone."""
    return found_uid.endswith(f"@{installation}")
