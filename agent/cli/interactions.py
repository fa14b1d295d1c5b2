"""`crm-agent interactions`: the history of customers."""

from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from agent.cli.choosing import contact_of, interaction_of, mailbox_id, moment
from agent.cli.doors import changing, reading
from agent.cli.house import noun
from agent.cli.output import Json, cell, emit, printable, say
from agent.cli.reader import As, AsAdmin, readable, reader
from agent.cli.stop import Stop
from agent.exit_codes import WRONG_USE

if TYPE_CHECKING:
    import sqlalchemy as sa

app = noun("What was logged.")

_COLUMNS = ("occurred_at", "direction", "kind", "who", "subject", "id")
_MOST_NAMES = 3
_SHOWN_BELOW = ("contacts", "companies", "text")

Id = Annotated[str, typer.Argument(metavar="ID", help="Its id, or the beginning of it.")]


@app.command("list")
def list_(
    context: typer.Context,
    contact: Annotated[str | None, typer.Option("--contact", metavar="EMAIL", help="Only with this contact.")] = None,
    mailbox: Annotated[str | None, typer.Option("--mailbox", metavar="ADDR", help="Only of this mailbox.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="Only from this day on.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the newest ones.")] = None,
    as_: As = None,
    as_admin: AsAdmin = False,
    as_json: Json = False,
) -> None:
    """Lists interactions, newest first. With --json their texts too, as far as the reader may see them."""
    from agent.store.mail import history

    nothing = "nothing like that was logged" if contact or mailbox or since else "nothing was logged yet"
    with reading(context) as (house, connection):
        wanted = history.Wanted(
            contact_id=contact_of(connection, contact).id if contact else None,
            mailbox_id=mailbox_id(connection, mailbox) if mailbox else None,
            since=moment(since, house.settings.organisation.timezone) if since else None,
            limit=limit,
        )
        found = history.listed(connection, wanted)
        zone = ZoneInfo(house.settings.organisation.timezone)
        who = reader(house, as_, admin=as_admin)
        rows = readable(house, who, found) if as_json else (_line(one, zone) for one in found)
        emit(rows, as_json=as_json, columns=_COLUMNS, empty=nothing)


def _line(told: dict[str, object], zone: ZoneInfo) -> dict[str, object]:
    """For people: the firm's own time, and who it was with."""
    return {**_in_zone(told, zone), "who": _who(told)}


def _in_zone(told: dict[str, object], zone: ZoneInfo) -> dict[str, object]:
    at = told["occurred_at"]
    return {**told, "occurred_at": at.astimezone(zone) if isinstance(at, datetime) else at}


def _who(told: dict[str, object]) -> str:
    """The first names; a mail to twenty must not push the subjects of all others off the screen."""
    people, firms = told["contacts"], told["companies"]
    named = [one for group in (people, firms) if isinstance(group, list) for one in group]
    shown = [str(one["name"] or one.get("email", "")) for one in named[:_MOST_NAMES]]
    more = [f"{len(named) - _MOST_NAMES} more"] if len(named) > _MOST_NAMES else []
    return ", ".join(shown + more)


@app.command()
def show(context: typer.Context, id: Id, as_: As = None, as_admin: AsAdmin = False, as_json: Json = False) -> None:
    """Shows one interaction with the evidence for every link, and its text if the reader may see it."""
    from agent.store.mail import history

    with reading(context) as (house, connection):
        told = history.shown(connection, [interaction_of(connection, id)])
        (found,) = readable(house, reader(house, as_, admin=as_admin), told)
        zone = ZoneInfo(house.settings.organisation.timezone)
    if as_json:
        emit([found], as_json=True)
        return
    for name, value in _in_zone(found, zone).items():
        if name not in _SHOWN_BELOW:
            say(f"{name.replace('_', ' '):<12} {cell(value)}")
    for line in chain(map(_person, _tables(found["contacts"])), map(_firm, _tables(found["companies"]))):
        say(cell(line))
    if found["text"]:
        say("")
        for line in str(found["text"]).splitlines():
            say(printable(line))


@app.command()
def remove(context: typer.Context, id: Id) -> None:
    """Takes an interaction out of the history for good: a later pass does not log the message again."""
    from agent.engine.progress import utc_now
    from agent.store.mail import corrections

    with changing(context) as (house, connection):
        one = interaction_of(connection, id)
        corrections.remove(house.database, connection, house.hasher, one, utc_now())
    say(f"removed {one}")


@app.command()
def move(
    context: typer.Context,
    id: Id,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The contact it is about, or its id.")],
    taken_from: Annotated[
        str | None,
        typer.Option("--from", metavar="EMAIL", help="Who it is not about. Needed where it has several contacts."),
    ] = None,
) -> None:
    """Gives an interaction to another contact. No later pass gives it back."""
    from agent.engine.progress import utc_now
    from agent.store.mail import corrections

    with changing(context) as (house, connection):
        one, contact = interaction_of(connection, id), contact_of(connection, email)
        source = _source(connection, one, taken_from)
        corrections.move(house.database, connection, one, source, contact, utc_now())
    say(f"moved {one} to {contact.name or email}")


def _source(connection: "sa.Connection", interaction: str, asked: str | None) -> str | None:
    """The id of the contact who has it no more; None where nobody has it. Raises Stop where that is not clear."""
    from agent.store.mail import corrections

    having = corrections.linked(connection, interaction)
    names = ", ".join(f"{one.name or 'without a name'} ({one.id})" for one in having)
    if asked is not None:
        wanted = contact_of(connection, asked)
        if wanted.id not in {one.id for one in having}:
            raise Stop(f"{asked} does not have it; --from names one of: {names or 'nobody'}", code=WRONG_USE)
        return wanted.id
    if len(having) > 1:
        raise Stop(f"it has several contacts, say with --from who it is not about: {names}", code=WRONG_USE)
    return having[0].id if having else None


@app.command()
def add(
    context: typer.Context,
    contact: Annotated[str, typer.Option("--contact", metavar="EMAIL", help="With whom.")],
    kind: Annotated[str, typer.Option("--kind", metavar="call|note", help="What it was.")],
    text: Annotated[str, typer.Option("--text", help="What was said.")],
) -> None:
    """Notes a call, or anything else worth remembering."""
    import secrets

    from agent.engine.progress import utc_now
    from agent.store.mail import corrections

    if kind not in ("call", "note"):
        raise Stop(f"--kind {kind} is unknown: write call or note", code=WRONG_USE)
    if not text.strip():
        raise Stop("--text is empty: write what was said", code=WRONG_USE)
    new = secrets.token_hex(16)
    with changing(context) as (house, connection):
        who = contact_of(connection, contact)
        corrections.add(house.database, connection, id=new, kind=kind, contact=who, text=text, now=utc_now())
    say(f"added {new}")


def _person(one: dict[str, object]) -> str:
    name, company = one["name"] or one["email"], f" of {one['company']}" if one["company"] else ""
    return f"{'with':<12} {name} <{one['email']}>{company} ({one['role']}): {cell(one['evidence'])}"


def _firm(one: dict[str, object]) -> str:
    return f"{'company':<12} {one['name']}: {cell(one['evidence'])}"


def _tables(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []
