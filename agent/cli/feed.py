"""`crm-agent feed`: every change of contacts, interactions and reminders, for another system to follow.

What each kind of row says stands in docs/admin-guide.md.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.doors import reading
from agent.cli.house import noun
from agent.cli.output import Json, emit
from agent.cli.stop import Stop
from agent.exit_codes import WRONG_USE

if TYPE_CHECKING:
    import sqlalchemy as sa

app = noun("Every change, in order, for other systems.")

BATCH = 1000
"""Rows read at a time, so that a feed of any length is followed in little memory."""


@app.command("feed")
def feed(
    context: typer.Context,
    after: Annotated[str | None, typer.Option("--after", metavar="TOKEN", help="Go on after this row.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many rows.")] = None,
    as_json: Json = False,
) -> None:
    """Prints what changed, oldest first. Keep the token of the last row you handled, and hand it back next time."""
    from agent.store.feed import UnknownToken, position

    with reading(context) as (_, connection):
        try:
            start = position(connection, after) if after else 0
        except UnknownToken as unknown:
            raise Stop(str(unknown), code=WRONG_USE) from None
        rows = _rows(connection, start, limit)
        emit(rows, as_json=as_json, columns=("token", "at", "kind", "event", "entity"), empty="nothing changed")


def _rows(connection: "sa.Connection", start: int, limit: int | None) -> Iterator[dict[str, object]]:
    from agent.store.feed import read

    left = limit
    while batch := read(connection, start, BATCH if left is None else min(left, BATCH)):
        for entry in batch:
            yield {
                "token": entry.token,
                "at": entry.at,
                "kind": entry.change.kind,
                "event": entry.change.event,
                "entity": entry.change.entity,
                "body": entry.change.body,
            }
        start = batch[-1].seq
        left = None if left is None else left - len(batch)
        if left == 0:
            return
