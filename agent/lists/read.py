"""Asks for a list where it is kept. What asks over the network is imported when such a list is configured."""

from collections.abc import Sequence

import structlog

from config.mailboxes_csv import read_mailboxes
from config.model import CsvList, EntraGroup, LdapBase, MailboxList, Member
from config.problem import ConfigProblems
from connectors.errors import Fatal

_log = structlog.get_logger(__name__)


def read(one: MailboxList) -> Sequence[Member]:
    """Everybody on the list, as it is kept. Raises ConnectorError, in sentences that name nobody."""
    match one.source:
        case CsvList():
            return _in_a_file(one.source)
        case EntraGroup():
            return _in_a_group(one.source)
        case LdapBase():
            return _in_a_directory(one.source)


def _in_a_file(source: CsvList) -> Sequence[Member]:
    try:
        return read_mailboxes(source.path)
    except ConfigProblems as wrong:
        first = wrong.problems[0]
        if not first.line:
            raise Fatal(f"{source.path} {first.what}", advice=first.instead or "see to it that it can") from wrong
        count = f"{len(wrong.problems)} mistakes, the first" if len(wrong.problems) > 1 else "a mistake"
        sentence = f"{source.path} has {count} on line {first.line}"
        raise Fatal(sentence, advice="`crm-agent config check` names what is wrong") from wrong


def _in_a_group(source: EntraGroup) -> Sequence[Member]:
    from connectors.graph.checks import members  # msal takes 0.3 s: only where a group of Entra is named

    found = members(source.access, source.group)
    if found.without_mail and not found.ids:
        raise Fatal(
            "nobody in the group has an address that the application may see",
            advice="consent to User.ReadBasic.All, and see that people with mailboxes are in the group",
        )
    if found.without_mail:
        _log.info("members of a group have no mailbox, or none that may be seen", count=len(found.without_mail))
    return tuple(Member(address=address, username=id) for address, id in found.ids.items())


def _in_a_directory(source: LdapBase) -> Sequence[Member]:
    from connectors.ldap import people

    return people(source)
