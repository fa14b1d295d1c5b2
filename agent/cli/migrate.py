"""`crm-agent migrate`: creates or upgrades the database."""

import typer

from agent.cli.context import settings
from agent.cli.house import noun
from agent.cli.output import say

app = noun("Create or upgrade the database.")

_SAID = {
    "new": "the database was created",
    "old": "the database was upgraded to this version's schema",
    "current": "the database has this version's schema already: nothing to do",
}


@app.command("migrate")
def migrate(context: typer.Context) -> None:
    """Creates the database, or brings an old one to this version's schema. Stop the service first."""
    from agent.bootstrap import open_store
    from agent.store.migrate import upgrade

    database, hasher = open_store(settings(context, secrets="store").store)
    try:
        say(_SAID[upgrade(database, hasher)])
    finally:
        database.close()
