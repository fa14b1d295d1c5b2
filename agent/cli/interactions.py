"""`crm-agent interactions`: the history of customers."""

from typing import Annotated

import typer

from agent.cli.choosing import contact_of, mailbox_id, moment
from agent.cli.doors import changing, reading
from agent.cli.house import noun
from agent.cli.output import Json, emit, say
from agent.cli.stop import SOME_FAILED, WRONG_USE, Stop

app = noun("What was logged.")

_COLUMNS = ("occurred_at", "direction", "kind", "who", "subject", "id")


@app.command("list")
def list_(
    context: typer.Context,
    contact: Annotated[str | None, typer.Option("--contact", metavar="EMAIL", help="Only with this contact.")] = None,
    mailbox: Annotated[str | None, typer.Option("--mailbox", metavar="ADDR", help="Only of this mailbox.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="Only from this day on.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the newest ones.")] = None,
    as_json: Json = False,
) -> None:
    """Lists interactions, newest first."""
    from agent.store import history

    with reading(context) as (house, connection):
        wanted = history.Wanted(
            contact_id=contact_of(connection, contact).id if contact else None,
            mailbox_id=mailbox_id(connection, mailbox) if mailbox else None,
            since=moment(since, house.settings.organisation.timezone) if since else None,
            limit=limit,
        )
        found = history.listed(connection, wanted)
        rows = found if as_json else ({**one, "who": _who(one)} for one in found)
        emit(rows, as_json=as_json, columns=_COLUMNS, empty="nothing was logged yet")


def _who(told: dict[str, object]) -> str:
    people, firms = told["contacts"], told["companies"]
    named = [one for group in (people, firms) if isinstance(group, list) for one in group]
    return ", ".join(str(one["name"] or one.get("email", "")) for one in named)


@app.command()
def show(context: typer.Context, id: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Shows one interaction with its text and the evidence for every link."""
    from agent.store import history

    with reading(context) as (_house, connection):
        found = history.shown(connection, [id])
    if not found:
        raise Stop(f"no interaction {id}: `crm-agent interactions list` shows all of them", code=SOME_FAILED)
    if as_json:
        emit(found, as_json=True)
        return
    emit([{"field": name, "value": value} for name, value in found[0].items() if name != "text"], as_json=False)
    say(str(found[0]["text"] or ""))


@app.command()
def remove(context: typer.Context, id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Takes an interaction out of the history for good: a later pass does not log the message again."""
    from agent.engine.progress import utc_now
    from agent.store import corrections

    with changing(context) as (house, connection):
        known = corrections.remove(house.database, connection, house.hasher, id, utc_now())
    if not known:
        raise Stop(f"no interaction {id}: `crm-agent interactions list` shows all of them", code=SOME_FAILED)
    say(f"removed {id}")


@app.command()
def add(
    context: typer.Context,
    contact: Annotated[str, typer.Option("--contact", metavar="EMAIL", help="With whom.")],
    kind: Annotated[str, typer.Option("--kind", help="call or note")],
    text: Annotated[str, typer.Option("--text", help="What was said.")],
) -> None:
    """Notes a call, or anything else worth remembering."""
    import secrets

    from agent.engine.progress import utc_now
    from agent.store import corrections

    if kind not in ("call", "note"):
        raise Stop(f"--kind {kind} is unknown: write call or note", code=WRONG_USE)
    new = secrets.token_hex(16)
    with changing(context) as (house, connection):
        who = contact_of(connection, contact)
        corrections.add(house.database, connection, id=new, kind=kind, contact=who, text=text, now=utc_now())
    say(f"added {new}")
