"""Opens the house for commands that only use the database: one transaction each, read or write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from agent.cli.context import settings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from agent.bootstrap import House


@contextmanager
def reading(context: typer.Context) -> Iterator[tuple["House", "sa.Connection"]]:
    """The house and a snapshot of its database. Raises StoreError where there is none yet."""
    from agent.bootstrap import open_house

    with open_house(settings(context, secrets="store"), create=False) as house, house.database.read() as connection:
        yield house, connection


@contextmanager
def changing(context: typer.Context, *, dry: bool = False) -> Iterator[tuple["House", "sa.Connection"]]:
    """The house and a transaction that commits at the end. Raises StoreError where there is no database yet.

    dry: everything is done and then given up, so that what would happen can be said.
    """
    from agent.bootstrap import open_house

    with open_house(settings(context, secrets="store"), create=False) as house, house.database.write() as connection:
        yield house, connection
        if dry:
            house.database.give_up(connection)


@contextmanager
def enlisted(context: typer.Context, *, create: bool = True) -> Iterator["House"]:
    """The house, with a row for every configured mailbox: people decide about one before it is ever read."""
    from agent.bootstrap import open_house
    from agent.engine.progress import utc_now
    from agent.store import roll

    with open_house(settings(context, secrets="store"), create=create) as house:
        roll.enlist(house.database, house.settings, utc_now())
        yield house
