"""`crm-agent run` and `crm-agent reload`: the daemon, and how to give it a new configuration."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings
from agent.cli.house import noun
from agent.cli.output import say
from agent.cli.stop import Stop
from agent.cli.workable import refuse_idleness, workable
from agent.exit_codes import DONE

if TYPE_CHECKING:
    from config.model import Settings

app = noun("The daemon: reads every mailbox when its turn comes, until SIGTERM.")
reload = noun("Let the running daemon read its configuration again.")

PidFile = Annotated[
    Path | None, typer.Option("--pid-file", metavar="FILE", help="Default: beside an SQLite database, else none.")
]


class Form(StrEnum):
    """How log lines look; auto: readable on a terminal, JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    READABLE = "readable"


class Level(StrEnum):
    """The least that is logged. Addresses and subjects stand in debug lines only."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@app.command("run")
def run(
    context: typer.Context,
    log_format: Annotated[Form, typer.Option("--log-format", help="Form of the log on stderr.")] = Form.AUTO,
    log_level: Annotated[Level, typer.Option("--log-level", help="Least level that is logged.")] = Level.INFO,
    pid_file: PidFile = None,
) -> None:
    """Runs until SIGTERM or Ctrl-C. SIGHUP or `crm-agent reload` re-reads the configuration.

    A configuration with a mistake changes nothing; the log names the mistake.
    """
    from agent import observe

    configured = workable(context)
    observe.configure(log_format.value, log_level.value)
    _serve(context, configured, pid_file)


@reload.command("reload")
def reload_(context: typer.Context, pid_file: PidFile = None) -> None:
    """Sends SIGHUP to the daemon on this host that works on the configured database."""
    from agent.engine.pidfile import ask_reload, default_path
    from agent.store.database import sqlite_file

    path = pid_file or default_path(sqlite_file(settings(context, secrets="none").store.url))
    if path is None:
        raise Stop("with PostgreSQL give run and reload the same --pid-file, or send SIGHUP to the daemon")
    if not ask_reload(path):
        raise Stop(f"no daemon of this database runs here ({path}): start it with `crm-agent run`")
    say("the daemon reads its configuration again: its log says whether it took it")


def _serve(context: typer.Context, configured: "Settings", pid_file: Path | None) -> None:
    from dataclasses import replace

    from agent.bootstrap import open_house
    from agent.engine.daemon import Wiring
    from agent.engine.daemon import run as serve
    from agent.engine.links import Links
    from agent.engine.pidfile import default_path
    from agent.store.database import sqlite_file

    with open_house(configured) as house:
        refuse_idleness(house)
        wiring = Wiring(
            database=house.database,
            hasher=house.hasher,
            load=lambda: settings(context),
            work_for=lambda fresh: replace(house, settings=fresh).work(eager=False),
            sources=house.sources,
            farewell=house.farewell(eager=False),
            with_lists=house.with_lists,
            look=house.look,
            beside=(*house.beside(), Links(house.database, house.hasher)),
            pid_file=pid_file or default_path(sqlite_file(configured.store.url)),
        )
        left = serve(wiring, configured)
        if left:
            _end_now()  # leaving would wait for the servers that hang


def _end_now() -> None:
    """Ends the process without waiting for threads that hang on a server. Nothing is lost: commits are whole."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(DONE)
