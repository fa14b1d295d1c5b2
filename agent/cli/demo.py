"""`crm-agent demo`: a sample team on real IMAP and CalDAV servers on loopback."""

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.house import noun
from agent.cli.output import say
from agent.cli.stop import Stop
from agent.exit_codes import SOME_FAILED, WRONG_USE

app = noun("A sample team on servers of its own.")


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="One pass, a summary, and the end.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Keep everything here. Default: a temporary folder that goes."),
    ] = None,
) -> None:
    """Starts an IMAP and a CalDAV server on this machine, fills three mailboxes, and runs the agent on them.

    Ctrl-C ends it and removes what it made. Needs the extra `demo`: pip install 'crm-sync-agent[demo]'.
    """
    _refuse_without_servers()
    from agent.cli.main import main
    from agent.demo.run import demo as run_demo
    from agent.demo.servers import DemoError

    try:
        run_demo(once=once, folder=folder, say=say, door=main)
    except DemoError as error:
        raise Stop(str(error), code=SOME_FAILED) from error


def _refuse_without_servers() -> None:
    from importlib.util import find_spec

    if find_spec("pymap") is None or find_spec("radicale") is None:
        raise Stop("the demo's servers are not installed: pip install 'crm-sync-agent[demo]'", code=WRONG_USE)
