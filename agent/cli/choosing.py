"""Turns what a person typed into what is meant: a contact, a mailbox, a moment. Doubt ends with exit code 2."""

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.cli.stop import Stop
from agent.exit_codes import SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    import sqlalchemy as sa

    from agent.store.directory.contacts import Contact


def contact_of(connection: "sa.Connection", asked: str) -> "Contact":
    """The one contact with this address or id. Raises Stop, naming the ids where several share the address."""
    from agent.store.directory import contacts

    found = contacts.find(connection, asked)
    if isinstance(found, contacts.Unclear):
        raise Stop(found.sentence, code=WRONG_USE)
    contact = contacts.show(connection, found)
    if contact is None:
        raise Stop(contacts.Unclear(asked=asked).sentence, code=WRONG_USE)
    return contact


def interaction_of(connection: "sa.Connection", asked: str) -> str:
    """The id of the one interaction with this id or beginning of an id. Raises Stop."""
    from agent.store.mail import history

    found = history.find(connection, asked)
    if found is None:
        raise Stop(f"no interaction {asked}: `crm-agent interactions list` shows all of them", code=SOME_FAILED)
    return found


def mailbox_id(connection: "sa.Connection", address: str) -> int:
    """The row of a configured mailbox. Raises Stop."""
    from agent.store.schedule import mailboxes
    from matchers.address import normalise

    found = mailboxes.ids(connection).get(normalise(address).normalised)
    if found is None:
        raise Stop(f"no mailbox {address} in the configuration: see `crm-agent mailboxes`", code=WRONG_USE)
    return found


def moment(text: str, zone: str) -> datetime:
    """A date (its midnight) or a time, ISO 8601, in the organisation's zone unless it names an offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Stop(f"{text} is no date: write 2026-03-01 or 2026-03-01T09:30", code=WRONG_USE) from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
