"""What is allowed in a configuration but probably not meant: told by `config check`, stopping nothing."""

from collections.abc import Iterator

from config.model import Settings


def notes(settings: Settings) -> Iterator[str]:
    """One sentence each."""
    if not settings.mailboxes and not settings.lists:
        yield "no mailbox is named, so nothing will be read: write [[connectors]] with [[connectors.mailboxes]]"
    if settings.mailboxes and not settings.organisation.domains:
        yield "organisation.domains is empty, so no mail counts as internal: name your own mail domains"
    if settings.policy.retention_days == 0:
        yield "policy.retention_days is 0: interactions are kept for ever"
    for mailbox in settings.mailboxes:
        if mailbox.reminders.has_rules and mailbox.calendar is None:
            yield f"{mailbox.address} has reminders but no calendar: they will stand in `crm-agent reminders list` only"
