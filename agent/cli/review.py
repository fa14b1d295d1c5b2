"""`crm-agent review`: matches that need a person's decision."""

from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.choosing import contact_of
from agent.cli.doors import changing, reading
from agent.cli.house import noun
from agent.cli.output import Json, emit, say
from agent.cli.stop import SOME_FAILED, Stop

if TYPE_CHECKING:
    import sqlalchemy as sa

    from agent.store.reviews import Item

app = noun("Matches that need a person's decision.")

_COLUMNS = ("date", "mailbox", "from", "subject", "address", "who", "id")


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Everything that waits, oldest first, with the candidates and why it is not decided."""
    from agent.store import reviews

    with reading(context) as (_house, connection):
        waiting = (item.told() for item in reviews.open_items(connection))
        rows = waiting if as_json else (_line(told) for told in waiting)
        emit(rows, as_json=as_json, columns=_COLUMNS, empty="nothing waits for a decision")


def _line(told: dict[str, object]) -> dict[str, object]:
    """For people: the day, and the candidates with the ids by which `accept` knows them."""
    candidates = told["candidates"] if isinstance(told["candidates"], list) else []
    names = [f"{one['name'] or one['email']} ({one['id']})" for one in candidates]
    return {**told, "date": str(told["date"] or "")[:10], "who": " or ".join(names) or "nobody known"}


@app.command()
def accept(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID")],
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The contact who is meant, or its id.")],
) -> None:
    """Says who is meant. The message is logged with its text at the mailbox's next pass, which is due at once."""
    from agent.engine.progress import utc_now
    from agent.store import reviews

    with changing(context) as (house, connection):
        item, contact = _item(connection, id), contact_of(connection, email)
        reviews.accept(house.database, connection, item, contact, utc_now())
    say(f"accepted: {contact.name or email}; the mailbox's next pass logs it")


@app.command()
def reject(context: typer.Context, id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Says that no contact is meant."""
    from agent.engine.progress import utc_now
    from agent.store import reviews

    with changing(context) as (house, connection):
        reviews.reject(house.database, connection, _item(connection, id), utc_now())
    say("rejected")


def _item(connection: "sa.Connection", id: str) -> "Item":
    from agent.store import reviews

    item = reviews.find(connection, id)
    if item is None:
        raise Stop(f"no open review {id}: `crm-agent review list` shows what waits", code=SOME_FAILED)
    return item
