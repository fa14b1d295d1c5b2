"""Whether there is anything to work on: nobody named at the start is a mistake, after the last one left it is not.

Called by `sync` and `run`, which bring the schedule in line with the configuration.
"""

from typing import TYPE_CHECKING

import typer

from agent.cli.context import settings

if TYPE_CHECKING:
    from agent.bootstrap import House
    from config.model import Settings


def workable(context: typer.Context) -> "Settings":
    """The effective settings. Raises ConfigProblems if they name nobody and there is no database that knows anybody."""
    from agent.store.database import sqlite_file
    from config.load import refuse_no_mailboxes

    configured = settings(context)
    file = sqlite_file(configured.store.url)
    if file is not None and not file.exists():
        refuse_no_mailboxes(configured)
    return configured


def refuse_idleness(house: "House") -> None:
    """Raises ConfigProblems if the settings name nobody and nobody ever was read here."""
    from agent.store.schedule import mailboxes
    from config.load import refuse_no_mailboxes

    with house.database.read() as connection:
        if not mailboxes.has_any(connection):
            refuse_no_mailboxes(house.described)
