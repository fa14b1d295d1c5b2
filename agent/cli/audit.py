"""`crm-agent audit`: who read another person's text, and when somebody was erased."""

from typing import Annotated

import typer

from agent.cli.choosing import moment
from agent.cli.doors import reading
from agent.cli.house import noun
from agent.cli.output import Json, emit

app = noun("Who read another person's text, and when somebody was erased.")


@app.command("audit")
def audit(
    context: typer.Context,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="Only from this day on.")] = None,
    as_json: Json = False,
) -> None:
    """Prints what was noted, oldest first. Of an erasure it says when and by whom, not of whom."""
    from agent.store import auditing

    with reading(context) as (house, connection):
        start = moment(since, house.settings.organisation.timezone) if since else None
        rows = (one.told() for one in auditing.listed(connection, start))
        emit(rows, as_json=as_json, columns=("at", "who", "what", "entity"), empty="nothing was noted")
