"""The nouns of the command line and where each one lives. A module is imported when its noun is used, not before.

To add a noun: write `agent/cli/<module>.py` with `app = noun("…")` (see `agent.cli.house`) and a line below. Inside it,
import what is heavy (the store, connectors, rich) in the functions, so that `--help` stays quick.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import typer
from typer.core import TyperCommand


@dataclass(frozen=True, kw_only=True)
class Noun:
    """One top-level command: its name, the module below `agent.cli` that holds `attribute`, and its line of help."""

    name: str
    module: str
    summary: str
    attribute: str = "app"


NOUNS: Sequence[Noun] = (
    Noun(name="init", module="configuration", attribute="init", summary="Write a commented crm-agent.toml."),
    Noun(name="config", module="configuration", summary="Check and show the configuration."),
    Noun(name="migrate", module="migrate", summary="Create or upgrade the database."),
    Noun(name="sign-in", module="sign_in", summary="Sign in for a mailbox with delegated OAuth."),
    Noun(name="doctor", module="doctor", summary="Check every mailbox and calendar, and say what to do."),
    Noun(name="contacts", module="contacts", summary="The people whose mail is logged."),
    Noun(name="purchases", module="purchases", summary="The sales history."),
    Noun(name="sync", module="sync", summary="One complete pass over the mailboxes, then exit."),
    Noun(name="run", module="run", summary="The daemon."),
    Noun(name="reload", module="run", attribute="reload", summary="Let the daemon read its configuration again."),
    Noun(name="mailboxes", module="mailboxes", summary="State, lag and last error of every mailbox."),
    Noun(name="interactions", module="interactions", summary="What was logged."),
    Noun(name="explain", module="explain", summary="Why a message was logged or not."),
    Noun(name="review", module="review", summary="Matches that need a person's decision."),
    Noun(name="reconcile", module="reconcile", summary="Prove by counting that no message is missing."),
    Noun(name="quarantine", module="quarantine", summary="Messages that could not be read."),
    Noun(name="reminders", module="reminders", summary="Follow-ups and where they stand."),
    Noun(name="feed", module="feed", summary="Every change, in order, for other systems."),
    Noun(name="audit", module="audit", summary="Who read another person's text, and when somebody was erased."),
    Noun(name="demo", module="demo", summary="A sample team on servers of its own."),
)


class Lazy(TyperCommand):
    """Stands for a noun in the help; becomes the real command when it is used."""

    def __init__(self, noun: Noun) -> None:
        super().__init__(name=noun.name, help=noun.summary, rich_markup_mode=None)
        self.noun = noun

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: "typer._click.Context | None" = None,
        **extra: object,
    ) -> "typer._click.Context":
        """Hands over to the command itself, which the new context then names."""
        return load(self.noun).make_context(info_name, args, parent, **extra)


def load(noun: Noun) -> "typer._click.Command":
    """The command of a noun."""
    module = import_module(f"agent.cli.{noun.module}")
    command = typer.main.get_command(getattr(module, noun.attribute))
    command.name = noun.name
    return command
