"""`crm-agent reminders`: follow-ups, and what a person decides about them."""

from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.choosing import contact_of, mailbox_id
from agent.cli.doors import changing, enlisted, reading
from agent.cli.house import noun
from agent.cli.output import Json, emit, note, say
from agent.cli.stop import Stop
from agent.exit_codes import SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    from datetime import datetime

    import sqlalchemy as sa

    from agent.bootstrap import House
    from agent.store.calendar.listing import Listed
    from agent.store.directory.contacts import Contact
    from config.model import Feed, Mailbox

app = noun("Follow-ups and where they stand.")

_COLUMNS = ("due_at", "state", "title", "mailbox", "rule", "id")
_STATES = ("suggested", "pending", "in-calendar", "snoozed", "done", "dismissed", "not-needed")

Id = Annotated[str, typer.Argument(metavar="ID", help="Its id, or the beginning of it.")]


@app.command("list")
def list_(
    context: typer.Context,
    contact: Annotated[str | None, typer.Option("--contact", metavar="EMAIL", help="Only about this contact.")] = None,
    mailbox: Annotated[str | None, typer.Option("--mailbox", metavar="ADDR", help="Only of this mailbox.")] = None,
    state: Annotated[str | None, typer.Option("--state", metavar="S", help=f"One of {', '.join(_STATES)}.")] = None,
    as_json: Json = False,
) -> None:
    """Lists reminders by due time, the finished ones too."""
    from agent.store.calendar import listing
    from matchers.address import normalise

    if state is not None and state not in _STATES:
        raise Stop(f"--state {state} is unknown: write one of {', '.join(_STATES)}", code=WRONG_USE)
    with reading(context) as (house, connection):
        if mailbox is not None:
            mailbox_id(connection, mailbox)
        found = listing.listed(
            connection,
            contact_id=contact_of(connection, contact).id if contact else None,
            mailbox=normalise(mailbox).normalised if mailbox else None,
            states=(state,) if state else _STATES,
        )
        kinds = _calendars(house)
        rows = [{**one.told(), "calendar": kinds.get(normalise(one.mailbox).normalised)} for one in found]
    if not as_json:
        rows = [{**row, "due_at": one.due_at} for row, one in zip(rows, found, strict=True)]
    nothing = "no such reminders" if contact or mailbox or state else "no reminders"
    emit(rows, as_json=as_json, columns=_COLUMNS, empty=nothing)


@app.command()
def add(
    context: typer.Context,
    contact: Annotated[str, typer.Argument(metavar="EMAIL", help="About whom.")],
    due: Annotated[str, typer.Option("--due", metavar="WHEN", help="A day or time, tomorrow, friday, 3 working days.")],
    title: Annotated[str, typer.Option("--title", metavar="T", help="What to do.")],
    mailbox: Annotated[
        str | None, typer.Option("--mailbox", metavar="ADDR", help="In whose calendar. Default: the contact's owner.")
    ] = None,
) -> None:
    """Adds a reminder; it stands in the calendar after the next pass."""
    from agent.engine.progress import utc_now
    from agent.reminders.manual import added
    from agent.store.calendar import reminders

    if not title.strip():
        raise Stop("--title is empty: write what to do", code=WRONG_USE)
    with enlisted(context, create=False) as house, house.database.write() as connection:
        who = contact_of(connection, contact)
        chosen = _mailbox(house, who, mailbox)
        one = added(title, _when(house, chosen, due), zone=chosen.timezone, contact_id=who.id)
        reminders.insert(house.database, connection, mailbox_id(connection, chosen.address), one, utc_now())
    say(f"added {one.id}")


@app.command()
def done(context: typer.Context, id: Id) -> None:
    """Finishes a reminder; its calendar item goes with the next pass."""
    _close(context, id, "done")


@app.command()
def dismiss(context: typer.Context, id: Id) -> None:
    """Drops a reminder; it does not come back for the same reason."""
    _close(context, id, "dismissed")


@app.command()
def snooze(
    context: typer.Context,
    id: Id,
    until: Annotated[str, typer.Option("--until", metavar="WHEN", help="A day or time, tomorrow, 3 working days.")],
) -> None:
    """Moves a reminder to a later time."""
    from agent.engine.progress import utc_now
    from agent.store.calendar import reminders

    with changing(context) as (house, connection):
        one = _active(connection, id)
        owner = next((box for box in house.settings.mailboxes if _is(box, one.mailbox)), None)
        due = _when(house, owner, until, zone=one.timezone)
        reminders.snooze(house.database, connection, one.id, due, utc_now())
    say(f"{one.title}: {due.isoformat(sep=' ', timespec='minutes')}")


