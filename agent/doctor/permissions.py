"""What an application of Entra may do, beside what it needs. Pure; names are those of Microsoft Graph's permissions."""

from collections.abc import Collection

from agent.doctor.finding import Said, failed, fine, warning

WRITES_MAIL = frozenset({"Mail.ReadWrite", "Mail.Send", "full_access_as_app"})
"""More than is ever needed: mail is only read."""
OPENS_ALL = frozenset(
    {
        *("Mail.Read", "Mail.ReadBasic", "Mail.ReadBasic.All", "Calendars.Read", "Calendars.ReadWrite"),
        *("MailboxSettings.Read", "MailboxSettings.ReadWrite", "Contacts.Read", "Contacts.ReadWrite"),
    }
)
"""Consent in Entra holds for every mailbox of the tenant, unless an application access policy says otherwise."""
READS_GROUPS = frozenset({"GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"})
READS_PEOPLE = frozenset({"User.ReadBasic.All", "User.Read.All", "Directory.Read.All"})
_SCOPE = (
    "remove the consent and give the right by RBAC for Applications, with a scope (docs/exchange-online.md, step 3)"
)


def judge_permissions(granted: Collection[str], *, needs_group: bool) -> Said:
    """granted: by consent in Entra. needs_group: a group of Entra is the list of mailboxes."""
    names = frozenset(granted)
    if needs_group and not names & READS_GROUPS:
        return failed("the application may not see who is in a group", "consent to GroupMember.Read.All")
    if needs_group and not names & READS_PEOPLE:
        return failed("the application sees no addresses of people in a group", "consent to User.ReadBasic.All")
    if names & WRITES_MAIL:
        return warning(
            f"{_listed(names & WRITES_MAIL)} is more than is needed: mail is only read", "remove the consent"
        )
    if names & OPENS_ALL:
        return warning(f"{_listed(names & OPENS_ALL)} holds for every mailbox of the tenant", _SCOPE)
    return fine(f"in Entra: {_listed(names) or 'none'}; what mailboxes may be opened is up to Exchange")


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
