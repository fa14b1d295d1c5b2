"""Commands whose part comes with a later version: known by name, they say so and exit 2 whatever follows them."""

from collections.abc import Mapping
from types import MappingProxyType

import typer
from typer.core import TyperCommand

from agent.cli.stop import WRONG_USE, Stop

LATER: Mapping[str, Mapping[str, str]] = MappingProxyType({})
"""Verbs that come later, by noun, with their line of help."""


def later(name: str, summary: str) -> TyperCommand:
    """The command `name`, for instance `mailboxes approve`, which accepts anything and refuses to run."""

    def refuse() -> None:
        raise Stop(f"`crm-agent {name}` comes with a later version; nothing was done", code=WRONG_USE)

    return TyperCommand(
        name=name.rpartition(" ")[2],
        callback=refuse,
        help=f"{summary} (later version)",
        rich_markup_mode=None,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )


def add_later_verbs(noun: str, app: "typer.core.TyperGroup") -> None:
    """Adds the verbs of `noun` that come later to its group, where the group has none of that name."""
    for verb, summary in LATER.get(noun, {}).items():
        if verb not in app.commands:
            app.add_command(later(f"{noun} {verb}", summary))
