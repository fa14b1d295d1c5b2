"""`crm-agent reconcile`: proves by counting that no message is missing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings
from agent.cli.house import noun
from agent.cli.output import Json, emit, note
from agent.cli.stop import Stop
from agent.exit_codes import SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    from agent.bootstrap import House
    from config.model import Mailbox

app = noun("Prove by counting that no message is missing.")


@app.command("reconcile")
def reconcile(
    context: typer.Context,
    mailbox: Annotated[str | None, typer.Option("--mailbox", metavar="ADDR", help="Only this mailbox.")] = None,
    as_json: Json = False,
) -> int:
    """Compares every folder's ids on the server with what has a row here. Exit code 1 if anything is missing."""
    from agent.bootstrap import open_house, selected

    configured = settings(context, mailboxes=True)
    wrong: list[str] = []
    with open_house(configured, create=False) as house:
        chosen = selected(house.settings, mailbox)
        if mailbox is not None and not chosen:
            raise Stop(f"no mailbox {mailbox} in the configuration: see `crm-agent mailboxes`", code=WRONG_USE)
        emit((row for one in chosen for row in _accounts(house, one, wrong)), as_json=as_json)
    for sentence in wrong:
        note(sentence)
    return SOME_FAILED if wrong else 0


def _accounts(house: "House", mailbox: "Mailbox", wrong: list[str]) -> Iterator[dict[str, object]]:
    """The rows of one mailbox; what is wrong with it is added to `wrong`."""
    from agent.cli.choosing import mailbox_id
    from agent.store.schedule import clock, mailboxes
    from agent.sync.reconcile import reconcile as count
    from agent.upkeep import floor_of
    from connectors.errors import ConnectorError

    with house.database.read() as connection:
        id = mailbox_id(connection, mailbox.address)
        since = mailboxes.since(connection, id)
    floor = floor_of(house.settings.policy, since, clock.reckoned(house.database, house.clock()))
    try:
        for account in house.sources.use(mailbox, lambda source: list(count(house.database, source, id, floor))):
            if account.missing or account.problem:
                reason = account.problem or f"{account.missing} missing: sync again, then see `crm-agent doctor`"
                wrong.append(f"{mailbox.address}, folder {account.folder}: {reason}")
            yield account.told(mailbox.address)
    except ConnectorError as error:
        wrong.append(f"{mailbox.address}: {error}" + (f"; {error.advice}" if error.advice else ""))
