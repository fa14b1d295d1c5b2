"""`crm-agent contacts suggestions`, `accept`, `refuse`: whom mail suggests, and what people say to it."""

from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.choosing import contact_of
from agent.cli.doors import changing, reading
from agent.cli.output import Json, emit, say
from agent.cli.stop import Stop
from agent.exit_codes import SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from agent.bootstrap import House
    from agent.store.directory.contacts import Contact
    from agent.store.persons.suggested import Suggested

_COLUMNS = ("address", "name", "whose", "why")

Address = Annotated[str, typer.Argument(metavar="ADDR", help="The address that is suggested.")]


def suggestions(context: typer.Context, as_json: Json = False) -> None:
    """People you wrote to who are no contacts, and likely further addresses of contacts.

    Noted where `policy.suggest_contacts` allows it. Nothing is matched by them before `contacts accept`.
    """
    from agent.store.persons import suggested

    with reading(context) as (_, connection):
        found = suggested.listed(connection)
        rows = found if as_json else map(_line, found)
        emit(rows, as_json=as_json, columns=_COLUMNS, empty="nobody is suggested")


def accept(
    context: typer.Context,
    address: Address,
    contact: Annotated[
        str | None,
        typer.Argument(metavar="[EMAIL]", help="Whose it is, or the id. Needed where several are suggested."),
    ] = None,
) -> None:
    """The address is the suggested contact's from now on; one suggested as nobody's becomes a new contact.

    Mail that was skipped, and mail still to come, is decided with that.
    """
    with changing(context) as (house, connection):
        found = _suggested(connection, address)
        meant = contact_of(connection, contact) if contact is not None else _the_one(connection, found)
        told = _give(house, connection, meant, found[0]) if meant else _add(house, connection, found[0])
    say(f"accepted: {found[0].address} is {told}")


def refuse(context: typer.Context, address: Address) -> None:
    """The address is not suggested again as that of those whom it is suggested for now. Only its key is remembered.

    A name beside it links no mail to those contacts any more, and asks nothing; `review forget` takes that back.
    """
    from agent.engine.progress import utc_now
    from agent.store.mail import refusals
    from agent.store.persons import suggested

    with changing(context) as (house, connection):
        contact_ids = [one.contact_id for one in _suggested(connection, address) if one.contact_id]
        suggested.refuse(connection, address)
        if contact_ids:
            refusals.refuse(house.database, connection, address, contact_ids, utc_now())
    say(f"refused: {address}")


def _line(told: dict[str, object]) -> dict[str, object]:
    """For people: the contact in short, with the id by which `accept` knows it."""
    contact = told["contact"]
    whose = f"{contact['name'] or contact['email']} ({contact['id']})" if isinstance(contact, dict) else "nobody known"
    return {**told, "whose": whose}


def _suggested(connection: "sa.Connection", address: str) -> "Sequence[Suggested]":
    from agent.store.persons import suggested

    found = suggested.about(connection, address)
    if not found:
        raise _nothing(address)
    return found


def _nothing(address: str) -> Stop:
    return Stop(f"nothing is suggested about {address}: `crm-agent contacts suggestions` shows all", code=SOME_FAILED)


def _the_one(connection: "sa.Connection", found: "Sequence[Suggested]") -> "Contact | None":
    """The contact of whom alone the address is suggested; None where it is of nobody known."""
    ids = [one.contact_id for one in found if one.contact_id]
    if len(ids) > 1:
        raise Stop(f"it is suggested for several contacts, name one by its id: {', '.join(ids)}", code=WRONG_USE)
    return contact_of(connection, ids[0]) if ids else None


def _give(house: "House", connection: "sa.Connection", contact: "Contact", one: "Suggested") -> str:
    from agent.people.ruling import give_address

    address, instead = one.address, "refuse the suggestion"
    refused = give_address(house.database, connection, house.hasher, contact, address, instead=instead)
    if refused is not None:
        raise Stop(refused, code=WRONG_USE)
    return f"{contact.name or contact.id}'s from now on"


def _add(house: "House", connection: "sa.Connection", one: "Suggested") -> str:
    from agent.store.directory.contact_writes import Draft, open_directory
    from agent.store.directory.contacts import Email

    draft = Draft(name=one.name, emails=(Email(address=one.address, primary=True),))
    open_directory(house.database, connection, house.hasher).add([draft], created_by="add")
    return "a contact from now on"
