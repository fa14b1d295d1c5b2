"""What is asked of a database, as its driver hears it: much goes past SQLAlchemy, and past its events."""

from typing import Any, Self

import psycopg
import sqlalchemy as sa

from agent.store.database import Database


def overheard(database: Database) -> list[str]:
    """Every statement from now on, as it comes."""
    heard: list[str] = []

    class Overheard(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **options: Any) -> Self:  # noqa: ANN401  # handed through
            heard.append(str(query))
            return super().execute(query, *arguments, **options)

    def listen(connection: Any, *_: object) -> None:  # noqa: ANN401  # of either driver
        if database.is_sqlite:
            connection.set_trace_callback(heard.append)
        else:
            connection.cursor_factory = Overheard

    sa.event.listen(database.engine, "checkout", listen)
    return heard
