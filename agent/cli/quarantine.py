"""`crm-agent quarantine`: messages that could not be read, with the reason."""

from typing import Annotated

import typer

from agent.cli.doors import changing, reading
from agent.cli.house import noun
from agent.cli.output import Json, emit, say
from agent.cli.stop import Stop
from agent.exit_codes import SOME_FAILED, WRONG_USE

app = noun("Messages that could not be read.")

_DIGITS = 18
"""Of the largest number that both databases have for a row."""


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """What was given up after five tries. Its number, mailbox, folder and the reason; nothing of its content."""
    from agent.store.mail import gaps

    with reading(context) as (_house, connection):
        rows = [dict(row) for row in gaps.quarantined(connection)]
    emit(rows, as_json=as_json, empty="nothing is in quarantine")


@app.command()
def retry(
    context: typer.Context, id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Default: all.")] = None
) -> None:
    """Asks for one, or all, again at the next pass."""
    from agent.engine.progress import utc_now
    from agent.store.mail import gaps

    if id is not None and not id.isdecimal():
        raise Stop(f"{id} is no number: `crm-agent quarantine list` shows the ids", code=WRONG_USE)
    with changing(context) as (_house, connection):
        count = gaps.retry(connection, utc_now(), None if id is None else _row(id))
    if id is not None and not count:
        raise Stop(f"{id} is not in quarantine: `crm-agent quarantine list` shows the ids", code=SOME_FAILED)
    say(f"{count} to be tried again at the next pass")


def _row(id: str) -> int:
    """The number of a row; 0, which none has, for one that no database could hold."""
    return int(id) if len(id) <= _DIGITS else 0
