"""What a person is told when a command fails, and the exit code: a pure function of the error."""

import traceback
from dataclasses import dataclass
from pathlib import Path

import typer
from typer.exceptions import TyperException

from agent.cli.stop import Stop
from agent.exit_codes import INTERRUPTED, SOME_FAILED, WRONG_USE
from agent.store.errors import StoreError, Unfit
from config.problem import ConfigProblems
from config.secrets import SecretError
from connectors.errors import ConnectorError


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Lines for stderr and the exit code."""

    lines: tuple[str, ...]
    code: int


def failure(error: Exception) -> Failure:
    """The sentences for an error. One nobody foresaw is told by its kind and place only: its text may hold mail."""
    match error:
        case ConfigProblems():
            return Failure(lines=tuple(map(str, error.problems)), code=WRONG_USE)
        case SecretError():
            return Failure(lines=(str(error),), code=WRONG_USE)
        case Stop():
            return Failure(lines=tuple(filter(None, str(error).splitlines())), code=error.code)
        case ConnectorError():
            return Failure(lines=tuple(filter(None, (str(error), error.advice))), code=SOME_FAILED)
        case StoreError():
            return Failure(lines=(str(error),), code=WRONG_USE if isinstance(error, Unfit) else SOME_FAILED)
        case TyperException():
            return Failure(lines=_usage(error), code=error.exit_code)
        case typer.Abort():
            return Failure(lines=("interrupted",), code=INTERRUPTED)
        case _:
            return Failure(lines=(_unforeseen(error),), code=SOME_FAILED)


def _usage(error: TyperException) -> tuple[str, ...]:
    """What was wrong on the command line, after the usage of the command it was meant for."""
    context = getattr(error, "ctx", None)
    if context is None:
        return (error.format_message(),)
    if error.format_message() == context.get_help():  # a bare group: the help is the answer
        return (error.format_message(),)
    hint = f"Try `{context.command_path} --help`."
    return (context.get_usage(), error.format_message(), hint)


def _unforeseen(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"unexpected {type(error).__name__}{place}: this is a fault of the program, see more with --debug"