@app.command()
def accept(context: typer.Context, id: Id) -> None:
    """Makes a reminder of a suggestion; it stands in the calendar after the next pass."""
    from agent.engine.progress import utc_now
    from agent.reminders.cycle import PENDING, SUGGESTED
    from agent.store.calendar import reminders

    with changing(context) as (house, connection):
        one = _found(connection, id)
        if one.state != SUGGESTED:
            raise Stop(f"this reminder is {one.state}, no suggestion", code=SOME_FAILED)
        reminders.set_state(house.database, connection, [one.id], PENDING, utc_now())
    say(f"{one.title}: accepted")


@app.command("feed-link")
def feed_link(
    context: typer.Context,
    mailbox: Annotated[str, typer.Argument(metavar="ADDR", help="Whose reminders.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="End the link instead.")] = False,
) -> None:
    """Makes a secret link to subscribe to a person's reminders; a new one ends the one before."""
    from agent.engine.progress import utc_now
    from agent.store.calendar import feed_links

    with enlisted(context, create=False) as house, house.database.write() as connection:
        row = mailbox_id(connection, mailbox)
        if revoke:
            ended = feed_links.revoke(connection, row)
            say("the link is ended" if ended else "there was no link")
            return
        token = feed_links.make(connection, house.hasher, row, utc_now())
        feed = house.settings.reminders.feed
    say(f"{_base(feed)}{token}.ics")
    if feed is None:
        note("nobody serves it yet: write feed = true in [reminders], then `crm-agent reload`")


def _base(feed: "Feed | None") -> str:
    from config.model import Feed

    where = feed or Feed()
    host = f"[{where.host}]" if ":" in where.host else where.host
    return where.url or f"http://{host}:{where.port}/"


def _close(context: typer.Context, id: str, state: str) -> None:
    from agent.engine.progress import utc_now
    from agent.reminders.cycle import SUGGESTED
    from agent.store.calendar import reminders

    with changing(context) as (house, connection):
        one = _found(connection, id)
        if one.state != SUGGESTED:
            one = _active(connection, id)
        reminders.set_state(house.database, connection, [one.id], state, utc_now())
    say(f"{one.title}: {state}")


def _active(connection: "sa.Connection", id: str) -> "Listed":
    from agent.reminders.cycle import ACTIVE, SUGGESTED

    one = _found(connection, id)
    if one.state == SUGGESTED:
        raise Stop("this reminder is only suggested: accept it first", code=SOME_FAILED)
    if one.state not in ACTIVE:
        raise Stop(f"this reminder is {one.state} already", code=SOME_FAILED)
    return one


def _found(connection: "sa.Connection", id: str) -> "Listed":
    from agent.store.calendar import listing

    one = listing.find(connection, id)
    if one is None:
        raise Stop(f"no reminder {id}: `crm-agent reminders list` shows all of them", code=SOME_FAILED)
    return one


def _mailbox(house: "House", contact: "Contact", asked: str | None) -> "Mailbox":
    """In whose calendar: the one named, else the owner's. Raises Stop where neither is a configured mailbox."""
    address = asked or contact.owner
    if not address:
        raise Stop("the contact has no owner: name a mailbox with --mailbox", code=WRONG_USE)
    for mailbox in house.settings.mailboxes:
        if _is(mailbox, address):
            return mailbox
    raise Stop(f"no mailbox {address} in the configuration: see `crm-agent mailboxes`", code=WRONG_USE)


def _is(mailbox: "Mailbox", address: str) -> bool:
    from matchers.address import normalise

    return normalise(mailbox.address).match_key == normalise(address).match_key


def _when(house: "House", mailbox: "Mailbox | None", text: str, *, zone: str | None = None) -> "datetime":
    """Raises Stop for a time nobody can read, or one that has passed."""
    from agent.engine.progress import utc_now
    from agent.reminders.manual import Clock, Unclear, when
    from agent.tending.tend import work_days

    firm = house.settings.organisation
    hours = mailbox.reminders if mailbox is not None else house.settings.reminders
    of_owner = mailbox.timezone if mailbox is not None else firm.timezone
    try:
        return when(text, Clock(now=utc_now(), zone=zone or of_owner, at=hours.at, days=work_days(firm)))
    except Unclear as error:
        raise Stop(str(error), code=WRONG_USE) from error


def _calendars(house: "House") -> dict[str, str]:
    """Normalised address of each mailbox that has a calendar -> its type."""
    from matchers.address import normalise

    return {
        normalise(one.address).normalised: one.calendar.type
        for one in house.settings.mailboxes
        if one.calendar is not None
    }
