"""What every command is given: where the configuration is, and the settings once they are asked for.

def list_(context: typer.Context, as_json: Json = False) -> None:
    configured = settings(context, secrets="store")
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from config.model import Settings


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """The options before the command. `config`: the file named there, None if it is to be looked for."""

    config: Path | None = None
    debug: bool = False


def invocation(context: typer.Context) -> Invocation:
    """The options before the command; those of a bare call if the command runs by itself."""
    return context.find_object(Invocation) or Invocation()


def configuration_file(context: typer.Context) -> Path:
    """The configuration file that applies. Raises ConfigProblems if there is none."""
    from config.load import find

    return find(invocation(context).config)


def settings(
    context: typer.Context, *, secrets: Literal["all", "store", "none"] = "all", mailboxes: bool = False
) -> "Settings":
    """The effective settings. Raises ConfigProblems with everything that is wrong.

    secrets: which of them must be readable now: "all" for commands that connect, "store" for those that only use
    the database, "none" where nothing is opened. mailboxes: whether a configuration without any is refused.
    """
    from config.load import load, refuse_no_mailboxes

    loaded = load(configuration_file(context), secrets=secrets)
    if mailboxes:
        refuse_no_mailboxes(loaded)
    return loaded
