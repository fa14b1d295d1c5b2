"""Lists of mailboxes: where one comes from, and the settings once its entries are known.

The list itself is read by `agent.lists`; a file of mailboxes can be read here (`config.mailboxes_csv`), because
`config check` looks at it.
"""

from collections.abc import Mapping, Sequence

from config.list_words import SOURCES
from config.model import CsvList, EntraGroup, GraphAccess, LdapBase, Mailbox, Member, Settings
from config.nearest import one_of
from config.node import Node
from config.problem import Problem
from config.reading import Reading
from config.values import Values

SAMPLE = "somebody@list.example"
"""Stands for everybody on a list while the settings of its connector are checked."""


def source_of(
    place: Node, values: Values, access: GraphAccess | None, reading: Reading
) -> CsvList | EntraGroup | LdapBase | None:
    """The one place where a list is kept. access: of the connector, if it is one of Microsoft Graph."""
    written = [name for name in SOURCES if name in place.table()]
    if not written:
        reading.note(place, "names no list", f"write {one_of(SOURCES)}")
    for name in written[1:]:
        reading.note(place.table()[name], f"stands beside {written[0]}", "remove one of the two")
    if "csv" in values:
        return CsvList.model_validate({"path": values["csv"]})
    if isinstance(values.get("ldap"), dict):
        return _ldap(place.table()["ldap"], values["ldap"], reading)
    if "entra_group" in values and access is not None:
        return EntraGroup.model_validate({"group": values["entra_group"], "access": access})
    return None


def _ldap(place: Node, values: object, reading: Reading) -> LdapBase | None:
    table = place.table()
    if ("username" in table) != ("password" in table):
        reading.note(place, "username and password belong together", "write both, or neither")
        return None
    if not {"url", "base"} <= set(table) or not isinstance(values, dict) or not {"url", "base"} <= values.keys():
        return None
    return LdapBase.model_validate(values)


def with_members(settings: Settings, members: Mapping[str, Sequence[Member]]) -> tuple[Settings, Sequence[Problem]]:
    """The settings with the mailboxes of their lists added, and what is wrong with entries that were left out.

    members: by the list's connector; one that is not known yet adds nobody and counts as unresolved. A mailbox that is
    named one by one is as it is written there, whatever a list says; one that stands in two lists belongs to the first.
    """
    mailboxes, problems = list(settings.mailboxes), list[Problem]()
    taken = {own.casefold() for mailbox in mailboxes for own in (mailbox.address, *mailbox.aliases)}
    for one in settings.lists:
        excluded = {address.casefold() for address in one.excluded}
        made = one.make([member for member in members.get(one.connector, ()) if not _own(member) & excluded])
        problems += made.problems
        for mailbox in made.mailboxes:
            if mailbox.address.casefold() not in taken:
                mailboxes.append(_without(mailbox, taken))
                taken |= {own.casefold() for own in (mailbox.address, *mailbox.aliases)}
    unresolved = tuple(one.connector for one in settings.lists if one.connector not in members)
    return settings.model_copy(update={"mailboxes": tuple(mailboxes), "unresolved": unresolved}), problems


def _own(member: Member) -> set[str]:
    return {own.casefold() for own in (member.address, *member.aliases)}


def _without(mailbox: Mailbox, taken: set[str]) -> Mailbox:
    """An alias that is somebody's already stays theirs."""
    aliases = tuple(alias for alias in mailbox.aliases if alias.casefold() not in taken)
    return mailbox if aliases == mailbox.aliases else mailbox.model_copy(update={"aliases": aliases})
