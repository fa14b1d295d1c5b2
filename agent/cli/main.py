"""`crm-agent`: registers every noun and is the one boundary behind which no error passes as a traceback.

Exit codes: 0 done; 1 some of the work failed or a check found something; 2 wrong usage or configuration;
130 interrupted. Nothing heavy is imported here.
"""

import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from agent import garbage
from agent.cli.commands import NOUNS, Lazy
from agent.cli.context import Invocation
from agent.cli.failure import failure
from agent.cli.house import noun
from agent.cli.output import close_stdout, finish, note, open_streams, say
from agent.cli.stop import Stop
from agent.exit_codes import DONE, INTERRUPTED, SOME_FAILED, WRONG_USE

app = noun("Logs every customer mail once, and puts reminders into the salesperson's own calendar.")


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"crm-agent {version('crm-sync-agent')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Configuration file. Default: $CRM_AGENT_CONFIG, ./crm-agent.toml, /etc/crm-agent/crm-agent.toml.",
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole trace of an unexpected error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keeps what stands before the command."""
    context.obj = Invocation(config=config, debug=debug)


def command() -> TyperGroup:
    """The whole command line, with every noun standing for a module that is not imported yet."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)  # noqa: S101 - a callback makes Typer build a group; tells the type checker
    for each in NOUNS:
        group.add_command(Lazy(each))
    return group


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code. A command may return its own, or None for 0."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    garbage.look_seldom()
    open_streams()
    try:
        code = command().main(args=given, prog_name="crm-agent", standalone_mode=False)
        finish()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except UnicodeEncodeError as error:
        return _report(_no_text(given) or error, debug="--debug" in given)
    except Exception as error:  # noqa: BLE001 - the job boundary: people get a sentence, never a traceback
        return _report(error, debug="--debug" in given)
    return code if isinstance(code, int) else DONE


def _reader_left() -> int:
    """Whoever read our output has gone (`| head`)."""
    close_stdout()
    return SOME_FAILED


def _no_text(given: Sequence[str]) -> Stop | None:
    """What to say where an argument holds bytes that are no letters in the encoding of this terminal."""
    strange = [argument for argument in given if any("\ud800" <= letter <= "\udfff" for letter in argument)]
    if not strange:
        return None
    return Stop(f"an argument is no text: {strange[0]!a}; write it in the encoding of your locale", code=WRONG_USE)


def _report(error: Exception, *, debug: bool) -> int:
    if debug or logging.getLogger().isEnabledFor(logging.DEBUG):
        traceback.print_exception(error)
    told = failure(error)
    for line in told.lines:
        note(line)
    return told.code
