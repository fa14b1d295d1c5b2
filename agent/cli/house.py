"""How every command group is made, so that all of them look and load alike.

Plain help texts: rich would cost a third of a second at every start and is loaded by progress bars alone.
"""

import typer


def noun(summary: str, *, shows: bool = False) -> typer.Typer:
    """An application for one noun of the command line. With `shows`, the bare noun runs its callback.

    One command and no callback makes the noun itself the command (`crm-agent sync`); more make it a group.
    """
    return typer.Typer(
        help=summary,
        invoke_without_command=shows,
        no_args_is_help=not shows,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
