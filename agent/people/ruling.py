"""Writes the rules that a person's correction stands for: an address is somebody's, a domain is a company's.

Called by `crm-agent review accept` and `contacts accept`. Nothing is concluded from one click: each rule is asked for
by a word of its own.
"""

from typing import TYPE_CHECKING

from agent.people.plan import draft_of, with_address, with_domain
from agent.store.database import Database
from agent.store.directory import contacts
from agent.store.directory.contact_writes import open_directory
from agent.store.directory.contacts import Contact
from agent.store.hashes import Hasher
from matchers.address import is_role_address, normalise
from matchers.company import corporate_domain

if TYPE_CHECKING:
    import sqlalchemy as sa


def give_address(
    database: Database,
    connection: "sa.Connection",
    hasher: Hasher,
    contact: Contact,
    address: str,
    *,
    instead: str = "accept without --always",
) -> str | None:
    """The address is the contact's from now on. Why not, for people, if it cannot be. instead: what else to do."""
    others = [one for one in contacts.holders(connection, [address]) if one != contact.id]
    if others:
        return f"{address} is another contact's too: {', '.join(others)}; merge them, or {instead}"
    if is_role_address(address):
        return f"{address} is a task's and not a person's: {instead}, or add it with `contacts add`"
    if normalise(address).match_key not in {normalise(email.address).match_key for email in contact.emails}:
        writer = open_directory(database, connection, hasher)
        writer.update({contact.id: with_address(draft_of(contact), address)})
    return None


def give_domain(
    database: Database, connection: "sa.Connection", hasher: Hasher, contact: Contact, address: str
) -> str | None:
    """The address's domain is that of the contact's company from now on. Why not, if it cannot be."""
    domain = corporate_domain(normalise(address).domain)
    if not domain:
        return f"{address} is at no domain that one company has: accept without --company"
    if not contact.company:
        return "the contact has no company: name it with `contacts add EMAIL --company NAME` first"
    now = contacts.show(connection, contact.id) or contact  # it may have got the address just now
    writer = open_directory(database, connection, hasher)
    writer.update({contact.id: with_domain(draft_of(now), domain)})
    return None
